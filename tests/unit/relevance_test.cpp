// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/relevance.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

/// An empty prefix: the component is not there.
Entry route(const char* destination, const char* source, std::optional<double> rate = {}) {
  Entry entry;
  entry.match.destination = parse_prefix(destination);
  entry.match.source = parse_prefix(source);
  const auto& given = entry.match.destination ? entry.match.destination : entry.match.source;
  entry.match.family = given ? given->family() : Family::ipv4;
  entry.actions.rate = rate;
  return entry;
}

Entry of_protocol(Entry entry, std::uint32_t protocol) {
  entry.match.protocol = ValueSet::single(domain::protocol, protocol);
  return entry;
}

Entry numbered(Entry entry, std::uint64_t sequence) {
  entry.sequence = sequence;
  return entry;
}

const Entry default_drop = route("0.0.0.0/0", "0.0.0.0/0", 0);

PrefixSet own() {
  return PrefixSet({*parse_prefix("10.0.1.0/24"), *parse_prefix("192.0.2.7/32")});
}

/// What stays of `entries`, by place.
std::vector<std::size_t> stay(const std::vector<Entry>& entries) {
  const Relevant found = relevant(entries, own());
  std::vector<std::size_t> places;
  for (const Entry& entry : found.entries)
    places.push_back(
        static_cast<std::size_t>(std::find(entries.begin(), entries.end(), entry) - entries.begin()));
  REQUIRE(found.entries.size() + found.aside.size() == entries.size());
  return places;
}

using Places = std::vector<std::size_t>;

} // namespace

TEST_CASE("a route is local by its destination or its source, or without a destination") {
  struct Row {
    const char *destination, *source;
    bool local;
  };
  for (const Row& row : {
           Row{"10.0.1.0/24", "", true},
           Row{"10.0.1.9/32", "", true},
           Row{"10.0.0.0/8", "", true},
           Row{"0.0.0.0/0", "", true},
           Row{"10.0.2.0/24", "", false},
           Row{"192.0.2.6/32", "", false},
           Row{"10.0.1.9/32", "10.0.2.0/24", true},
           Row{"10.0.2.0/24", "10.0.1.9/32", true},
           Row{"10.0.2.0/24", "0.0.0.0/0", true}, // says that it is for every source
           Row{"10.0.2.0/24", "10.0.3.0/24", false},
           Row{"", "10.0.1.9/32", true},
           Row{"", "10.0.2.0/24", true}, // nobody else would keep it from this machine
           Row{"", "", true},
           Row{"0.0.0.0/0", "0.0.0.0/0", true},
           Row{"::/0", "::/0", true},
           Row{"2001:db8::/32", "", false}, // no address of this machine's in that family
           Row{"2001:db8::/32", "2001:db8:1::/48", false},
           // everybody's
           Row{"224.0.0.5/32", "10.0.2.0/24", true},
           Row{"255.255.255.255/32", "0.0.0.0/32", true},
           Row{"169.254.0.0/16", "169.254.0.0/16", true},
           Row{"fe80::/10", "fe80::/10", true},
           Row{"ff02::1/128", "2001:db8::/32", true},
           Row{"2001:db8::/32", "fe80::/10", true},
       }) {
    CAPTURE(row.destination, row.source);
    for (const double rate : {0.0, 125000.0})
      CHECK(stay({route(row.destination, row.source, rate)}).size() == (row.local ? 1 : 0));
    CHECK(stay({route(row.destination, row.source)}).size() == (row.local ? 1 : 0));
  }
}

TEST_CASE("a pattern of RFC 8956 may be any address of a family that this machine has some of") {
  Entry entry = route("::/0", "");
  entry.match.destination = Prefix::masked(*parse_address("::1234:5678:9a00:0"), 104, 64);
  CHECK(relevant({entry}, PrefixSet({*parse_prefix("2001:db8::/32")})).entries.size() == 1);
}

TEST_CASE("what is left out is named with the reason") {
  const Relevant found = relevant(
      {route("198.51.100.7/32", "203.0.113.0/24", 0), route("10.0.1.0/24", ""), route("2001:db8::/32", "")},
      own());
  CHECK(found.entries == std::vector<Entry>{route("10.0.1.0/24", "")});
  CHECK(found.aside ==
        std::vector<Rejected>{
            {"dst 198.51.100.7/32 src 203.0.113.0/24", Reason::not_local,
             "neither 198.51.100.7/32 nor 203.0.113.0/24 is this machine's own"},
            {"dst 2001:db8::/32", Reason::not_local, "2001:db8::/32 is not this machine's own"}});
}

