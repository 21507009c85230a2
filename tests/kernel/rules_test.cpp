// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random rules of both families: through our bytes, through the kernel, and through iptables' own text.
#include "common/iptc.hpp"
#include "common/rule_text.hpp"
#include "common/target_codec.hpp"
#include "common/xtables_codec.hpp"
#include "tests/support/generate.hpp"
#include "tests/support/legacy.hpp"
#include "tests/support/namespace.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace flowspec;

namespace {

constexpr std::size_t rules_a_family = 2500;

/// Without those that only table mangle takes.
std::vector<Rule> random_rules(Family family) {
  generate::Random random(generate::seed());
  std::vector<Rule> rules;
  while (rules.size() < rules_a_family) {
    Rule rule = generate::rule(random, family);
    if (generate::chance(random, 10))
      rule.target = Jump{"OTHER", generate::chance(random, 50)};
    if (!std::holds_alternative<DscpTarget>(rule.target))
      rules.push_back(std::move(rule));
  }
  return rules;
}

std::vector<Rule> rules_for_mangle(Family family) {
  std::vector<Rule> rules = random_rules(family);
  rules.resize(64);
  for (std::size_t i = 0; i < rules.size(); ++i)
    rules[i].target = DscpTarget{static_cast<std::uint8_t>(i)};
  return rules;
}

std::string target_name(const Target& target, Family family) {
  return std::string(xtables::encode_target(target, family).name);
}

/// A commit that makes the chains OTHER and RULES, and puts `rules` in the latter.
void commit_rules(Family family, const std::vector<Rule>& rules, const std::string& table = "filter") {
  std::vector<Edit> edits{CreateChain{"OTHER"}, CreateChain{"RULES"}};
  for (std::size_t i = 0; i < rules.size(); ++i)
    edits.emplace_back(InsertRule{"RULES", i, rules[i]});
  KernelTable(family, table).commit(edits);
}

std::vector<Rule> read_rules(Family family, const std::string& table = "filter") {
  const Ruleset ruleset = KernelTable(family, table).read();
  const Chain* chain = ruleset.find("RULES");
  const RuleList rules = chain != nullptr ? chain->rules : RuleList();
  return {rules.begin(), rules.end()};
}

std::string restore_text(Family family, const std::vector<Rule>& rules, const std::string& table = "filter") {
  std::string text = "*" + table + "\n:OTHER - [0:0]\n:RULES - [0:0]\n";
  for (const Rule& rule : rules)
    text += fmt::format("-A RULES {}\n", to_string(rule, family));
  return text + "COMMIT\n";
}

/// One comparison a rule, so that a failure shows the rule and not thousands of them.
void require_same(Family family, const std::vector<Rule>& got, const std::vector<Rule>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    if (got[i] != expected[i])
      FAIL("rule " << i << ": got  " << to_string(got[i], family) << "\nexpected "
                   << to_string(expected[i], family));
}

void require_same_text(Family family, const std::vector<std::string>& lines, const std::vector<Rule>& rules) {
  REQUIRE(lines.size() == rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i)
    REQUIRE(lines[i] == to_string(rules[i], family));
}

} // namespace

TEST_CASE("decode(encode(rule)) is the rule") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  for (const Rule& rule : random_rules(family)) {
    const bool jump = std::holds_alternative<Jump>(rule.target);
    const Rule decoded = decode(encode(rule, family), family, target_name(rule.target, family), jump);
    if (decoded != rule)
      FAIL("got  " << to_string(decoded, family) << "\nexpected " << to_string(rule, family));
  }
}

TEST_CASE("rules come back from the kernel as they were committed") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const test::NetworkNamespace network;
  const std::vector<Rule> rules = random_rules(family);
  commit_rules(family, rules);
  require_same(family, read_rules(family), rules);
}

TEST_CASE("iptables-save prints a committed rule as we do") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const test::NetworkNamespace network;
  const std::vector<Rule> rules = random_rules(family);
  commit_rules(family, rules);
  require_same_text(family, test::saved_rules(family, "RULES"), rules);
}

TEST_CASE("iptables-restore makes of our text the bytes that we write, and the rule that we read") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const std::vector<Rule> rules = random_rules(family);
  std::vector<std::byte> ours;
  {
    const test::NetworkNamespace network;
    commit_rules(family, rules);
    ours = test::filter_bytes(family);
  }
  const test::NetworkNamespace network;
  test::restore(family, restore_text(family, rules));
  require_same(family, read_rules(family), rules);
  require_same_text(family, test::saved_rules(family, "RULES"), rules);
  const std::vector<std::byte> theirs = test::filter_bytes(family);
  REQUIRE(ours.size() == theirs.size());
  const auto difference = std::mismatch(ours.begin(), ours.end(), theirs.begin()).first - ours.begin();
  CHECK(difference == static_cast<std::ptrdiff_t>(ours.size()));
}

TEST_CASE("the targets that only table mangle takes come back from there") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const std::vector<Rule> rules = rules_for_mangle(family);
  std::vector<std::string> saved;
  {
    const test::NetworkNamespace network;
    commit_rules(family, rules, "mangle");
    require_same(family, read_rules(family, "mangle"), rules);
    saved = test::saved(family, "mangle");
    std::vector<std::string> lines;
    for (const std::string& line : saved)
      if (line.starts_with("[0:0] -A RULES "))
        lines.push_back(line.substr(15));
    require_same_text(family, lines, rules);
  }
  const test::NetworkNamespace network;
  test::restore(family, restore_text(family, rules, "mangle"));
  require_same(family, read_rules(family, "mangle"), rules);
  CHECK(test::saved(family, "mangle") == saved);
}
