// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/command_line.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

using namespace flowspec;

namespace {

FetcherCommand parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "flowspec-fetcher");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

std::string text(std::vector<const char*> arguments) {
  return std::get<PrintText>(parse(std::move(arguments))).text;
}

GenerateOptions generate_options(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "generate");
  return std::get<GenerateOptions>(parse(std::move(arguments)));
}

/// A configuration file, removed at the end.
struct ConfigFile {
  std::string path =
      (std::filesystem::temp_directory_path() / ("fetcher." + std::to_string(getpid()) + ".toml")).string();
  explicit ConfigFile(const std::string& text) { std::ofstream(path) << text; }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  ~ConfigFile() { std::filesystem::remove(path); }
};

} // namespace

TEST_CASE("generate without options reads the kernel and writes to standard output") {
  CHECK(generate_options({}) == GenerateOptions{});
}

TEST_CASE("every option of generate") {
  GenerateOptions expected;
  expected.rules = "-";
  expected.rules6 = "rules.v6";
  expected.lock_wait = std::chrono::milliseconds(2500);
  expected.publish = {.max_routes = 500,
                      .stateful_always = true,
                      .no_common_beginning = true,
                      .optimize = true,
                      .interfaces = {{"eth0", InterfaceTarget::Side::in, "65000:1"},
                                     {"br+", InterfaceTarget::Side::either, "65000:2"}}};
  expected.sequence = {SequenceCarrier::Kind::route_target, 64512};
  expected.names = {.flow4_table = "t4", .flow6_table = "t6", .protocol = "fw"};
  expected.output = "/etc/bird/flowspec.conf";
  expected.delivery = {.validate = true,
                       .reload = true,
                       .bird = "/opt/bird",
                       .bird_config = "/opt/bird.conf",
                       .birdc = "/opt/birdc",
                       .birdc_socket = "/run/bird.ctl"};
  expected.timeout = std::chrono::milliseconds(3000);
  expected.skip_unsupported = expected.json = expected.strict = expected.report_every = true;
  CHECK(generate_options({"--rules",
                          "-",
                          "--rules6",
                          "rules.v6",
                          "--wait",
                          "2.5",
                          "--max-routes",
                          "500",
                          "--stateful",
                          "always",
                          "--frr",
                          "10.7",
                          "--optimize",
                          "--interface-rt",
                          "in:eth0=65000:1",
                          "--interface-rt",
                          "br+=65000:2",
                          "--sequence",
                          "rt:64512",
                          "--flow4-table",
                          "t4",
                          "--flow6-table",
                          "t6",
                          "--protocol",
                          "fw",
                          "--output=/etc/bird/flowspec.conf",
                          "--validate",
                          "--reload",
                          "--bird",
                          "/opt/bird",
                          "--bird-config",
                          "/opt/bird.conf",
                          "--birdc",
                          "/opt/birdc",
                          "--birdc-socket",
                          "/run/bird.ctl",
                          "--timeout",
                          "3",
                          "--skip-unsupported",
                          "--json",
                          "--report",
                          "--strict"}) == expected);
}

TEST_CASE("families, versions and checks") {
  CHECK(generate_options({"--family", "ipv4"}).family == Family::ipv4);
  CHECK(generate_options({"--family", "ipv6"}).family == Family::ipv6);
  CHECK_FALSE(generate_options({"--family", "both"}).family);
  CHECK_FALSE(generate_options({"--frr", "8.4"}).publish.no_common_beginning);
  CHECK(generate_options({"--output", "x", "--check", "--validate"}).delivery.check);
}

TEST_CASE("options from a file have the same names, and those on the command line hold against them") {
  const ConfigFile file("output = \"/etc/bird/flowspec.conf\"\n"
                        "validate = true\n"
                        "stateful = \"always\"\n"
                        "max-routes = 7\n"
                        "interface-rt = [\"in:eth0=65000:1\", \"out:eth0=65000:2\"]\n");
  const GenerateOptions options = generate_options({"--config", file.path.c_str(), "--max-routes", "8"});
  CHECK(options.output == "/etc/bird/flowspec.conf");
  CHECK(options.delivery.validate);
  CHECK(options.publish.stateful_always);
  CHECK(options.publish.max_routes == 8);
  CHECK(options.publish.interfaces.size() == 2);
}

