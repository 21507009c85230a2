// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/precedence.hpp"
#include "injector/frr_routes.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

std::string path(const std::string& to, const std::string& ecomlist) {
  return "{\"to\":\"" + to + "\"}," + (ecomlist.empty() ? "" : "{\"ecomlist\":\"" + ecomlist + "\"},") +
         "{\"time\":\"00:00:01\"}";
}

std::string route(const std::string& to, const std::string& ecomlist) {
  return "[" + path(to, ecomlist) + "]\n";
}

std::string words(const RoutesRead& routes) {
  std::string text;
  for (const Entry& entry : routes.entries)
    text += to_string(entry.match) + ": " + to_string(entry.actions) +
            (entry.sequence ? " #" + std::to_string(*entry.sequence) : "") + "\n";
  for (const Rejected& rejected : routes.rejected)
    text += rejected.subject + ": " + std::string(name(rejected.reason)) + "\n";
  for (const Rejected& remark : routes.remarks)
    text += remark.subject + ": (" + std::string(name(remark.reason)) + ")\n";
  return text;
}

std::string read(const std::string& text) {
  return words(read_frr_routes(text, Family::ipv4, {}));
}

} // namespace

TEST_CASE("several paths of one route: the strictest rate, whatever FRR's order, and said") {
  const std::string one = path("10.0.0.0/8", "FS:rate 1000.000000");
  const std::string other = path("10.0.0.0/8", "FS:rate 10.000000");
  const std::string expected = "dst 10.0.0.0/8: rate 10 B/s\ndst 10.0.0.0/8: (conflicting-paths)\n";
  CHECK(read("[" + one + "," + other + "]") == expected);
  CHECK(read("[" + other + "," + one + "]") == expected);
  CHECK(read("[" + one + "," + one + "]") == "dst 10.0.0.0/8: rate 1000 B/s\n");
  CHECK(read("[" + one + "," + path("10.0.0.0/8", "") + "]") ==
        "dst 10.0.0.0/8: rate 1000 B/s\ndst 10.0.0.0/8: (conflicting-paths)\n");
}

TEST_CASE("a path whose action is hidden keeps a route out unless another path discards") {
  const std::string hidden = path("10.0.0.0/8", "UNK:128, 12");
  CHECK(read("[" + hidden + "," + path("10.0.0.0/8", "FS:rate 10.000000") + "]") ==
        "dst 10.0.0.0/8: unreadable-action\n");
  CHECK(read("[" + hidden + "," + path("10.0.0.0/8", "FS:rate 0.000000") + "]") ==
        "dst 10.0.0.0/8: discard\ndst 10.0.0.0/8: (conflicting-paths)\n");
}

TEST_CASE("a path that asks for more than a rate keeps a plain one from being taken for all") {
  const std::string plain = path("10.0.0.0/8", "");
  const std::string discarded = path("10.0.0.0/8", "FS:rate 10.000000");
  const std::string redirected = path("10.0.0.0/8", "FS:redirect VRF RT:65002:1");
  for (const std::string& other : {plain, discarded})
    for (const std::string& text :
         {"[" + other + "," + redirected + "]", "[" + redirected + "," + other + "]",
          "[" + other + "][" + redirected + "]", "[" + redirected + "][" + other + "]"})
      CHECK(read(text).find("dst 10.0.0.0/8: accept, redirect 65002:1\n") == 0); // which is then rejected
  CHECK(read("[" + redirected + "," + path("10.0.0.0/8", "FS:rate 0.000000") + "]")
            .find("dst 10.0.0.0/8: discard\n") == 0);
}

TEST_CASE("a route whose action is hidden is not forgotten when its match comes again") {
  const std::string hidden = route("10.0.0.0/8", "UNK:128, 12");
  const std::string plain = route("10.0.0.0/8", "");
  CHECK(read(hidden + plain) == "dst 10.0.0.0/8: unreadable-action\n");
  CHECK(read(plain + hidden) == "dst 10.0.0.0/8: unreadable-action\n");
  CHECK(read(hidden + route("10.0.0.0/8", "FS:rate 0.000000")) ==
        "dst 10.0.0.0/8: discard\ndst 10.0.0.0/8: (duplicate)\n");
}

