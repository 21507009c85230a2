// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/ownership.hpp"

#include "common/error.hpp"
#include "injector/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace flowspec {

bool Ownership::owns(std::string_view name) const {
  return name == chain || (name.starts_with(chain) && name.substr(chain.size()).starts_with('-'));
}

Rule Hook::jump() const {
  Rule rule;
  rule.target = Jump{chain, false};
  return rule;
}

namespace {

/// All of its rules carry the comment of an injector's or lead to chains of its own tree, or there are none:
/// what such a chain decides is decided by flowspec routes.
bool is_an_injectors(const Chain& chain) {
  return std::all_of(chain.rules.begin(), chain.rules.end(), [&](const Rule& rule) {
    if (leads_in_tree(rule))
      return Ownership{chain.name}.owns(std::get<Jump>(rule.target).chain);
    return std::any_of(rule.matches.begin(), rule.matches.end(), [](const Match& match) {
      const auto* comment = std::get_if<CommentMatch>(&match);
      return comment != nullptr && comment->text.starts_with("flowspec ");
    });
  });
}

/// `-j CHAIN` and nothing more, CHAIN being one of another injector's.
bool leads_to_another_injector(const Rule& rule, const Ruleset& ruleset) {
  const auto* jump = std::get_if<Jump>(&rule.target);
  if (jump == nullptr || rule != Hook{"", jump->chain}.jump())
    return false;
  const Chain* chain = ruleset.find(jump->chain);
  return chain != nullptr && is_an_injectors(*chain);
}

} // namespace

bool comes_first(const Hook& hook, const Ruleset& ruleset) {
  const Chain* parent = ruleset.find(hook.parent);
  if (parent == nullptr)
    return false;
  for (const Rule& rule : parent->rules) {
    if (rule == hook.jump())
      return true;
    if (!leads_to_another_injector(rule, ruleset))
      return false;
  }
  return false;
}

Hook named_hook(const std::string& parent, const Ownership& ours) {
  return {parent, ours.chain + "-" + parent};
}

namespace {

void place(const Hook& hook, Ruleset& ruleset) {
  Chain* parent = ruleset.find(hook.parent);
  if (parent == nullptr) {
    if (!hook.wanted)
      return;
    throw Error(fmt::format("place the jump to {}: table {} has no chain {}", hook.chain, ruleset.table,
                            hook.parent));
  }
  const auto first = std::find(parent->rules.begin(), parent->rules.end(), hook.jump());
  const auto place = hook.wanted && comes_first(hook, ruleset) ? first - parent->rules.begin() : 0;
  parent->rules.remove(hook.jump());
  if (hook.wanted)
    parent->rules.insert(parent->rules.begin() + place, hook.jump());
}

} // namespace

Ruleset with_ours(const Ruleset& current, const std::vector<Chain>& chains, const std::vector<Hook>& hooks,
                  const Ownership& ours) {
  Ruleset result{current.family, current.table, {}};
  for (const Chain& chain : current.chains)
    if (!ours.owns(chain.name))
      result.chains.push_back(chain);
  for (const Hook& hook : hooks)
    place(hook, result);
  for (Chain& chain : result.chains) { // as configured at another time
    const Hook named = named_hook(chain.name, ours);
    if (std::find(hooks.begin(), hooks.end(), named) == hooks.end())
      chain.rules.remove(named.jump());
  }

  std::unordered_set<std::string> referred_to; // by rules that are not ours
  for (const Chain& chain : result.chains)
    for (const Rule& rule : chain.rules)
      if (const auto* jump = std::get_if<Jump>(&rule.target))
        referred_to.insert(jump->chain);
  std::unordered_map<std::string_view, const Chain*> wanted;
  wanted.reserve(chains.size());
  for (const Chain& chain : chains)
    wanted.emplace(chain.name, &chain);

  // In the kernel's order, new ones behind.
  std::vector<Chain> ordered;
  ordered.reserve(result.chains.size() + chains.size());
  auto foreign = result.chains.begin();
  std::unordered_set<std::string_view> present;
  present.reserve(current.chains.size());
  for (const Chain& chain : current.chains) {
    present.insert(chain.name);
    if (!ours.owns(chain.name))
      ordered.push_back(std::move(*foreign++));
    else if (const auto found = wanted.find(chain.name); found != wanted.end())
      ordered.push_back(*found->second);
    else if (referred_to.contains(chain.name))
      ordered.push_back({chain.name, std::nullopt, {}});
  }
  for (const Chain& chain : chains)
    if (!present.contains(chain.name))
      ordered.push_back(chain);
  result.chains = std::move(ordered);
  return result;
}

bool holds_ours(const Ruleset& current, const Ownership& ours) {
  return std::any_of(current.chains.begin(), current.chains.end(),
                     [&](const Chain& chain) { return ours.owns(chain.name); });
}

} // namespace flowspec