TEST_CASE("what lets this machine's packets out stays in front of what would not") {
  const Entry out = route("198.51.100.0/24", "");
  const Entry slow = route("198.51.100.0/24", "", 1000);
  const Entry own_drop = route("", "10.0.1.0/24", 0); // stands behind every route with a destination
  CHECK(stay({default_drop, out}) == Places{0, 1});
  CHECK(stay({slow, default_drop}) == Places{0, 1});
  CHECK(stay({out}).empty());
  CHECK(stay({out, route("0.0.0.0/0", "0.0.0.0/0")}) == Places{1}); // a default that accepts
  CHECK(stay({out, route("::/0", "::/0", 0)}) == Places{1});        // of the other family
  CHECK(stay({out, own_drop}) == Places{0, 1});
  CHECK(stay({out, route("", "10.0.2.0/24", 0)}) == Places{1});                 // not this machine's packets
  CHECK(stay({out, route("198.51.0.0/16", "10.0.1.9/32", 0)}) == Places{0, 1}); // wider
  CHECK(stay({out, numbered(route("198.51.100.7/32", "10.0.1.9/32", 0), 5)}) == Places{1}); // in front
  CHECK(stay({numbered(out, 4), numbered(route("198.51.100.7/32", "10.0.1.9/32", 0), 5)}) == Places{0, 1});
  CHECK(stay({out, route("203.0.113.0/24", "10.0.1.9/32", 0)}) == Places{1}); // other packets
  CHECK(stay({of_protocol(out, 6), of_protocol(own_drop, 17)}) == Places{1});
  CHECK(stay({of_protocol(out, 6), of_protocol(own_drop, 6)}) == Places{0, 1});
  // A discard of the same kind goes: the machine at the other end has it.
  CHECK(stay({route("198.51.100.0/24", "", 0), default_drop}) == Places{1});
  // Between others.
  CHECK(stay({route("198.51.100.0/24", "203.0.113.0/24"), default_drop}) == Places{1});
}

TEST_CASE("what stays for that reason is a reason for others") {
  // Without the slow one nothing would touch the packets; it stays only because of the drop behind it.
  const Entry fast = numbered(route("198.51.100.7/32", ""), 1);
  const Entry slow = numbered(route("198.51.0.0/16", "", 1000), 2);
  const Entry drop = numbered(route("198.51.200.0/24", "10.0.1.0/24", 0), 3);
  CHECK(stay({fast, slow}).empty());
  CHECK(stay({drop, slow, fast}) == Places{0, 1, 2});
  CHECK(stay({drop, fast}) == Places{0});
}

TEST_CASE("to be marked or sent elsewhere is not to pass as before") {
  const Entry out = numbered(route("198.51.100.0/24", ""), 1);
  Entry marked = route("", "10.0.1.0/24");
  marked.actions.dscp_mark = 46;
  CHECK(stay({out, marked}) == Places{0, 1});
  Entry redirected = route("", "10.0.1.0/24");
  redirected.actions.redirect = "65000:1";
  CHECK(stay({out, redirected}) == Places{0, 1});
  CHECK(stay({out, route("", "10.0.1.0/24")}) == Places{1});
}

TEST_CASE("of ten thousand routes those of this machine stay") {
  std::vector<Entry> entries{default_drop};
  for (unsigned index = 0; index < 10000; ++index) {
    const std::string host = std::to_string(index / 250) + "." + std::to_string(index % 250 + 1) + "/32";
    entries.push_back(index % 2 == 0 ? route(("10.50." + host).c_str(), "172.16.0.0/12")
                                     : route(("10.60." + host).c_str(), "", 0));
  }
  std::vector<Entry> expected{default_drop};
  for (unsigned index = 0; index < 40; ++index) {
    expected.push_back(route(("10.0.1." + std::to_string(index) + "/32").c_str(), "172.16.0.0/12"));
    entries.insert(entries.begin() + 250 * index + 1, expected.back());
  }
  const Relevant found = relevant(entries, own());
  CHECK(found.entries == expected);
  CHECK(found.aside.size() == 10000);
}
