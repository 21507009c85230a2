// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/temporary_directory.hpp"

#include "common/error.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>

namespace flowspec {

TemporaryDirectory::TemporaryDirectory() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error)
    throw Error("make a temporary directory: " + error.message());
  std::string pattern = parent / "flowspec-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr)
    throw Error(with_errno("make a directory in " + parent.string(), errno));
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TemporaryDirectory::add(const std::string& name, std::string_view content) const {
  errno = 0;
  std::ofstream file(path_ / name, std::ios::binary);
  if (!file.write(content.data(), static_cast<std::streamsize>(content.size())).flush())
    throw Error(with_errno("write " + (path_ / name).string(), errno == 0 ? EIO : errno));
}

} // namespace flowspec
