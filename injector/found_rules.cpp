// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/found_rules.hpp"

#include "injector/entry_hits.hpp"
#include "injector/forward_order.hpp"
#include "injector/layout.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

using RulesById = std::unordered_map<std::string, std::vector<std::string_view>>;

/// What is pointed to is in `rules`.
RulesById by_id(const RuleList& rules) {
  RulesById result;
  for (std::size_t index = 0; index < rules.size(); ++index) {
    const Rule rule = rules[index];
    if (const std::optional<RuleOwner> owner = owner_of(rule))
      result[std::string(owner->id)].push_back(rules.bytes(index));
  }
  return result;
}

/// Chains in the order in which packets meet them: the first, those of segments, those of the regions of a
/// list ("-P3", which have no entry that the list has not), and those of single entries.
int rank(std::string_view chain, const Ownership& ours) {
  if (chain == ours.chain)
    return 0;
  const std::string_view last = chain.substr(chain.rfind('-') + 1);
  if (last.starts_with('P') && last.find_first_not_of("0123456789", 1) == std::string_view::npos)
    return 2;
  return last.size() >= 16 &&
                 last.substr(0, 16).find_first_not_of("0123456789abcdef") == std::string_view::npos
             ? 3
             : 1;
}

/// Which chains belong to the trees of others.
class Trees {
 public:
  explicit Trees(const Ruleset& filter) : next_(filter.chains.size()) {
    std::unordered_map<std::string_view, std::uint32_t> number;
    for (std::uint32_t chain = 0; chain < filter.chains.size(); ++chain)
      if (is_tree_chain(filter.chains[chain].name))
        number.emplace(filter.chains[chain].name, chain);
    if (number.empty())
      return;
    for (std::size_t chain = 0; chain < filter.chains.size(); ++chain)
      for (const Rule& rule : filter.chains[chain].rules)
        if (leads_in_tree(rule))
          if (const auto at = number.find(std::get<Jump>(rule.target).chain); at != number.end())
            next_[chain].push_back(at->second);
  }

  /// `chain` with the chains of its tree behind it, in the order in which packets meet them.
  std::vector<std::uint32_t> with_tree(std::size_t chain) const {
    const auto root = static_cast<std::uint32_t>(chain);
    if (next_[chain].empty())
      return {root};
    return forward_order(next_, root);
  }

 private:
  std::vector<std::vector<std::uint32_t>> next_; ///< of each chain, those of its tree that it leads to
};

/// Ours, in that order. Chains of trees to which nothing leads come last.
std::vector<std::size_t> chains_in_order(const Ruleset& filter, const Ownership& ours) {
  std::vector<std::size_t> chains;
  std::vector<std::size_t> of_trees;
  for (std::size_t chain = 0; chain < filter.chains.size(); ++chain)
    if (ours.owns(filter.chains[chain].name))
      (is_tree_chain(filter.chains[chain].name) ? of_trees : chains).push_back(chain);
  std::stable_sort(chains.begin(), chains.end(), [&](std::size_t a, std::size_t b) {
    return rank(filter.chains[a].name, ours) < rank(filter.chains[b].name, ours);
  });
  if (of_trees.empty())
    return chains;
  const Trees trees(filter);
  std::vector<std::size_t> result;
  std::vector<bool> there(filter.chains.size());
  const auto add = [&](std::size_t chain) {
    if (!there[chain])
      result.push_back(chain);
    there[chain] = true;
  };
  for (const std::size_t chain : chains)
    for (const std::uint32_t each : trees.with_tree(chain))
      add(each);
  for (const std::size_t chain : of_trees)
    add(chain);
  return result;
}

} // namespace

std::vector<FoundRules> found_rules(const Ruleset& filter, const Ownership& ours) {
  std::vector<FoundRules> found;
  std::unordered_map<std::string, std::size_t> known;
  const auto add = [&](const RulePlace& place) {
    const Rule& rule = filter.chains[place.chain].rules[place.rule];
    const std::optional<RuleOwner> owner = owner_of(rule);
    if (!owner) {
      if (!common_rule(rule))
        found.push_back({"", std::nullopt, {place}});
      return;
    }
    const auto [at, fresh] = known.try_emplace(std::string(owner->id), found.size());
    if (fresh)
      found.push_back({at->first, owner->sequence, {}});
    found[at->second].places.push_back(place);
  };
  for (const std::size_t chain : chains_in_order(filter, ours))
    for (std::size_t rule = 0; rule < filter.chains[chain].rules.size(); ++rule)
      add({chain, rule});
  return found;
}

std::unordered_set<std::string> changed_entries(const WantedTable& wanted, const Ruleset& current) {
  std::unordered_map<std::string_view, const Chain*> chains;
  for (const Chain& chain : current.chains)
    chains.emplace(chain.name, &chain);
  const Chain none;
  std::unordered_set<std::string> changed;
  for (const Chain& chain : wanted.chains) {
    const auto found = chains.find(chain.name);
    const Chain& now = found == chains.end() ? none : *found->second;
    if (chain.rules == now.rules)
      continue;
    RulesById there = by_id(now.rules);
    for (auto& [id, rules] : by_id(chain.rules)) {
      if (rules != there[id])
        changed.insert(id);
      there.erase(id);
    }
    for (const auto& [id, rules] : there) // of entries that have no rule in this chain
      changed.insert(id);
  }
  return changed;
}

} // namespace flowspec
