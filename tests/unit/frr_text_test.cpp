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

/// A path of which the texts are kept.
struct KeptPath {
  std::optional<std::string> to;
  std::optional<std::string> ecomlist;
  std::optional<std::string> ecom6list;
  std::string age;
};

/// The paths of each route.
std::vector<std::vector<KeptPath>> parse(std::string_view text) {
  std::vector<std::vector<KeptPath>> routes;
  parse_flowspec_detail(text, [&routes](const ShownRoute& shown) {
    std::vector<KeptPath>& paths = routes.emplace_back();
    for (const ShownPath& path : shown.paths)
      paths.push_back({std::optional<std::string>(path.components[0]),
                       std::optional<std::string>(path.ecomlist), std::optional<std::string>(path.ecom6list),
                       std::string(path.age)});
  });
  return routes;
}

/// What is said of a text that is refused.
std::string complaint(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

/// True when there is nothing, or the end of an array, before `end`, white space apart.
bool between_routes(std::string_view text, std::size_t end) {
  const std::size_t last = text.substr(0, end).find_last_not_of(" \n");
  return last == std::string_view::npos || (text[last] == ']' && (last == 0 || text[last - 1] == '\n'));
}

} // namespace

TEST_CASE("routes come one array after another, and white space alone is no routes") {
  CHECK(parse("").empty());
  CHECK(parse(" \n\t\r\n").empty());
  const std::string text = std::string(route) + "\n" + route + route;
  const auto routes = parse(text);
  REQUIRE(routes.size() == 3);
  const KeptPath& path = routes[2].at(0);
  CHECK(path.to == "10.0.0.0/8");
  CHECK(path.ecomlist == "FS:rate 0.000000");
  CHECK_FALSE(path.ecom6list);
  CHECK(path.age == "00:00:01");
}

TEST_CASE("the shapes of a path: without communities, with two lists, several paths, an escaped slash") {
  CHECK(parse(R"([{"to":"10.0.0.0\/8"},{"time":"1d02h03m"}])")[0][0].to == "10.0.0.0/8");
  const auto both = parse(R"([{"to":"1.2.3.4/32"},{"ecomlist":"1:2","ecom6list":""},{"time":"never"}])");
  CHECK(both[0][0].ecom6list == "");
  const auto paths = parse(
      R"([{"to":"1.2.3.4/32"},{"time":"00:00:01"},{"to":"1.2.3.4/32"},{"ecom6list":"1:2"},{"time":"01y02w3d"}])");
  CHECK(paths[0].size() == 2);
  CHECK(parse(R"([{},{"time":"00:00:01"}])")[0][0].to == std::nullopt);
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
    CHECK_THROWS_AS(parse(text), Error);
  }
  CHECK_THROWS_WITH(parse(std::string(route) + "\n{\"a\":1}"),
                    Catch::Contains("line 2, byte " + std::to_string(std::string(route).size() + 2)) &&
                        Catch::Contains("{\"a\":1}"));
  CHECK_THROWS_AS(parse(std::string(1'000'000, '[')), Error);
}

TEST_CASE("escapes stand for their characters, in keys too, in every text of a route") {
  const auto paths = parse(R"([{"\u0074o":"\u0031.2.3.4\/32"},{"ecomlist":"\u00e9\u20ac\uD83D\ude00\"\\"},)"
                           R"({"time":"\u0030"},{"to":"1.2.3.4/32"},{"time":"1"}])");
  REQUIRE(paths[0].size() == 2);
  CHECK(paths[0][0].to == "1.2.3.4/32");
  CHECK(paths[0][0].ecomlist == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"\\");
  CHECK(paths[0][0].age == "0");
  CHECK(parse("[{\"to\":\"\xc3\xa9\"},{\"time\":\"1\"}]")[0][0].to == "\xc3\xa9");
}

TEST_CASE("what is said of an answer that is not believed: where, and what stands there") {
  const std::string where = "FRR's flowspec routes: the route at line 1, byte 1: ";
  for (const auto& [text, what] : std::initializer_list<std::pair<const char*, const char*>>{
           {"[", "the end where an object should begin (1 bytes into it)"},
           {"[]", "an empty array (1 bytes into it)"},
           {"[{\"to\":1}]", "\"1}]\" where a text should be (7 bytes into it)"},
           {"[{\"to\" 1}]", "\"1}]\" where \":\" should be (7 bytes into it)"},
           {"[{\"to\":\"a\" \"from\"}]", "\"\"from\"}]\" where \",\" or \"}\" should be (11 bytes into it)"},
           {"[{\"to\":\"a", "a string without its end (9 bytes into it)"},
           {"[{\"to\":\"a\\u12g4\"}]", "\\u without four hexadecimal digits (13 bytes into it)"},
           {"[{\"to\":\"\\q\"}]", "\"q\"}]\" behind a backslash (9 bytes into it)"},
           {"[{\"to\":\"\\ud800x\"}]",
            "the first half of a surrogate pair without the second (14 bytes into it)"},
           {"[{\"to\":\"\\udc00\"}]",
            "the second half of a surrogate pair without the first (14 bytes into it)"},
           {"[{\"to\":\"\xc0\x80\"}]", "bytes that are not UTF-8 in a string (8 bytes into it)"},
           {"[{\"to\":\"\n\"}]", "a control character in a string (8 bytes into it)"},
           {"[{\"to\":\"a\"}]", "a path without its \"time\" (12 bytes into it)"},
           {"[{\"to\":\"a\",\"to\"", "the key \"to\" twice in an object (15 bytes into it)"},
           {"[{\"vlan\"", "the key \"vlan\" where it is not known (8 bytes into it)"},
       })
    CHECK(complaint(text) == where + what);
  CHECK(complaint("\n\n x y") == "FRR's flowspec routes: line 3, byte 4: \"x y\" where a route should begin");
}

TEST_CASE("a capture cut anywhere but between two routes is no answer") {
  for (const std::string& name : ipv4_captures) {
    const std::string text = test_data(name);
    REQUIRE_NOTHROW(read_frr_routes(text, Family::ipv4, {}));
    std::size_t wrong = 0;
    for (std::size_t length = 0; length < text.size(); ++length) {
      bool believed = true;
      try {
        parse(std::string_view(text).substr(0, length));
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
      CHECK_THROWS_AS(parse(test_data(std::string("captures/frr-") + version + "/" + name + ".txt")), Error);
    }
}
