// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/files.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace flowspec {

namespace {
const std::filesystem::path data = FLOWSPEC_TEST_DATA;
}

std::string test_data(const std::string& name) {
  const std::ifstream file(data / name, std::ios::binary);
  if (!file)
    throw std::runtime_error("no test data " + (data / name).string());
  std::ostringstream content;
  // An empty file would set failbit on the stream that is inserted.
  if (file.rdbuf()->in_avail() != 0)
    content << file.rdbuf();
  return content.str();
}

bool is_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = data / "golden" / name;
  if (std::getenv("FLOWSPEC_BLESS") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  return test_data("golden/" + name) == text;
}

} // namespace flowspec
