// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/edit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace flowspec {

namespace {

[[noreturn]] void misfit(std::string_view edit, std::string_view chain, std::string_view cause) {
  throw std::out_of_range(fmt::format("{} {}: {}", edit, chain, cause));
}

Chain& chain_of(Ruleset& ruleset, std::string_view edit, const std::string& name) {
  Chain* chain = ruleset.find(name);
  if (!chain)
    misfit(edit, name, "no such chain");
  return *chain;
}

bool jumps_to(const Rule& rule, const std::string& chain) {
  const auto* jump = std::get_if<Jump>(&rule.target);
  return jump && jump->chain == chain;
}

void carry_out(const CreateChain& edit, Ruleset& ruleset) {
  if (ruleset.find(edit.chain))
    misfit("create chain", edit.chain, "it exists");
  ruleset.chains.push_back({edit.chain, std::nullopt, {}});
}

void carry_out(const DeleteChain& edit, Ruleset& ruleset) {
  const Chain& chain = chain_of(ruleset, "delete chain", edit.chain);
  if (chain.policy)
    misfit("delete chain", edit.chain, "it is built in");
  if (!chain.rules.empty())
    misfit("delete chain", edit.chain, "it is not empty");
  for (const Chain& other : ruleset.chains)
    if (std::any_of(other.rules.begin(), other.rules.end(),
                    [&](const Rule& rule) { return jumps_to(rule, edit.chain); }))
      misfit("delete chain", edit.chain, "chain " + other.name + " jumps to it");
  std::erase_if(ruleset.chains, [&](const Chain& c) { return c.name == edit.chain; });
}

void carry_out(const InsertRule& edit, Ruleset& ruleset) {
  RuleList& rules = chain_of(ruleset, "insert rule", edit.chain).rules;
  if (edit.index > rules.size())
    misfit("insert rule", edit.chain, fmt::format("index {} of {} rules", edit.index, rules.size()));
  rules.insert(rules.begin() + static_cast<std::ptrdiff_t>(edit.index), edit.rule);
}

void carry_out(const DeleteRule& edit, Ruleset& ruleset) {
  RuleList& rules = chain_of(ruleset, "delete rule", edit.chain).rules;
  if (edit.index >= rules.size())
    misfit("delete rule", edit.chain, fmt::format("index {} of {} rules", edit.index, rules.size()));
  rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(edit.index));
}

} // namespace

Ruleset apply(const std::vector<Edit>& edits, Ruleset ruleset) {
  for (const Edit& edit : edits)
    std::visit([&](const auto& step) { carry_out(step, ruleset); }, edit);
  return ruleset;
}

} // namespace flowspec
