// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/found_rules.hpp"

#include "injector/entry_hits.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

using RulesById = std::unordered_map<std::string, std::vector<const Rule*>>;

RulesById by_id(const std::vector<Rule>& rules) {
  RulesById result;
  for (const Rule& rule : rules)
    if (const std::optional<RuleOwner> owner = owner_of(rule))
      result[std::string(owner->id)].push_back(&rule);
  return result;
}

bool same(const std::vector<const Rule*>& a, const std::vector<const Rule*>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Rule* left, const Rule* right) { return *left == *right; });
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
  for (const bool first : {true, false})
    for (std::size_t chain = 0; chain < filter.chains.size(); ++chain) {
      const std::string& name = filter.chains[chain].name;
      if (ours.owns(name) && (name == ours.chain) == first)
        for (std::size_t rule = 0; rule < filter.chains[chain].rules.size(); ++rule)
          add({chain, rule});
    }
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
      if (!same(rules, there[id]))
        changed.insert(id);
      there.erase(id);
    }
    for (const auto& [id, rules] : there) // of entries that have no rule in this chain
      changed.insert(id);
  }
  return changed;
}

} // namespace flowspec
