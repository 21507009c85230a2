// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prefix_set.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

PrefixSet set(const std::vector<std::string>& texts) {
  std::vector<Prefix> prefixes;
  for (const std::string& text : texts)
    prefixes.push_back(parse_prefix(text).value());
  return PrefixSet(std::move(prefixes));
}

std::vector<std::string> texts(const PrefixSet& set) {
  std::vector<std::string> result;
  for (const Prefix& prefix : set.prefixes())
    result.push_back(to_string(prefix));
  return result;
}

Prefix shifted(const char* address) {
  return Prefix::masked(*parse_address(address), 104, 64);
}

constexpr unsigned few_bits = 5; // of the addresses that the random sets are of

/// One of the 2^few_bits addresses at the end of a /27 or /123.
Address few(Family family, unsigned index) {
  Address address = *parse_address(family == Family::ipv4 ? "10.0.0.0" : "2001:db8::");
  address.bytes[address_bits(family) / 8 - 1] = static_cast<std::uint8_t>(index);
  return address;
}

Prefix random_prefix(generate::Random& random) {
  const Family family = generate::chance(random, 50) ? Family::ipv4 : Family::ipv6;
  const Address address = few(family, generate::number(random, 0, (1U << few_bits) - 1));
  return Prefix::masked(address, address_bits(family) - generate::number(random, 0, few_bits));
}

/// How many of the few addresses are in both.
unsigned shared(const std::vector<Prefix>& prefixes, const Prefix& prefix) {
  unsigned count = 0;
  for (unsigned index = 0; index < 1U << few_bits; ++index) {
    const Address address = few(prefix.family(), index);
    if (prefix.contains(address) && std::any_of(prefixes.begin(), prefixes.end(),
                                                [&](const Prefix& one) { return one.contains(address); }))
      ++count;
  }
  return count;
}

bool minimal(const PrefixSet& set) {
  const auto apart = [](const Prefix& a, const Prefix& b) {
    const bool siblings =
        a.length == b.length && a.length > 0 &&
        Prefix::masked(a.address, a.length - 1U) == Prefix::masked(b.address, b.length - 1U);
    return a < b && !a.contains(b) && !siblings;
  };
  return std::adjacent_find(set.prefixes().begin(), set.prefixes().end(),
                            [&](const Prefix& a, const Prefix& b) { return !apart(a, b); }) ==
         set.prefixes().end();
}

} // namespace

TEST_CASE("the fewest prefixes are the set, whatever it was made of") {
  struct Row {
    std::vector<std::string> from, expected;
  };
  const std::vector<Row> rows{
      {{}, {}},
      {{"10.0.0.0/8"}, {"10.0.0.0/8"}},
      {{"10.1.2.0/24", "10.0.0.0/8", "10.0.0.0/8"}, {"10.0.0.0/8"}},
      {{"10.0.1.0/24", "10.0.0.0/24"}, {"10.0.0.0/23"}},
      {{"10.0.1.0/24", "10.0.2.0/24"}, {"10.0.1.0/24", "10.0.2.0/24"}}, // neighbours of two parents
      {{"10.0.3.0/24", "10.0.0.0/24", "10.0.2.0/24", "10.0.1.0/24"}, {"10.0.0.0/22"}},
      {{"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2"}, {"0.0.0.0/0"}},
      {{"255.255.255.255/32", "255.255.255.254/32"}, {"255.255.255.254/31"}},
      {{"::/0", "0.0.0.0/0", "2001:db8::/32"}, {"0.0.0.0/0", "::/0"}},
      {{"2001:db8::1/128", "2001:db8::/128", "a00::/8", "10.0.0.0/8"},
       {"10.0.0.0/8", "a00::/8", "2001:db8::/127"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.from);
    CHECK(texts(set(row.from)) == row.expected);
    CHECK(set(row.from) == set(row.expected));
    CHECK(set(row.from).empty() == row.expected.empty());
  }
}

TEST_CASE("what is in a set of prefixes") {
  const PrefixSet own = set({"10.0.0.0/24", "10.0.1.0/24", "10.0.4.0/32", "2001:db8::/32"});
  struct Row {
    const char* prefix;
    bool contained, overlaps;
  };
  for (const Row& row : {
           Row{"10.0.0.0/23", true, true}, // two side by side
           Row{"10.0.1.128/25", true, true},
           Row{"10.0.0.0/22", false, true},
           Row{"10.0.2.0/24", false, false},
           Row{"9.255.255.255/32", false, false},
           Row{"10.0.4.0/32", true, true},
           Row{"10.0.4.1/32", false, false},
           Row{"10.0.4.0/31", false, true},
           Row{"0.0.0.0/0", false, true},
           Row{"0.0.0.0/5", false, false},
           Row{"255.255.255.255/32", false, false},
           Row{"2001:db8:1::/48", true, true},
           Row{"::/0", false, true},
           Row{"a00::/8", false, false}, // the bytes of 10.0.0.0, in the other family
           Row{"ffff::/16", false, false},
       }) {
    CAPTURE(row.prefix);
    const Prefix prefix = *parse_prefix(row.prefix);
    CHECK(own.contains(prefix) == row.contained);
    CHECK(own.overlaps(prefix) == row.overlaps);
    CHECK(PrefixSet().contains(prefix) == false);
    CHECK(PrefixSet().overlaps(prefix) == false);
  }
  CHECK(own.contains(*parse_address("10.0.1.255")));
  CHECK_FALSE(own.contains(*parse_address("10.0.2.0")));
  CHECK_FALSE(own.contains(*parse_address("0.0.0.0")));
  CHECK_FALSE(own.contains(*parse_address("a00::")));
  CHECK_FALSE(PrefixSet().contains(*parse_address("10.0.0.1")));
}

TEST_CASE("a prefix with an offset may be anywhere: it is within nothing, overlaps all of its family") {
  const Prefix pattern = shifted("::1234:5678:9a00:0");
  CHECK_FALSE(set({"::/0"}).contains(pattern));
  CHECK(set({"2001:db8::/32"}).overlaps(pattern));
  CHECK_FALSE(set({"10.0.0.0/8"}).overlaps(pattern));
  CHECK_FALSE(PrefixSet().overlaps(pattern));
  CHECK_THROWS_WITH(PrefixSet({pattern}), "a set of prefixes with ::1234:5678:9a00:0/104/off 64");
}

TEST_CASE("a set of prefixes is the addresses that any of them has") {
  generate::Random random(generate::seed());
  for (int round = 0; round < 2000; ++round) {
    std::vector<Prefix> prefixes(generate::number(random, 0, 12));
    std::generate(prefixes.begin(), prefixes.end(), [&] { return random_prefix(random); });
    const PrefixSet set(prefixes);
    CAPTURE(generate::seed(), round, texts(set));
    REQUIRE(minimal(set));
    for (int question = 0; question < 20; ++question) {
      const Prefix asked = random_prefix(random);
      CAPTURE(to_string(asked));
      const unsigned common = shared(prefixes, asked);
      REQUIRE(set.contains(asked) == (common == 1U << (address_bits(asked.family()) - asked.length)));
      REQUIRE(set.overlaps(asked) == (common > 0));
      REQUIRE(set.contains(asked.address) ==
              (shared(prefixes, Prefix::masked(asked.address, address_bits(asked.family()))) > 0));
    }
  }
}
