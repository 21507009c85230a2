// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule_list.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

using namespace flowspec;

namespace {

Rule of_protocol(std::uint8_t number) {
  Rule rule;
  rule.protocol = number;
  return rule;
}

/// What no generator makes: parts that only reading a kernel's table gives.
std::vector<Rule> odd_rules() {
  std::vector<Rule> rules(8);
  rules[0].unreadable = "flags 0x80, inverted 0x0";
  rules[1].matches = {OpaqueMatch{"bpf", 1, {0, 255, 128, 127}}, CommentMatch{std::string(255, 'x')}};
  rules[2].target = OpaqueTarget{"TPROXY", 1, {1, 2, 3}};
  rules[3].in_interface = "eth+";
  rules[3].in_interface_negated = true;
  rules[4].out_interface = "lo";
  rules[4].later_fragments = rules[4].later_fragments_negated = true;
  rules[5].source = parse_prefix("2001:db8::1/128");
  rules[5].source->offset = 3; // as nobody makes it
  rules[6].matches = {
      HashlimitMatch{"", ~0U, ~std::uint64_t{0}, ~std::uint64_t{0}, ~0U, ~0U, ~0U, ~0U, ~0U, 255, 255}};
  rules[7].target = NflogTarget{65535, std::string("a\0b", 3)};
  return rules;
}

} // namespace

TEST_CASE("a rule comes back from its bytes, and equal bytes are equal rules") {
  generate::Random random(generate::seed());
  std::vector<Rule> rules = odd_rules();
  for (int round = 0; round < 3000; ++round)
    rules.push_back(generate::rule(random, round % 2 == 0 ? Family::ipv4 : Family::ipv6));
  std::map<std::string, const Rule*> by_bytes;
  for (const Rule& rule : rules) {
    std::string bytes = "before";
    pack(rule, bytes);
    REQUIRE(bytes.starts_with("before"));
    bytes.erase(0, 6);
    REQUIRE(unpack(bytes) == rule);
    const auto [other, fresh] = by_bytes.emplace(bytes, &rule);
    REQUIRE(*other->second == rule);
  }
  CHECK(by_bytes.size() > rules.size() / 2);
}

TEST_CASE("a list does what a vector does, and copies keep what they had") {
  generate::Random random(generate::seed());
  std::vector<Rule> expected;
  RuleList list;
  for (int round = 0; round < 3000; ++round) {
    const RuleList before = list;
    const std::vector<Rule> then = expected;
    const std::size_t place = generate::number(random, 0, static_cast<std::uint32_t>(expected.size()));
    const Rule rule = of_protocol(static_cast<std::uint8_t>(generate::number(random, 0, 9)));
    switch (generate::number(random, 0, 5)) {
    case 0:
      list.push_back(rule);
      expected.push_back(rule);
      break;
    case 1:
      list.insert(list.begin() + static_cast<std::ptrdiff_t>(place), rule);
      expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(place), rule);
      break;
    case 2:
      if (place < expected.size()) {
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(place));
        expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(place));
      }
      break;
    case 3:
      CHECK(list.remove(rule) == std::erase(expected, rule));
      break;
    case 4:
      if (expected.size() < 50) {
        list.append(list); // by itself
        expected.reserve(2 * expected.size());
        std::copy_n(expected.begin(), expected.size(), std::back_inserter(expected));
      }
      break;
    default:
      if (generate::chance(random, 5)) {
        list.clear();
        expected.clear();
      }
    }
    REQUIRE(list == expected);
    REQUIRE(list == RuleList(expected.begin(), expected.end()));
    REQUIRE(before == then);
    REQUIRE((before == list) == (then == expected));
  }
  CHECK_THROWS_AS(RuleList().at(0), std::out_of_range);
}

TEST_CASE("one rule is equal to another by itself, whatever list it is in") {
  const RuleList list{of_protocol(1), of_protocol(2), of_protocol(1)};
  CHECK(PackedRule(list, 0) == PackedRule(list, 2));
  CHECK(PackedRule(list, 1) == PackedRule(of_protocol(2)));
  CHECK_FALSE(PackedRule(list, 0) == PackedRule(list, 1));
  CHECK(PackedRule().rule() == Rule());
}

TEST_CASE("a list that gives back what it has left over is the same list") {
  RuleList list{of_protocol(1), of_protocol(2), of_protocol(1)};
  const RuleList before = list;
  list.give_back_rest(); // shared
  CHECK(list.identity() == before.identity());
  list.push_back(of_protocol(3));
  list.give_back_rest();
  CHECK(list == RuleList{of_protocol(1), of_protocol(2), of_protocol(1), of_protocol(3)});
  list.push_back(of_protocol(4));
  CHECK(list.size() == 5);
  RuleList empty;
  empty.give_back_rest();
  CHECK(empty.empty());
}
