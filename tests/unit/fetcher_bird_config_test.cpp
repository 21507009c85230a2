// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/printable.hpp"
#include "fetcher/bird_config.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Route route(const char* destination, const char* origin) {
  Route result;
  result.entry.match.destination = parse_prefix(destination);
  result.entry.match.family = result.entry.match.destination->family();
  result.origin = origin;
  return result;
}

} // namespace

TEST_CASE("a static protocol for each family that has routes") {
  const std::vector<Route> routes{route("10.0.0.0/8", "1: -d 10.0.0.0/8 -j ACCEPT"),
                                  route("2001:db8::/32", "six"), route("10.1.0.0/16", "3")};
  CHECK(bird_config(routes, {}, {}) ==
        "# Written by flowspec-fetcher from firewall rules; the next run replaces it.\n"
        "# Sequence numbers: rt:65535.\n"
        "\n"
        "protocol static flowspec4 {\n"
        "  flow4 { table flowtab4; };\n"
        "  route flow4 { dst 10.0.0.0/8; }; # 1: -d 10.0.0.0/8 -j ACCEPT\n"
        "  route flow4 { dst 10.1.0.0/16; }; # 3\n"
        "}\n"
        "\n"
        "protocol static flowspec6 {\n"
        "  flow6 { table flowtab6; };\n"
        "  route flow6 { dst 2001:db8::/32; }; # six\n"
        "}\n");
  const BirdNames names{.flow4_table = "four", .flow6_table = "six", .protocol = "fw"};
  CHECK(bird_config(std::span(routes).first(1), names, {SequenceCarrier::Kind::none, 0}) ==
        "# Written by flowspec-fetcher from firewall rules; the next run replaces it.\n"
        "# Sequence numbers: none.\n"
        "\n"
        "protocol static fw4 {\n"
        "  flow4 { table four; };\n"
        "  route flow4 { dst 10.0.0.0/8; }; # 1: -d 10.0.0.0/8 -j ACCEPT\n"
        "}\n");
  CHECK(bird_config({}, {}, {}).find("protocol") == std::string::npos);
}

TEST_CASE("nothing in a rule ends the comment that it stands in") {
  const std::vector<Route> routes{
      route("10.0.0.0/8", "\n} protocol device {}\r\x0b\x0c\x1b[2J\xc2\x85\xe2\x80\xa8 # */ \" '")};
  const std::string config = bird_config(routes, {}, {});
  const std::string line = config.substr(config.find("  route"));
  CHECK(line == "  route flow4 { dst 10.0.0.0/8; }; # \\x0a} protocol device "
                "{}\\x0d\\x0b\\x0c\\x1b[2J\\xc2\\x85\\xe2\\x80\\xa8 # */ \" '\n}\n");
}

TEST_CASE("printable text is one line of ASCII") {
  std::string every;
  for (int byte = 0; byte < 256; ++byte)
    every += static_cast<char>(byte);
  for (const char c : printable(every))
    CHECK((c >= ' ' && c <= '~'));
  CHECK(printable("a b~") == "a b~");
}

TEST_CASE("names are symbols of BIRD's") {
  CHECK_NOTHROW(check(BirdNames{}));
  CHECK_NOTHROW(
      check({.flow4_table = "_A9", .flow6_table = std::string(63, 'x'), .protocol = std::string(62, 'x')}));
  const std::string bad =
      GENERATE(values<std::string>({"", "4you", "a-b", "a b", "a;", "a\n", "\xc3\xa9", "'quoted'",
                                    std::string(64, 'x'), std::string(1, '\0')}));
  CHECK_THROWS_AS(check({.flow4_table = bad}), UsageError);
  CHECK_THROWS_AS(check({.flow6_table = bad}), UsageError);
  CHECK_THROWS_AS(check({.protocol = bad}), UsageError);
  CHECK_THROWS_AS(check({.protocol = std::string(63, 'x')}), UsageError);
}