TEST_CASE("a match that FRR shows for two routes is one entry with the stricter action, and said") {
  const std::string strict = route("10.0.0.0/8", "65535:3 FS:rate 0.000000");
  const std::string lax = route("10.0.0.0/8", "65535:2");
  const std::string expected = "dst 10.0.0.0/8: discard #3\ndst 10.0.0.0/8: (duplicate)\n";
  CHECK(read(strict + lax) == expected);
  CHECK(read(lax + strict) == expected);
}

TEST_CASE("a bad route does not keep the others out") {
  CHECK(read(route("10.0.0.0/8", "UNK:128, 12") + route("11.0.0.0/8", "")) ==
        "dst 11.0.0.0/8: accept\ndst 10.0.0.0/8: unreadable-action\n");
  CHECK_THROWS_AS(read(route("10.0.0.0/8", "") + route("nowhere", "")), Error);
}

TEST_CASE("routes without a sequence number stand in the order of the bytes that were announced") {
  struct Row {
    const char* key;
    const char* first;
    const char* second;
    const char* words; // of both, in that order
  };
  for (const Row& row :
       {Row{"dstp", "= 5000 ", "> 1023 ", "dport 5000, dport 1024-65535"},
        Row{"pktlen", "= 60 ", "< 100 ", "length 60, length 0-99"},
        Row{"dstp", "= 90 , = 100 ", "= 443 , = 80 , = 100 ", "dport 90,100, dport 80,100,443"},
        Row{"dstp", ">= 1024 , <= 2047 ", "= 5000 ", "dport 1024-2047, dport 5000"}}) {
    const auto with = [&row](const char* text) {
      return std::string(R"([{"to":"10.0.0.0/24",")") + row.key + "\":\"" + text + "\"},{\"time\":\"1d\"}]\n";
    };
    for (const std::string& text : {with(row.first) + with(row.second), with(row.second) + with(row.first)}) {
      CAPTURE(text);
      std::vector<Entry> entries = read_frr_routes(text, Family::ipv4, {}).entries;
      sort_by_precedence(entries);
      std::string order;
      for (const Entry& entry : entries)
        order += (order.empty() ? "" : ", ") + to_string(entry.match).substr(std::size("dst 10.0.0.0/24"));
      CHECK(order == row.words);
    }
  }
}

TEST_CASE("a match that is announced in two ways stands where the first of them does, whatever FRR's order") {
  const auto with = [](const char* ports) {
    return std::string(R"([{"to":"10.0.0.0/24","dstp":")") + ports + R"("},{"time":"1d"}])";
  };
  const std::string below = with("< 1024 ");         // 94 0400
  const std::string range = with(">= 0 , <= 1023 "); // 03 00 d5 03ff
  const std::string discarded = [&] {
    std::string text = below;
    return text.insert(text.find("},") + 2, R"({"ecomlist":"FS:rate 0.000000"},)");
  }();
  for (const std::string& text : {below + range, range + below}) {
    const RoutesRead read = read_frr_routes(text, Family::ipv4, {});
    REQUIRE(read.entries.size() == 1);
    CHECK(read.entries[0].announced == AnnouncedBytes());
  }
  // What is taken is taken as it was announced.
  for (const std::string& text : {discarded + range, range + discarded}) {
    const RoutesRead read = read_frr_routes(text, Family::ipv4, {});
    REQUIRE(read.entries.size() == 1);
    CHECK(read.entries[0].actions.discards());
    CHECK(read.entries[0].announced.of(5).size() == 3);
  }
}

TEST_CASE("IPv6 captures are read as IPv6") {
  CHECK(words(read_frr_routes(test_data("captures/frr-8.4.4/v6.txt"), Family::ipv6, {})) ==
        "dst ::/0: discard\n"
        "dst 2001:db8::/32 src 2001:db8:1::/48 proto 58 flow-label 703710: discard\n"
        "to 2001:db8:5::/48/off 16: not-enforceable\n");
  CHECK_THROWS_AS(read_frr_routes(test_data("captures/frr-8.4.4/v6.txt"), Family::ipv4, {}), Error);
}
