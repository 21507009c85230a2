// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/generate.hpp"
#include "fetcher/save_text.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

using namespace flowspec;

namespace {

const std::string plain = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.0.0.0/8 -j ACCEPT\nCOMMIT\n";
const std::string mixed =
    "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i eth0 -j DROP\n-A FORWARD -s 10.0.0.0/8 -j ACCEPT\n"
    "COMMIT\n";

/// A world of a few files.
struct World {
  std::map<std::string, std::string> files{{"plain", plain}, {"mixed", mixed}, {"cut", plain.substr(0, 40)}};
  bool disk_full = false;
  std::ostringstream out;
  std::ostringstream err;

  int run(const GenerateOptions& options) {
    const GenerateEffects effects{.read_file =
                                      [this](const std::string& path) {
                                        if (!files.contains(path))
                                          throw Error("open " + path + ": No such file or directory");
                                        return files.at(path);
                                      },
                                  .read_kernel = [] { return parse_save(mixed, Family::ipv4); },
                                  .write_file =
                                      [this](const std::string& path, std::string_view content) {
                                        if (disk_full)
                                          throw Error("write " + path + ": No space left on device");
                                        const bool changed = files[path] != content;
                                        files[path] = content;
                                        return changed;
                                      }};
    return generate(options, effects, out, err);
  }
};

GenerateOptions from(const std::string& rules) {
  GenerateOptions options;
  options.rules = rules;
  return options;
}

const std::string plain_config =
    "# Written by flowspec-fetcher from firewall rules; the next run replaces it.\n"
    "# Sequence numbers: rt:65535.\n"
    "\n"
    "protocol static flowspec4 {\n"
    "  flow4 { table flowtab4; };\n"
    "  route flow4 { src 10.0.0.0/8; } { bgp_ext_community.add((rt, 65535, 1)); }; # 1: -s "
    "10.0.0.0/8 -j ACCEPT\n"
    "  route flow4 { dst 0.0.0.0/0; src 0.0.0.0/0; } { bgp_ext_community.add((generic, "
    "0x80060000, 0x0)); }; # policy DROP\n"
    "}\n";

} // namespace

TEST_CASE("generate prints the configuration") {
  World world;
  CHECK(world.run(from("plain")) == exit_code::done);
  CHECK(world.out.str() == plain_config);
  CHECK(world.err.str().empty());
}

TEST_CASE("generate writes a file, and says whether it changed") {
  World world;
  GenerateOptions options = from("plain");
  options.output = "bird.conf";
  CHECK(world.run(options) == exit_code::done);
  CHECK(world.files.at("bird.conf") == plain_config);
  CHECK(world.run(options) == exit_code::done);
  CHECK(world.out.str().empty());
  CHECK(world.err.str() == "bird.conf: written, 2 routes\nbird.conf: unchanged, 2 routes\n");
}

TEST_CASE("with a rule that cannot be published nothing is written") {
  World world;
  GenerateOptions options = from("mixed");
  options.output = "bird.conf";
  CHECK(world.run(options) == exit_code::failed);
  CHECK_FALSE(world.files.contains("bird.conf"));
  CHECK(world.err.str() ==
        "rule 1, line 3: -A FORWARD -i eth0 -j DROP: unsupported-rule: interfaces have no flowspec "
        "component; leaving it out opens a hole\n"
        "nothing written: 1 of the rules of FORWARD cannot be published; --skip-unsupported leaves "
        "them out\n");
  options.output.reset();
  CHECK(world.run(options) == exit_code::failed);
  CHECK(world.out.str().empty());
}

TEST_CASE("option --skip-unsupported publishes the rest, --strict tells by the exit code") {
  World world;
  GenerateOptions options; // the kernel's rules: mixed
  options.skip_unsupported = true;
  CHECK(world.run(options) == exit_code::done);
  CHECK_THAT(world.err.str(), Catch::StartsWith("rule 1: -i eth0 -j DROP: unsupported-rule: "));
  CHECK_THAT(world.out.str(), Catch::Contains("(rt, 65535, 2)"));
  options.strict = true;
  CHECK(world.run(options) == exit_code::left_out);
  options.rules = "plain";
  CHECK(world.run(options) == exit_code::done);
}

