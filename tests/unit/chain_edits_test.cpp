// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/chain_edits.hpp"
#include "injector/ruleset_diff.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace flowspec;

namespace {

RuleList some_rules(generate::Random& random) {
  RuleList rules;
  for (std::uint32_t left = generate::number(random, 0, 12); left > 0; --left) {
    Rule rule;
    rule.protocol = static_cast<std::uint8_t>(generate::number(random, 0, 5));
    rules.push_back(rule);
  }
  return rules;
}

Ruleset table(const RuleList& rules) {
  return {Family::ipv4, "filter", {{"FLOWSPEC", std::nullopt, rules}}};
}

} // namespace

TEST_CASE("a chain that is filled holds what its edits make of it") {
  generate::Random random(generate::seed());
  for (int round = 0; round < 2000; ++round) {
    const RuleList before = some_rules(random);
    const RuleList after = some_rules(random);
    const std::vector<Edit> edits = diff(table(before), table(after));
    const auto chains = edits_by_chain(edits);
    REQUIRE(chains.size() == (edits.empty() ? 0U : 1U));
    if (edits.empty())
      continue;
    const ChainEdits& of = chains.at("FLOWSPEC");
    REQUIRE(of.in_order);
    RuleList filled;
    for (const Filling& rule : filling(before.size(), of)) {
      const auto* insertion = std::get_if<const InsertRule*>(&rule);
      filled.push_back_bytes(insertion != nullptr ? (*insertion)->rule.bytes()
                                                  : before.bytes(std::get<std::size_t>(rule)));
    }
    REQUIRE(filled == after);
  }
}

TEST_CASE("edits that are not as diff() has them are told apart") {
  const auto in_order = [](const std::vector<Edit>& edits) { return edits_by_chain(edits).at("A").in_order; };
  CHECK(in_order(
      {DeleteRule{"A", 3, {}}, DeleteRule{"A", 1, {}}, InsertRule{"A", 0, {}}, InsertRule{"A", 1, {}}}));
  CHECK(in_order({DeleteRule{"A", 0, {}}, DeleteRule{"B", 4, {}}, InsertRule{"A", 7, {}}}));
  CHECK_FALSE(in_order({DeleteRule{"A", 1, {}}, DeleteRule{"A", 3, {}}}));
  CHECK_FALSE(in_order({InsertRule{"A", 1, {}}, InsertRule{"A", 1, {}}}));
  CHECK_FALSE(in_order({InsertRule{"A", 1, {}}, DeleteRule{"A", 0, {}}}));
  CHECK_THROWS_AS(filling(1, edits_by_chain({InsertRule{"A", 3, {}}}).at("A")), std::out_of_range);
  CHECK_THROWS_AS(filling(1, edits_by_chain({DeleteRule{"A", 1, {}}}).at("A")), std::out_of_range);
}

TEST_CASE("the way to a rule is counted from the nearer end") {
  const auto steps = [](std::size_t rules, const std::vector<Edit>& edits) {
    return edits_by_chain(edits).at("A").steps(rules);
  };
  CHECK(steps(0, {InsertRule{"A", 0, {}}, InsertRule{"A", 1, {}}}) == 0); // a new chain is appended to
  CHECK(steps(100, {DeleteRule{"A", 50, {}}}) == 50);
  CHECK(steps(100, {DeleteRule{"A", 99, {}}, DeleteRule{"A", 0, {}}}) == 1);
  CHECK(steps(100, {InsertRule{"A", 30, {}}, InsertRule{"A", 100, {}}}) == 31);
}
