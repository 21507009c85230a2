// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree.hpp"

#include "injector/forward_order.hpp"
#include "injector/tree_builder.hpp"
#include "injector/tree_names.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace flowspec {

namespace {

using Kind = TreeStep::Kind;

bool two_have_one_hash(const std::vector<TreeChain>& chains) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(chains.size());
  for (const TreeChain& chain : chains)
    hashes.push_back(chain.hash);
  std::sort(hashes.begin(), hashes.end());
  return std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end();
}

/// Those that the first one leads to, each before those that it leads to itself.
std::vector<TreeChain> in_order(std::vector<TreeChain>& chains) {
  std::vector<std::vector<std::uint32_t>> next(chains.size());
  for (std::size_t at = 0; at < chains.size(); ++at)
    for (const TreeStep& step : chains[at].steps)
      if (step.kind != Kind::entry)
        next[at].push_back(step.index);
  std::vector<std::uint32_t> number(chains.size());
  std::vector<TreeChain> ordered;
  ordered.reserve(chains.size());
  for (const std::uint32_t chain : forward_order(next)) {
    number[chain] = static_cast<std::uint32_t>(ordered.size());
    ordered.push_back(std::move(chains[chain]));
  }
  for (TreeChain& chain : ordered)
    for (TreeStep& step : chain.steps)
      if (step.kind != Kind::entry)
        step.index = number[step.index];
  return ordered;
}

/// The list as it is.
TreePlan straight_plan(const std::vector<TreeEntry>& entries, std::string_view name) {
  const Family family = entries.empty() ? Family::ipv4 : entries.front().destination.family();
  const TreeRegion all{Prefix::any(family), Prefix::any(family)};
  TreePlan plan;
  TreeChain& chain =
      plan.chains.emplace_back(TreeChain{mixed(mixed(0, name), all), all.destination, all.source, {}});
  double sum = 0;
  for (std::uint32_t place = 0; place < entries.size(); ++place) {
    chain.steps.push_back({Kind::entry, place});
    plan.rules += entries[place].rules;
    sum += static_cast<double>(plan.rules);
  }
  plan.deepest = plan.rules;
  plan.walk = plan.straight_walk = entries.empty() ? 0 : sum / static_cast<double>(entries.size());
  return plan;
}

} // namespace

TreePlan plan_tree(std::vector<TreeEntry> entries, std::string_view name, const TreeShape& shape) {
  TreePlan plan = straight_plan(entries, name);
  if (plan.rules <= shape.leaf)
    return plan;
  const auto count = static_cast<double>(entries.size());
  TreeBuilder builder(std::move(entries), shape);
  const Cost cost = builder.build(name);
  if (two_have_one_hash(builder.chains()))
    return plan;
  plan.deepest = cost.deepest;
  plan.walk = cost.hits.rules / count;
  plan.chains = in_order(builder.chains());
  for (const TreeChain& chain : plan.chains)
    for (const TreeStep& step : chain.steps)
      plan.further += step.kind == Kind::entry ? 0U : 1U;
  return plan;
}

} // namespace flowspec
