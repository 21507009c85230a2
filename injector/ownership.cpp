// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/ownership.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace flowspec {

bool Ownership::owns(std::string_view name) const {
  return name == chain || (name.starts_with(chain) && name.substr(chain.size()).starts_with('-'));
}

Rule Ownership::jump() const {
  Rule rule;
  rule.target = Jump{chain, false};
  return rule;
}

Ruleset with_ours(const Ruleset& current, const std::vector<Chain>& chains, const Ownership& ours) {
  std::unordered_map<std::string_view, const Chain*> wanted;
  for (const Chain& chain : chains)
    wanted.emplace(chain.name, &chain);
  std::unordered_set<std::string_view> referred_to; // by rules that are not ours
  for (const Chain& chain : current.chains)
    if (!ours.owns(chain.name))
      for (const Rule& rule : chain.rules)
        if (const auto* jump = std::get_if<Jump>(&rule.target))
          referred_to.insert(jump->chain);

  Ruleset result{current.family, current.table, {}};
  std::unordered_set<std::string_view> present;
  for (const Chain& chain : current.chains) {
    present.insert(chain.name);
    if (!ours.owns(chain.name))
      result.chains.push_back(chain);
    else if (const auto found = wanted.find(chain.name); found != wanted.end())
      result.chains.push_back(*found->second);
    else if (referred_to.contains(chain.name))
      result.chains.push_back({chain.name, std::nullopt, {}});
  }
  for (const Chain& chain : chains)
    if (!present.contains(chain.name))
      result.chains.push_back(chain);

  for (const std::string& parent : ours.parents) {
    Chain* chain = result.find(parent);
    if (chain == nullptr)
      throw Error(
          fmt::format("place the jump to {}: table {} has no chain {}", ours.chain, current.table, parent));
    std::erase(chain->rules, ours.jump());
    chain->rules.insert(chain->rules.begin(), ours.jump());
  }
  return result;
}

} // namespace flowspec
