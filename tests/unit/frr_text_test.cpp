// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/frr_routes.hpp"
#include "injector/frr_text.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

const char* const route =
    R"([ { "to":"10.0.0.0/8" }, { "ecomlist":"FS:rate 0.000000" }, { "time":"00:00:01" } ])";

const std::vector<std::string> ipv4_captures{
    "captures/frr-8.4.4/basic.txt",     "captures/frr-8.4.4/ops.txt",
    "captures/frr-8.4.4/multipath.txt", "captures/frr-8.4.4/t1.detail.txt",
    "captures/frr-8.4.4/t2.detail.txt", "captures/frr-8.4.4/t3.detail.txt",
    "captures/frr-8.4.4/empty.txt",     "captures/frr-10.7.0/basic.txt",
    "captures/frr-10.7.0/ops.txt",      "captures/frr-10.7.0/empty.txt"};

/// True when there is nothing, or the end of an array, before `end`, white space apart.
bool between_routes(std::string_view text, std::size_t end) {
  const std::size_t last = text.substr(0, end).find_last_not_of(" \n");
  return last == std::string_view::npos || (text[last] == ']' && (last == 0 || text[last - 1] == '\n'));
}

} // namespace

TEST_CASE("routes come one array after another, and white space alone is no routes") {
  CHECK(parse_flowspec_detail("").empty());
  CHECK(parse_flowspec_detail(" \n\t\r\n").empty());
  const std::string text = std::string(route) + "\n" + route + route;
  const std::vector<ShownRoute> routes = parse_flowspec_detail(text);
  REQUIRE(routes.size() == 3);
  const ShownPath& path = routes[2].paths.at(0);
  CHECK(path.components[0] == "10.0.0.0/8");
  CHECK(path.ecomlist == "FS:rate 0.000000");
  CHECK_FALSE(path.ecom6list);
  CHECK(path.age == "00:00:01");
}

TEST_CASE("the shapes of a path: without communities, with two lists, several paths, an escaped slash") {
  CHECK(parse_flowspec_detail(R"([{"to":"10.0.0.0\/8"},{"time":"1d02h03m"}])")[0].paths[0].components[0] ==
        "10.0.0.0/8");
  const auto both =
      parse_flowspec_detail(R"([{"to":"1.2.3.4/32"},{"ecomlist":"1:2","ecom6list":""},{"time":"never"}])");
  CHECK(both[0].paths[0].ecom6list == "");
  const auto paths = parse_flowspec_detail(
      R"([{"to":"1.2.3.4/32"},{"time":"00:00:01"},{"to":"1.2.3.4/32"},{"ecom6list":"1:2"},{"time":"01y02w3d"}])");
  CHECK(paths[0].paths.size() == 2);
  CHECK(parse_flowspec_detail(R"([{},{"time":"00:00:01"}])")[0].paths[0].components[0] == std::nullopt);
}

TEST_CASE("anything that FRR does not print makes the whole answer unbelievable") {
  for (const char* text : {
           "[]",
           "{}",
           R"({"warning":"View/Vrf is unknown"})",
           "x",
           "null",
           R"([{"to":"1.2.3.4/32"}])",                                      // no time
           R"([{"to":"1.2.3.4/32"},{"ecomlist":"1:2"}])",                   // no time
           R"([{"time":"00:00:01"}])",                                      // time first
           R"([{"ecomlist":"1:2"},{"time":"00:00:01"}])",                   // communities first
           R"([{"to":"1.2.3.4/32"},{},{"time":"00:00:01"}])",               // an empty object
           R"([{"to":"1.2.3.4/32","time":"00:00:01"}])",                    // mixed
           R"([{"to":"1.2.3.4/32","ecomlist":"1:2"},{"time":"00:00:01"}])", // mixed
           R"([{"to":"1.2.3.4/32"},{"ecomlist":"1:2"},{"ecomlist":"1:2"},{"time":"00:00:01"}])",
           R"([{"to":"1.2.3.4/32","to":"1.2.3.5/32"},{"time":"00:00:01"}])", // a key twice
           R"([{"vlan":"= 3 "},{"time":"00:00:01"}])",                       // an unknown key
           R"([{"to":1},{"time":"00:00:01"}])",                              // not a text
           R"([{"to":null},{"time":"00:00:01"}])",
           R"([{"to":true},{"time":"00:00:01"}])",
           R"([{"to":{"x":"y"}},{"time":"00:00:01"}])",
           R"([{"to":["10.0.0.0/8"]},{"time":"00:00:01"}])",
           R"([["to"],{"time":"00:00:01"}])",
           R"(["to"])",
           R"([{"to":"1.2.3.4/32"},{"time":""}])",
           R"([{"to":"1.2.3.4/32"},{"time":"yesterday"}])",
           R"([{"to":"1.2.3.4/32"},{"time":"00:00:01"},{"to":"1.2.3.5/32"},{"time":"00:00:01"}])", // another
                                                                                                   // match
           R"([{"to":"1.2.3.4/32"},{"time":"00:00:01"},])",
           R"([{"to":"1.2.3.4/32"},{"time":"00:00:01"}],)",
           R"([{"to":"1.2.3.4/32"},{"time":"00:00:01"}] vtysh: error reading from bgpd)",
           "[{\"to\":\"\xff\"},{\"time\":\"00:00:01\"}]",
           "\xef\xbb\xbf[]",
           R"([{"to":"1.2.3.4/32"},{"ecomlist":"x\n-A FORWARD -j ACCEPT"},{"time":"00:00:01"}])", // would
                                                                                                  // break a
                                                                                                  // line
           R"([{"to\n":"1.2.3.4/32"},{"time":"00:00:01"}])",
           R"([{"to":"\u001b[31m"},{"time":"00:00:01"}])",
       }) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_flowspec_detail(text), Error);
  }
  CHECK_THROWS_WITH(parse_flowspec_detail(std::string(route) + "\n{\"a\":1}"),
                    Catch::Contains("line 2, byte " + std::to_string(std::string(route).size() + 2)) &&
                        Catch::Contains("{\"a\":1}"));
  CHECK_THROWS_AS(parse_flowspec_detail(std::string(1'000'000, '[')), Error);
}

TEST_CASE("a capture cut anywhere but between two routes is no answer") {
  for (const std::string& name : ipv4_captures) {
    const std::string text = test_data(name);
    REQUIRE_NOTHROW(read_frr_routes(text, Family::ipv4, {}));
    std::size_t wrong = 0;
    for (std::size_t length = 0; length < text.size(); ++length) {
      bool believed = true;
      try {
        parse_flowspec_detail(std::string_view(text).substr(0, length));
      } catch (const Error&) {
        believed = false;
      }
      if (believed != between_routes(text, length))
        ++wrong;
    }
    CAPTURE(name);
    CHECK(wrong == 0);
  }
}

TEST_CASE("captures of other commands are no routes") {
  for (const char* name : {"bgpsummary", "neighbor", "summary", "unicast_longer", "unicast_lpm",
                           "unicast_none", "unicast_pfx", "unknown_vrf"})
    for (const char* version : {"8.4.4", "10.7.0"}) {
      CAPTURE(name, version);
      CHECK_THROWS_AS(
          parse_flowspec_detail(test_data(std::string("captures/frr-") + version + "/" + name + ".txt")),
          Error);
    }
}
