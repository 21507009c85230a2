// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/forward_order.hpp"
#include "injector/layout.hpp"
#include "injector/tree_chains.hpp"
#include "injector/tree_levels.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

using namespace flowspec;

namespace {

constexpr double whatever = std::numeric_limits<double>::infinity();
const TreeShape every_split{1, whatever, whatever};

TreeEntry entry(const char* destination, const char* source = nullptr, std::uint16_t rules = 1) {
  const Prefix any = Prefix::any(parse_prefix(destination)->family());
  return {*parse_prefix(destination), source == nullptr ? any : *parse_prefix(source), rules, 0};
}

/// The chains with their steps: "0 | d 10.0.0.0/12 1 | rest 2"; an entry is its place.
std::string text(const TreePlan& plan) {
  std::string result;
  for (const TreeChain& chain : plan.chains) {
    std::string steps;
    for (const TreeStep& step : chain.steps) {
      const std::string to = fmt::format("chain {}", step.index);
      const TreeChain& other = plan.chains[step.kind == TreeStep::Kind::entry ? 0 : step.index];
      steps += (steps.empty() ? "" : " | ") + (step.kind == TreeStep::Kind::entry ? std::to_string(step.index)
                                               : step.kind == TreeStep::Kind::rest ? to
                                               : step.kind == TreeStep::Kind::destination
                                                   ? "-d " + to_string(other.destination) + " " + to
                                                   : "-s " + to_string(other.source) + " " + to);
    }
    result += steps + "\n";
  }
  return result;
}

} // namespace

TEST_CASE("a list that is short, or that nothing separates, is one chain") {
  CHECK(text(plan_tree({}, "FLOWSPEC")) == "\n");
  CHECK(text(plan_tree({entry("10.0.0.1/32"), entry("10.0.0.2/32")}, "FLOWSPEC")) == "0 | 1\n");
  std::vector<TreeEntry> same(100, entry("10.0.0.1/32"));
  const TreePlan plan = plan_tree(same, "FLOWSPEC", every_split);
  CHECK_FALSE(plan.splits());
  CHECK(plan.rules == 100);
  CHECK(plan.further == 0);
  CHECK(plan.deepest == 100);
  CHECK(plan.walk == 50.5);
}

TEST_CASE("each branch stands in a chain, and those of few rules where it would be led to") {
  CHECK(text(plan_tree(
            {entry("10.0.0.1/32", nullptr, 3), entry("192.0.2.1/32"), entry("10.0.0.2/32", nullptr, 3)},
            "FLOWSPEC", every_split)) == "-d 0.0.0.0/2 chain 1 | 1\n"
                                         "-d 10.0.0.1/32 chain 2 | -d 10.0.0.2/32 chain 3\n"
                                         "0\n2\n");
  CHECK(text(plan_tree({entry("2001:db8::1/128", nullptr, 3), entry("2001:db8::8/128", nullptr, 3)},
                       "FLOWSPEC", every_split)) ==
        "-d 2001:db8::/126 chain 1 | -d 2001:db8::8/126 chain 2\n0\n1\n");
}

TEST_CASE("what is too wide for a branch comes behind all of them, or stands in its place in the order") {
  const TreeEntry wide = entry("0.0.0.0/0");
  const TreeEntry a = entry("10.0.0.1/32", nullptr, 3);
  const TreeEntry b = entry("192.0.2.1/32", nullptr, 3);
  CHECK(text(plan_tree({a, b, wide}, "FLOWSPEC", every_split)) ==
        "-d 0.0.0.0/2 chain 1 | -d 192.0.0.0/2 chain 2 | chain 3\n"
        "0 | chain 3\n1 | chain 3\n2\n");
  CHECK(text(plan_tree({wide, a, b}, "FLOWSPEC", every_split)) ==
        "0 | -d 0.0.0.0/2 chain 1 | -d 192.0.0.0/2 chain 2\n1\n2\n");
  CHECK(text(plan_tree({a, wide, b}, "FLOWSPEC", every_split)).find("1") != std::string::npos);
  // A wide one that shares no packet with what stands behind it does not keep that back.
  const TreePlan apart = plan_tree({a, entry("192.0.0.0/8", nullptr, 3), entry("10.0.0.0/8", nullptr, 3), b},
                                   "FLOWSPEC", every_split);
  CHECK(apart.rules == 12);
}

