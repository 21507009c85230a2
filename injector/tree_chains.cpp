// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_chains.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>

namespace flowspec {

namespace {

using Numbers = std::vector<std::size_t>;
using Kind = TreeStep::Kind;

/// A list of up to so many rules is quick enough as it is.
constexpr std::size_t short_list = 64;
/// A tree is worth its chains when packets meet less than this part of the rules.
constexpr double worth = 0.5;

/// RFC 8956's patterns are refused before they get here; one is no prefix of anything here.
Prefix plain(const std::optional<Prefix>& prefix, Family family) {
  return prefix && prefix->offset == 0 ? *prefix : Prefix::any(family);
}

std::vector<TreeEntry> tree_entries(const Numbers& list, const ListedEntries& all) {
  std::vector<TreeEntry> entries;
  entries.reserve(list.size());
  for (const std::size_t number : list) {
    const Components& match = all.entries[number].match;
    entries.push_back({plain(match.destination, match.family), plain(match.source, match.family),
                       static_cast<std::uint16_t>(all.rule_count(number)), 0});
  }
  return entries;
}

std::size_t rules_of(const Numbers& list, const ListedEntries& all) {
  std::size_t rules = 0;
  for (const std::size_t number : list)
    rules += all.rule_count(number);
  return rules;
}

/// None of its chains has the hash of one that is there already.
bool is_new(const TreePlan& plan, ListedEntries& all) {
  for (std::size_t at = 1; at < plan.chains.size(); ++at)
    if (!all.tree_hashes.insert(plan.chains[at].hash).second)
      return false;
  return true;
}

TreePlan straight(const Numbers& list, const ListedEntries& all) {
  TreeShape shape;
  shape.leaf = std::numeric_limits<std::size_t>::max();
  return plan_tree(tree_entries(list, all), {}, shape);
}

/// The rule that sends packets on to `chain`, called `name`.
Rule leading_rule(Kind kind, const TreeChain& chain, std::string name) {
  Rule rule;
  if (kind == Kind::destination)
    rule.destination = chain.destination;
  if (kind == Kind::source)
    rule.source = chain.source;
  rule.target = Jump{std::move(name), true};
  return rule;
}

} // namespace

TreePlan plan_list(const Numbers& list, ListedEntries& all, std::string_view name, Layout layout,
                   TreeShape shape) {
  if (layout == Layout::linear || (layout == Layout::automatic && rules_of(list, all) <= short_list))
    return straight(list, all);
  if (layout == Layout::tree)
    shape.root_gain = std::numeric_limits<double>::infinity();
  TreePlan plan = plan_tree(tree_entries(list, all), name, shape);
  const bool wanted = layout == Layout::tree || plan.walk < worth * plan.straight_walk;
  return wanted && is_new(plan, all) ? plan : straight(list, all);
}

void add_rules(Chain& head, const Numbers& list, const TreePlan& plan, const ListedEntries& all,
               const CompileOptions& options, std::vector<Chain>& further) {
  const auto name_of = [&](const TreeChain& chain) {
    return tree_chain(options.chain, chain.hash, all.walk);
  };
  const auto add_to = [&](Chain& chain, const TreeChain& planned) {
    for (const TreeStep& step : planned.steps)
      if (step.kind == Kind::entry)
        all.append_rules(list[step.index], chain.rules);
      else
        chain.rules.push_back(
            leading_rule(step.kind, plan.chains[step.index], name_of(plan.chains[step.index])));
  };
  if (!plan.splits() && list.size() == all.entries.size() && all.every_rule != nullptr)
    head.rules.append(*all.every_rule); // shared, when nothing stands before them
  else
    add_to(head, plan.chains.front());
  for (std::size_t at = 1; at < plan.chains.size(); ++at) {
    Chain chain{name_of(plan.chains[at]), std::nullopt, {}};
    add_to(chain, plan.chains[at]);
    chain.rules.give_back_rest();
    further.push_back(std::move(chain));
  }
}

TreeFigures tree_figures(const std::vector<Chain>& chains) {
  TreeFigures figures;
  std::unordered_map<std::string_view, std::size_t> deepest; // of chains of trees
  for (std::size_t at = chains.size(); at-- > 0;) {
    const Chain& chain = chains[at];
    std::size_t met = chain.rules.size();
    bool leads = false;
    for (std::size_t number = 1; number <= chain.rules.size(); ++number) {
      if (chain.rules.bytes(number - 1).find("-T") ==
          std::string_view::npos) // as the names of its chains have
        continue;
      const Rule rule = chain.rules[number - 1];
      if (!leads_in_tree(rule))
        continue;
      leads = true;
      ++figures.further;
      if (const auto found = deepest.find(std::get<Jump>(rule.target).chain); found != deepest.end())
        met = std::max(met, number + found->second);
    }
    if (is_tree_chain(chain.name)) {
      ++figures.chains;
      deepest.emplace(chain.name, met);
    } else if (leads) {
      figures.deepest = std::max(figures.deepest, met);
    }
  }
  return figures;
}

} // namespace flowspec
