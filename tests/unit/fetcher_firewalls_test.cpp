// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules of real firewalls, each tests/data/firewalls/NAME.save with NAME.save6, and the report and the
// configuration that they give. FLOWSPEC_BLESS=1 writes them anew.
#include "common/error.hpp"
#include "fetcher/generate.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace flowspec;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

struct Run {
  int exit_code = 0;
  std::string out;
  std::string err;
};

Run publish(const fs::path& rules, bool skip) {
  GenerateOptions options;
  options.rules = rules;
  options.rules6 = rules.string() + "6";
  options.skip_unsupported = skip;
  options.report_every = true;
  // eth1 is the way to one segment; the others have no route target.
  options.publish.interfaces = {{"eth1", InterfaceTarget::Side::out, "65000:101"}};
  GenerateEffects effects;
  effects.read_file = [](const std::string& path) { return content(path); };
  std::ostringstream out;
  std::ostringstream err;
  const int exit_code = generate(options, effects, out, err);
  return {exit_code, out.str(), err.str()};
}

} // namespace

TEST_CASE("real firewalls give the reports beside them") {
  std::size_t firewalls = 0;
  for (const auto& file : fs::directory_iterator(fs::path(FLOWSPEC_TEST_DATA) / "firewalls")) {
    if (file.path().extension() != ".save")
      continue;
    ++firewalls;
    INFO(file.path());
    const Run run = publish(file.path(), true);
    CHECK(run.exit_code == exit_code::done);
    for (const auto& [extension, text] : {std::pair{".conf", &run.out}, {".report", &run.err}}) {
      const fs::path golden = fs::path(file.path()).replace_extension(extension);
      if (std::getenv("FLOWSPEC_BLESS") != nullptr)
        std::ofstream(golden, std::ios::binary) << *text;
      CHECK(content(golden) == *text);
    }
    // Every one of them has rules that flowspec cannot say: without leave nothing comes out.
    const Run strict = publish(file.path(), false);
    CHECK(strict.exit_code == exit_code::failed);
    CHECK(strict.out.empty());
  }
  CHECK(firewalls == 8);
}