TEST_CASE("levels are no higher than what overlaps asks for, and each question begins anew") {
  std::vector<TreeEntry> entries{entry("10.0.0.1/32"), entry("10.0.0.0/8"), entry("11.0.0.1/32"),
                                 entry("10.0.0.2/32"), entry("0.0.0.0/0")};
  for (std::size_t place = 0; place < entries.size(); ++place)
    entries[place].place = static_cast<std::uint32_t>(place);
  const std::vector<bool> narrow{true, false, true, true, false};
  Levels levels(entries);
  const std::vector<std::uint32_t> expected{0, 1, 0, 2, 3};
  CHECK(levels.of(entries, narrow) == expected);
  CHECK(levels.of(entries, narrow) == expected);
}

TEST_CASE("explicit places that alternate are a list; more specific ones first are two levels") {
  std::vector<TreeEntry> alternating;
  std::vector<TreeEntry> specific_first;
  for (int at = 0; at < 200; ++at) {
    alternating.push_back(entry(fmt::format("10.0.{}.1/32", at).c_str()));
    alternating.push_back(entry("0.0.0.0/0"));
    specific_first.push_back(entry(fmt::format("10.0.{}.1/32", at).c_str()));
  }
  CHECK_FALSE(plan_tree(alternating, "FLOWSPEC").splits());
  specific_first.push_back(entry("0.0.0.0/0", "10.0.0.0/8"));
  const TreePlan plan = plan_tree(specific_first, "FLOWSPEC");
  CHECK(plan.deepest < 50);
  CHECK(plan.walk < 30);
}

TEST_CASE("a chain of a tree has a name that no other chain of ours has") {
  const std::string name = tree_chain("FLOWSPEC10", 0xffffffffffffffffU, Walks::filter);
  CHECK(name == "FLOWSPEC10-TP777777777777");
  CHECK(name.size() <= 28);
  CHECK(tree_chain("F", 0, Walks::filter) == "F-TAAAAAAAAAAAAA");
  CHECK(tree_chain("F", 0, Walks::mark) == "F-TAAAAAAAAAAAAA");
  CHECK(tree_chain("F", 0, Walks::dscp) == "F-TQAAAAAAAAAAAA");
  CHECK(tree_chain("F", 1, Walks::filter) == "F-TAAAAAAAAAAAAB");
  CHECK(is_tree_chain(name));
  for (const char* other :
       {"FLOWSPEC", "FLOWSPEC-ALL", "FLOWSPEC-tenant-a", "FLOWSPEC-0123456789abcdefm", "FLOWSPEC-P1",
        "FLOWSPEC-TAAAAAAAAAAAA", "FLOWSPEC-TAAAAAAAAAAAAAA", "FLOWSPEC-TAAAAAAAAAAAA1", "-TAAAAAAAAAAAAA"})
    CHECK_FALSE(is_tree_chain(other));
}

TEST_CASE("only a bare goto by one prefix at most leads in a tree") {
  Rule rule;
  rule.target = Jump{"F-TAAAAAAAAAAAAA", true};
  CHECK(leads_in_tree(rule));
  rule.destination = parse_prefix("10.0.0.0/8");
  CHECK(leads_in_tree(rule));
  rule.source = parse_prefix("10.0.0.0/8");
  CHECK_FALSE(leads_in_tree(rule));
  rule.destination.reset();
  CHECK(leads_in_tree(rule));
  Rule other = rule;
  other.source_negated = true;
  CHECK_FALSE(leads_in_tree(other));
  other = rule;
  other.protocol = 6;
  CHECK_FALSE(leads_in_tree(other));
  other = rule;
  other.target = Jump{"F-TAAAAAAAAAAAAA", false};
  CHECK_FALSE(leads_in_tree(other));
  other.target = Jump{"F-tenant", true};
  CHECK_FALSE(leads_in_tree(other));
}

TEST_CASE("nodes stand before what they lead to, the first ones first, and a loop ends") {
  using Order = std::vector<std::uint32_t>;
  CHECK(forward_order({{}}) == Order{0});
  CHECK(forward_order({{2, 3, 1}, {}, {1}, {1}}) == Order{0, 2, 3, 1});
  CHECK(forward_order({{1}, {0}, {}}) == Order{0, 1});
}
