// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy does to a route what its terms say, a set's conditions are about
// single addresses, what a warning says never matches never does, and no
// document breaks the reader.
#include "common/error.hpp"
#include "common/policy.hpp"
#include "tests/property/policy_random.hpp"
#include "tests/property/policy_reference.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <bitset>
#include <map>
#include <set>

using namespace flowspec;
using generate::chance;
using generate::number;
using generate::Random;

namespace {

/// The addresses of 10.0.0.0/29, or of 2001::/125, by their last three bits.
std::bitset<8> small_set(const std::vector<Prefix>& prefixes, const Prefix& space) {
  std::bitset<8> result;
  for (unsigned low = 0; low < 8; ++low) {
    Address address = space.address;
    address.bytes[address_bits(space.family()) / 8 - 1] |= static_cast<std::uint8_t>(low);
    result[low] = std::any_of(prefixes.begin(), prefixes.end(),
                              [&](const Prefix& prefix) { return prefix.contains(address); });
  }
  return result;
}

Prefix within_space(Random& random, const Prefix& space) {
  Address address = space.address;
  address.bytes[address_bits(space.family()) / 8 - 1] |= static_cast<std::uint8_t>(number(random, 0, 7));
  return Prefix::masked(address, space.length + number(random, 0, 3));
}

} // namespace

TEST_CASE("a policy does what the plain reference does") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  std::size_t decided = 0;
  std::size_t changed = 0;
  for (int round = 0; round < 3000; ++round) {
    const Policy policy = generate::policy(random);
    for (int route = 0; route < 8; ++route) {
      const Entry entry = generate::route(random);
      const test::Outcome expected = test::applied_plainly(policy, entry);
      Entry untold = entry;
      const PolicyVerdict verdict = apply(policy, untold);
      std::set<std::size_t> matched;
      Entry told = entry;
      apply(policy, told, [&](std::size_t term, const std::string& what) {
        CHECK(!what.empty());
        matched.insert(term);
      });
      REQUIRE(untold == expected.entry);
      REQUIRE(told == expected.entry);
      REQUIRE(verdict.accepted == expected.accepted);
      REQUIRE(verdict.term == expected.term);
      REQUIRE(matched == expected.matched);
      decided += static_cast<std::size_t>(expected.term.has_value());
      changed += static_cast<std::size_t>(expected.entry != entry);
    }
  }
  CHECK(decided > 3000);
  CHECK(changed > 1000);
}

TEST_CASE("within and overlapping are about every single address") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  for (int round = 0; round < 20'000; ++round) {
    const Prefix space = parse_prefix(chance(random, 50) ? "10.0.0.0/29" : "2001:db8::/125").value();
    std::vector<Prefix> prefixes;
    for (std::uint32_t count = number(random, 1, 4); count > 0; --count)
      prefixes.push_back(within_space(random, space));
    Entry entry;
    entry.match.family = space.family();
    entry.match.source = within_space(random, space);
    const std::bitset<8> set = small_set(prefixes, space);
    const std::bitset<8> route = small_set({*entry.match.source}, space);
    TermMatch within;
    within.source.emplace().within = PrefixSet(prefixes);
    TermMatch overlapping;
    overlapping.source.emplace().overlapping = PrefixSet(prefixes);
    REQUIRE(matches(within, entry) == (route & ~set).none());
    REQUIRE(matches(overlapping, entry) == (route & set).any());
  }
}

TEST_CASE("what is warned of never matches") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  std::map<std::string, std::size_t> warned;
  for (int round = 0; round < 2000; ++round) {
    const Policy policy = generate::policy(random);
    std::set<std::string> never;
    for (const std::string& warning : policy_warnings(policy)) {
      const std::string name = warning.substr(5, warning.find(' ', 5) - 5);
      REQUIRE(warning.starts_with("term " + name + " can never match: "));
      never.insert(name);
      ++warned[warning.find(", before it, ") == std::string::npos ? "alone" : "behind another"];
    }
    if (never.empty())
      continue;
    for (int route = 0; route < 150; ++route) {
      Entry entry = generate::route(random);
      const Entry before = entry;
      std::string wrong;
      apply(policy, entry, [&](std::size_t term, const std::string&) {
        if (never.contains(policy.terms[term].name))
          wrong = policy.terms[term].name;
      });
      if (!wrong.empty())
        FAIL(wrong << " of\n"
                   << policy_text(policy) << to_string(before.match) << ": " << to_string(before.actions));
    }
  }
  CHECK(warned["alone"] > 300);
  CHECK(warned["behind another"] > 300);
}

TEST_CASE("a policy's text has a line for each term, with its name") {
  Random random(generate::seed());
  for (int round = 0; round < 500; ++round) {
    const Policy policy = generate::policy(random);
    const std::string text = policy_text(policy);
    for (const Term& term : policy.terms)
      CHECK_THAT("\n" + text, Catch::Contains("\nterm " + term.name + ": "));
    CHECK(std::count(text.begin(), text.end(), '\n') == static_cast<std::ptrdiff_t>(policy.terms.size() + 1));
  }
}

TEST_CASE("a document with some bytes changed is read or refused") {
  const std::string document =
      R"({"prefix_lists": {"a": ["10.0.0.0/8", "@b"], "b": ["2001:db8::/32"]},
    "protect": [{"destination": {"within": ["@a"]}, "rate_below": 5}],
    "terms": [{"name": "t", "match": {"family": "ipv4", "destination": {"within": ["@b"], "length": {"min": 8}},
        "components": ["port"], "port": [80, "8000-8080"], "rate": {"above": 0}, "sequence": "any",
        "route_targets": ["1:1"], "communities": ["x"], "actions": ["rate"]}, "then": {"set": {"rate": 5}, "delete": ["dscp"]}},
      {"name": "u", "then": "accept"}], "default": "reject"})";
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  std::size_t taken = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string text = document;
    for (std::uint32_t count = number(random, 1, 3); count > 0; --count) {
      const std::size_t at = number(random, 0, static_cast<std::uint32_t>(text.size() - 1));
      switch (number(random, 0, 3)) {
      case 0:
        text[at] = static_cast<char>(number(random, 0, 255));
        break;
      case 1:
        text.erase(at, number(random, 1, 20));
        break;
      case 2:
        text.insert(at, document, number(random, 0, static_cast<std::uint32_t>(document.size() - 1)), 20);
        break;
      default:
        text[at] = "0123456789-.@/\"{}[],:"[number(random, 0, 20)];
      }
    }
    try {
      const Policy policy = parse_policy(text, "p.json", nullptr);
      policy_text(policy);
      policy_warnings(policy);
      ++taken;
    } catch (const UsageError& error) {
      CHECK_THAT(error.what(), Catch::StartsWith("p.json: ") && !Catch::Contains("\n"));
    }
  }
  CHECK(taken > 10); // most are refused
}
