// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/command_line.hpp"

#include <catch2/catch.hpp>

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

} // namespace

TEST_CASE("generate without options reads the kernel and writes to standard output") {
  CHECK(std::get<GenerateOptions>(parse({"generate"})) == GenerateOptions{});
}

TEST_CASE("every option of generate") {
  GenerateOptions expected;
  expected.rules = "-";
  expected.output = "/etc/bird/flowspec.conf";
  expected.sequence = {SequenceCarrier::Kind::route_target, 64512};
  expected.names = {.flow4_table = "t4", .flow6_table = "t6", .protocol = "fw"};
  expected.skip_unsupported = expected.json = expected.strict = true;
  CHECK(std::get<GenerateOptions>(
            parse({"generate", "--rules", "-", "--output=/etc/bird/flowspec.conf", "--sequence", "rt:64512",
                   "--flow4-table", "t4", "--flow6-table", "t6", "--protocol", "fw", "--skip-unsupported",
                   "--json", "--strict"})) == expected);
}

TEST_CASE("help and version are texts") {
  CHECK(text({"--version"}) == "flowspec-fetcher 1.2.3\n");
  CHECK_THAT(text({"--help"}), Catch::Contains("generate") && Catch::Contains("Exit codes"));
  CHECK_THAT(text({"generate", "--help"}), Catch::Contains("--rules FILE") && Catch::Contains("Examples:") &&
                                               Catch::Contains("rt:65535") && Catch::Contains("Exit codes"));
}

TEST_CASE("a command line that makes no sense is a usage error") {
  const auto arguments = GENERATE(values<std::vector<const char*>>({
      {},
      {"frobnicate"},
      {"generate", "--frob"},
      {"generate", "stray"},
      {"generate", "--rules"},
      {"generate", "--sequence", "rt:65536"},
      {"generate", "--sequence", "rt"},
      {"generate", "--sequence", ""},
      {"generate", "--flow4-table", "not a name"},
      {"generate", "--rules", "a", "--rules", "b"},
      {"--json"},
  }));
  CHECK_THROWS_AS(parse(arguments), UsageError);
}
