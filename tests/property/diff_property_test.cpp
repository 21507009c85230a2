// SPDX-License-Identifier: GPL-2.0-or-later
//
// apply(diff(a, b), a) == b, and nothing of anybody else's is in the edits.
#include "injector/ownership.hpp"
#include "injector/ruleset_diff.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flowspec;

namespace {

/// Few different rules, so that equal ones stand in different places.
Rule some_rule(generate::Random& random, const std::vector<std::string>& chains) {
  Rule rule;
  rule.protocol = static_cast<std::uint8_t>(generate::number(random, 0, 6));
  if (!chains.empty() && generate::chance(random, 20))
    rule.target =
        Jump{chains[generate::number(random, 0, static_cast<std::uint32_t>(chains.size() - 1))], false};
  return rule;
}

Chain some_chain(generate::Random& random, const std::string& name, const std::vector<std::string>& targets) {
  Chain chain{name, std::nullopt, {}};
  const std::uint32_t count = generate::number(random, 0, 15);
  for (std::uint32_t index = 0; index < count; ++index)
    chain.rules.push_back(some_rule(random, targets));
  return chain;
}

std::string chain_of(const Edit& edit) {
  return std::visit([](const auto& step) { return step.chain; }, edit);
}

/// The chains by name: the order in which user chains stand means nothing.
Ruleset by_name(Ruleset ruleset) {
  std::sort(ruleset.chains.begin(), ruleset.chains.end(),
            [](const Chain& a, const Chain& b) { return a.name < b.name; });
  return ruleset;
}

} // namespace

TEST_CASE("carrying out the difference gives the desired rules") {
  generate::Random random(generate::seed() + 10);
  const std::vector<std::string> names{"A", "B", "C", "D"};
  for (int round = 0; round < 3000; ++round) {
    const auto some_table = [&] {
      Ruleset table{Family::ipv4, "filter", {some_chain(random, "FORWARD", {})}};
      table.chains[0].policy = Verdict::accept;
      for (const std::string& name : names)
        if (generate::chance(random, 60))
          table.chains.push_back(some_chain(random, name, {}));
      return table;
    };
    const Ruleset before = some_table();
    const Ruleset after = some_table();
    REQUIRE(by_name(flowspec::apply(diff(before, after), before)) == by_name(after));
    REQUIRE(diff(after, after).empty());
  }
}

TEST_CASE(
    "the edits keep as many rules as a longest common subsequence can when rules differ from each other") {
  generate::Random random(generate::seed() + 11);
  for (int round = 0; round < 500; ++round) {
    std::vector<Rule> all(20);
    for (std::size_t index = 0; index < all.size(); ++index)
      all[index].protocol = static_cast<std::uint8_t>(index + 1);
    std::vector<Rule> a = all;
    std::vector<Rule> b = all;
    for (std::vector<Rule>* rules : {&a, &b}) {
      std::shuffle(rules->begin(), rules->end(), random);
      rules->resize(generate::number(random, 0, 20));
    }
    std::vector<std::vector<std::size_t>> common(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 1; i <= a.size(); ++i)
      for (std::size_t j = 1; j <= b.size(); ++j)
        common[i][j] =
            a[i - 1] == b[j - 1] ? common[i - 1][j - 1] + 1 : std::max(common[i - 1][j], common[i][j - 1]);
    const Ruleset before{Family::ipv4, "filter", {{"FORWARD", Verdict::accept, a}}};
    const Ruleset after{Family::ipv4, "filter", {{"FORWARD", Verdict::accept, b}}};
    REQUIRE(diff(before, after).size() == a.size() + b.size() - 2 * common[a.size()][b.size()]);
  }
}

TEST_CASE("nothing but our chains and our jump is ever edited") {
  generate::Random random(generate::seed() + 12);
  const Ownership ours;
  const std::vector<Hook> hooks{{"FORWARD", "FLOWSPEC"}};
  const Rule jump = hooks.front().jump();
  const std::vector<std::string> targets{"FLOWSPEC", "FLOWSPEC-a", "OTHER"};
  for (int round = 0; round < 2000; ++round) {
    Ruleset before{Family::ipv4, "filter", {some_chain(random, "FORWARD", targets)}};
    for (const char* name : {"OTHER", "FLOWSPEC", "FLOWSPEC-a", "FLOWSPECIAL"})
      if (generate::chance(random, 70))
        before.chains.push_back(some_chain(random, name, targets));
    const std::vector<Chain> chains{some_chain(random, "FLOWSPEC", {"FLOWSPEC-b"}),
                                    some_chain(random, "FLOWSPEC-b", {})};
    const Ruleset after = with_ours(before, chains, hooks, ours);
    for (const Edit& edit : diff(before, after)) {
      if (chain_of(edit) != "FORWARD") {
        REQUIRE(ours.owns(chain_of(edit)));
        continue;
      }
      if (const auto* removed = std::get_if<DeleteRule>(&edit))
        REQUIRE(removed->rule == jump);
      else
        REQUIRE(std::get<InsertRule>(edit).rule == jump);
    }
    for (const Chain& chain : chains)
      REQUIRE(*after.find(chain.name) == chain);
    REQUIRE(after.find("FORWARD")->rules.front() == jump);
    REQUIRE(diff(after, with_ours(after, chains, hooks, ours)).empty());
  }
}