TEST_CASE("options of the fetcher's command line set aside what stands in its file") {
  const ConfigFile file("output = \"/etc/bird/flowspec.conf\"\n"
                        "family = \"ipv4\"\n"
                        "reload = true\n"
                        "json = true\n");
  const char* const path = file.path.c_str();
  const GenerateOptions plain = generate_options({"--config", path});
  CHECK((plain.family == Family::ipv4 && plain.delivery.reload && plain.json));
  for (const char* option : {"--rules", "--rules6"})
    CHECK_FALSE(generate_options({"--config", path, option, "x"}).family);
  const GenerateOptions checking = generate_options({"--config", path, "--check"});
  CHECK(checking.delivery.check);
  CHECK_FALSE((checking.delivery.reload || checking.json));
  for (const std::vector<const char*>& words : {std::vector<const char*>{"--rules", "x", "--family", "ipv4"},
                                                {"--check", "--reload"},
                                                {"--check", "--json"}}) {
    std::vector<const char*> all{"--config", path};
    all.insert(all.end(), words.begin(), words.end());
    CHECK_THROWS_AS(generate_options(all), UsageError);
  }
}

TEST_CASE("a file of options that makes no sense is a usage error") {
  const auto text = GENERATE(as<std::string>(), "frobnicate = 1\n", "stateful = \"never\"\n",
                             "check = true\n", "validate = true\n", "rules = \"\"\n");
  const ConfigFile file(text);
  INFO(text);
  CHECK_THROWS_AS(generate_options({"--config", file.path.c_str()}), UsageError);
}

TEST_CASE("the example file holds the defaults") {
  GenerateOptions expected;
  expected.output = "/etc/bird/flowspec.conf";
  CHECK(generate_options({"--config", FLOWSPEC_TEST_DATA "/../../examples/fetcher.toml"}) == expected);
}

TEST_CASE("lint takes files") {
  CHECK(std::get<LintOptions>(parse({"lint", "a", "-", "--json"})) == LintOptions{{"a", "-"}, true});
  CHECK(std::get<LintOptions>(parse({"lint", "--", "--a="})) == LintOptions{{"--a="}, false});
  CHECK_THROWS_AS(parse({"lint"}), UsageError);
  CHECK_THROWS_AS(parse({"lint", "-", "a", "-"}), UsageError);
  CHECK_THROWS_AS(parse({"lint", "--output", "x", "a"}), UsageError);
}

TEST_CASE("help and version are texts") {
  CHECK(text({"--version"}) == "flowspec-fetcher 1.2.3\n");
  CHECK_THAT(text({"--help"}), Catch::Contains("generate") && Catch::Contains("Exit status"));
  CHECK_THAT(text({"generate", "--help"}), Catch::Contains("--rules FILE") && Catch::Contains("Examples:") &&
                                               Catch::Contains("rt:65535") && Catch::Contains("Exit status"));
  CHECK_THAT(text({"lint", "--help"}), Catch::Contains("FILE") && Catch::Contains("Examples:"));
}

TEST_CASE("a command line that makes no sense is a usage error") {
  const auto arguments = GENERATE(values<std::vector<const char*>>({
      {},
      {"frobnicate"},
      {"--json"},
      {"generate", "--frob"},
      {"generate", "stray"},
      {"generate", "--rules"},
      {"generate", "--rules", "a", "--rules", "b"},
      {"generate", "--rules", "-", "--rules6", "-"},
      {"generate", "--rules", "a", "--family", "ipv4"},
      {"generate", "--family", "ipv5"},
      {"generate", "--sequence", "rt:65536"},
      {"generate", "--sequence", "rt"},
      {"generate", "--sequence", ""},
      {"generate", "--flow4-table", "not a name"},
      {"generate", "--stateful", "never"},
      {"generate", "--max-routes", "0"},
      {"generate", "--max-routes", "-1"},
      {"generate", "--frr", "ten"},
      {"generate", "--frr", ""},
      {"generate", "--interface-rt", "eth0"},
      {"generate", "--interface-rt", "eth0=65535:1"},
      {"generate", "--interface-rt", "eth0=1:1", "--interface-rt", "eth0=1:2"},
      {"generate", "--interface-rt", "eth0=1:1", "eth1=1:2"},
      {"generate", "--output", "-"},
      {"generate", "--output", ""},
      {"generate", "--rules6", ""},
      {"generate", "--output=", "--strict"},
      {"lint", "a", "--json="},
      {"generate", "--check"},
      {"generate", "--validate"},
      {"generate", "--reload"},
      {"generate", "--output", "x", "--check", "--reload"},
      {"generate", "--output", "x", "--check", "--json"},
      {"generate", "--timeout", "nan"},
      {"generate", "--timeout", "0"},
      {"generate", "--wait", "-1"},
      {"generate", "--config", "/nonexistent/fetcher.toml"},
  }));
  CHECK_THROWS_AS(parse(arguments), UsageError);
}
