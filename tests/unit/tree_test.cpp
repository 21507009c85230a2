// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/forward_order.hpp"
#include "injector/layout.hpp"
#include "injector/tree_chains.hpp"
#include "injector/tree_levels.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

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
            "FLOWSPEC", every_split)) == "-d 10.0.0.1/32 chain 1 | -d 10.0.0.2/32 chain 2 | 1\n0\n2\n");
  CHECK(text(plan_tree({entry("2001:db8::1/128", nullptr, 3), entry("2001:db8::8/128", nullptr, 3)},
                       "FLOWSPEC", every_split)) ==
        "-d 2001:db8::1/128 chain 1 | -d 2001:db8::8/128 chain 2\n0\n1\n");
}

TEST_CASE("what is too wide for a branch comes behind all of them, or stands in its place in the order") {
  const TreeEntry wide = entry("0.0.0.0/0");
  const TreeEntry a = entry("10.0.0.1/32", nullptr, 3);
  const TreeEntry b = entry("192.0.2.1/32", nullptr, 3);
  CHECK(text(plan_tree({a, b, wide}, "FLOWSPEC", every_split)) ==
        "-d 10.0.0.1/32 chain 1 | -d 192.0.2.1/32 chain 2 | chain 3\n"
        "0 | chain 3\n1 | chain 3\n2\n");
  CHECK(text(plan_tree({wide, a, b}, "FLOWSPEC", every_split)) ==
        "0 | -d 10.0.0.1/32 chain 1 | -d 192.0.2.1/32 chain 2\n1\n2\n");
  CHECK(text(plan_tree({a, wide, b}, "FLOWSPEC", every_split)).find("1") != std::string::npos);
  // A wide one that shares no packet with what stands behind it does not keep that back.
  const TreePlan apart = plan_tree({a, entry("192.0.0.0/8", nullptr, 3), entry("10.0.0.0/8", nullptr, 3), b},
                                   "FLOWSPEC", every_split);
  CHECK(apart.rules == 12);
}

TEST_CASE("what shares no packet with a branch stands behind the steps to all of them, in the same chain") {
  const TreeEntry a = entry("10.0.0.1/32", nullptr, 3);
  const TreeEntry b = entry("192.0.2.1/32", nullptr, 3);
  CHECK(text(plan_tree({entry("172.16.0.1/32"), a, entry("198.51.100.1/32"), b}, "FLOWSPEC", every_split)) ==
        "-d 10.0.0.1/32 chain 1 | -d 192.0.2.1/32 chain 2 | 0 | 2\n1\n3\n");
}

TEST_CASE("packets of a branch go on only to what may match them") {
  std::vector<TreeEntry> entries;
  for (const int network : {10, 192})
    for (int host = 0; host < 64; ++host)
      entries.push_back(entry(fmt::format("{}.0.{}.1/32", network, host).c_str()));
  entries.push_back(entry("192.0.0.0/8", "203.0.113.0/24")); // the last one
  const TreePlan plan = plan_tree(entries, "FLOWSPEC");
  const TreeChain& last = plan.chains.back();
  REQUIRE(last.steps == std::vector{TreeStep{TreeStep::Kind::entry, 128}});
  const Prefix mine = *parse_prefix("192.0.0.0/8");
  std::size_t leaves = 0;
  for (const TreeChain& chain : plan.chains) {
    const TreeStep& step = chain.steps.back();
    const bool leaf = chain.steps.front().kind == TreeStep::Kind::entry && chain.hash != last.hash;
    leaves += leaf ? 1U : 0U;
    if (leaf)
      CHECK((step.kind == TreeStep::Kind::rest) == mine.contains(chain.destination));
    if (step.kind == TreeStep::Kind::rest)
      CHECK(plan.chains[step.index].hash == last.hash);
  }
  CHECK(leaves >= 8);
}

namespace {

/// 4,096 hosts of which so many percent lie on one side, so many of these on one side of that, and so on.
std::vector<TreeEntry> one_sided(unsigned percent, Dimension dimension) {
  std::vector<TreeEntry> entries;
  std::set<std::uint32_t> addresses;
  std::uint32_t state = 1;
  while (addresses.size() < 4096) {
    std::uint32_t address = 0;
    for (int bit = 0; bit < 32; ++bit) {
      state = state * 1664525U + 1013904223U;
      address = address << 1 | ((state >> 8) % 100 < percent ? 0U : 1U);
    }
    addresses.insert(address);
  }
  const Prefix any = Prefix::any(Family::ipv4);
  for (const std::uint32_t address : addresses) {
    Address host{Family::ipv4, {}};
    for (unsigned byte = 0; byte < 4; ++byte)
      host.bytes[byte] = static_cast<std::uint8_t>(address >> (24 - 8 * byte));
    const Prefix prefix = Prefix::masked(host, 32);
    entries.push_back(dimension == Dimension::destination ? TreeEntry{prefix, any, 1, 0}
                                                          : TreeEntry{any, prefix, 1, 0});
  }
  return entries;
}

} // namespace

TEST_CASE("however one-sided a set of hosts is, packets meet as few rules as of an even one") {
  const unsigned percent = GENERATE(50U, 75U, 90U, 95U, 98U);
  const Dimension dimension = GENERATE(Dimension::destination, Dimension::source);
  CAPTURE(percent);
  const TreePlan plan = plan_tree(one_sided(percent, dimension), "FLOWSPEC");
  constexpr double bits = 12; // of the number of hosts
  CHECK(plan.walk <= 2 * bits + static_cast<double>(TreeShape().leaf) / 2);
  CHECK(static_cast<double>(plan.deepest) <= 6 * bits + static_cast<double>(TreeShape().leaf));
  CHECK(plan.chains.size() <= 4096 / 5);
}

TEST_CASE("nested prefixes are few levels, and a host among them is found as quickly") {
  std::vector<TreeEntry> entries;
  for (const TreeEntry& host : one_sided(90, Dimension::destination))
    entries.push_back(host);
  for (unsigned length = 31; length >= 8; --length) // the ones around the densest place
    entries.push_back(
        {Prefix::masked(Address{Family::ipv4, {}}, length), *parse_prefix("203.0.113.0/24"), 1, 0});
  const TreePlan plan = plan_tree(entries, "FLOWSPEC");
  CHECK(plan.walk <= 40);
  CHECK(plan.deepest <= 140);
}

TEST_CASE("levels are no higher than what overlaps asks for, and each question begins anew") {
  std::vector<TreeEntry> entries{entry("10.0.0.1/32"), entry("10.0.0.0/8"), entry("11.0.0.1/32"),
                                 entry("10.0.0.2/32"), entry("0.0.0.0/0")};
  const TreeOrders orders(entries);
  const std::vector<bool> wide{false, true, false, false, true};
  Levels levels(orders);
  const std::vector<std::uint32_t> expected{0, 1, 0, 2, 3};
  CHECK(levels.of(orders.of({0, 5}), wide) == expected);
  CHECK(levels.of(orders.of({0, 5}), wide) == expected);
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