TEST_CASE("option --json prints the entries and what was rejected, the configuration goes to the file only") {
  World world;
  GenerateOptions options = from("mixed");
  options.json = true;
  CHECK(world.run(options) == exit_code::failed);
  const auto json = nlohmann::json::parse(world.out.str());
  REQUIRE(json.at("entries").size() == 2);
  CHECK(json["entries"][0]["match"] == nlohmann::json{{"source", "10.0.0.0/8"}});
  CHECK(json["entries"][0]["sequence"] == 2);
  CHECK(json["entries"][0]["rule"] == "2: -s 10.0.0.0/8 -j ACCEPT");
  CHECK(json["entries"][1]["actions"]["rate"] == 0);
  REQUIRE(json.at("rejected").size() == 1);
  CHECK(json["rejected"][0]["reason"] == "unsupported-rule");
  CHECK(json["rejected"][0]["gap"] == "hole");
  CHECK(json.at("remarks").empty());

  World second;
  options.skip_unsupported = true;
  options.output = "bird.conf";
  CHECK(second.run(options) == exit_code::done);
  CHECK(nlohmann::json::parse(second.out.str()) == json);
  CHECK_THAT(second.files.at("bird.conf"), Catch::Contains("route flow4"));
}

TEST_CASE("option --sequence none says what is lost") {
  World world;
  GenerateOptions options = from("plain");
  options.sequence.kind = SequenceCarrier::Kind::none;
  CHECK(world.run(options) == exit_code::done);
  CHECK(world.err.str() == "--sequence none: rules that overlap may decide in another order than here\n");
}

TEST_CASE("a bad environment is an error that names it, and changes nothing") {
  World world;
  CHECK_THROWS_WITH(world.run(from("missing")), "open missing: No such file or directory");
  CHECK_THROWS_WITH(world.run(from("cut")), "cut: line 3: the text ends inside table filter, without COMMIT");
  GenerateOptions options = from("plain");
  options.output = "bird.conf";
  options.names.protocol = "no name";
  CHECK_THROWS_AS(world.run(options), UsageError);
  options.names.protocol = "name";
  world.disk_full = true;
  CHECK_THROWS_WITH(world.run(options), "write bird.conf: No space left on device");
  CHECK_FALSE(world.files.contains("bird.conf"));
  world.out.setstate(std::ios::badbit);
  CHECK_THROWS_WITH(world.run(from("plain")), "standard output: cannot write");
}

TEST_CASE("more rules than --sequence marking can number are refused") {
  World world;
  std::string text = "*filter\n:FORWARD DROP [0:0]\n";
  for (int i = 0; i < 256; ++i)
    text += "-A FORWARD -s 10.0.0." + std::to_string(i) + "/32 -j ACCEPT\n";
  world.files["many"] = text + "COMMIT\n";
  GenerateOptions options = from("many");
  options.output = "bird.conf";
  CHECK(world.run(options) == exit_code::done);
  options.sequence.kind = SequenceCarrier::Kind::marking;
  options.output = "other.conf";
  CHECK_THROWS_WITH(world.run(options),
                    "sequence number 256 is over 255, the largest that --sequence marking carries");
  CHECK_FALSE(world.files.contains("other.conf"));
}

// Each tests/data/rules/NAME.save, as an iptables-save printed it, with the configuration and the words it
// gives. FLOWSPEC_BLESS=1 writes them anew.
TEST_CASE("rules that iptables-save printed give the configuration beside them") {
  namespace fs = std::filesystem;
  const auto content = [](const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  for (const auto& file : fs::directory_iterator(fs::path(FLOWSPEC_TEST_DATA) / "rules")) {
    if (file.path().extension() != ".save")
      continue;
    INFO(file.path());
    World world;
    world.files["rules"] = content(file.path());
    GenerateOptions options = from("rules");
    options.skip_unsupported = true;
    CHECK(world.run(options) == exit_code::done);
    for (const auto& [extension, text] :
         {std::pair{".conf", world.out.str()}, {".report", world.err.str()}}) {
      const fs::path golden = fs::path(file.path()).replace_extension(extension);
      if (std::getenv("FLOWSPEC_BLESS") != nullptr)
        std::ofstream(golden, std::ios::binary) << text;
      CHECK(content(golden) == text);
    }
  }
}
