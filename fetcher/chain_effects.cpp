// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/chain_effects.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace flowspec {

namespace {

constexpr std::size_t deepest = 200;
/// Chains that call each other can name more rules than there are numbers.
constexpr std::size_t many = std::numeric_limits<std::uint32_t>::max();

} // namespace

std::string_view target_without_verdict(const Rule& rule) {
  static constexpr std::array<std::string_view, 17> passing{
      "LOG",   "NFLOG", "ULOG",      "MARK",    "CONNMARK", "SECMARK", "CONNSECMARK", "CLASSIFY", "AUDIT",
      "TRACE", "LED",   "IDLETIMER", "RATEEST", "SET",      "TCPMSS",  "CHECKSUM",    "ACCOUNT"};
  if (std::holds_alternative<NoTarget>(rule.target))
    return rule.unreadable.empty() ? "a rule without target" : ""; // its target may be what could not be read
  if (std::holds_alternative<NflogTarget>(rule.target))
    return "NFLOG";
  if (std::holds_alternative<MarkTarget>(rule.target))
    return "MARK";
  if (const auto* opaque = std::get_if<OpaqueTarget>(&rule.target))
    if (const auto found = std::ranges::find(passing, opaque->name); found != passing.end())
      return *found;
  return {};
}

ChainEffects::ChainEffects(const Ruleset& ruleset, const Chain& base) : ruleset_(ruleset) {
  for (const Chain& chain : ruleset.chains)
    for (const Rule& rule : chain.rules)
      for (const Match& match : rule.matches)
        look_at(match);
  look_at(base, 0);
  count_ways(base);
}

/// Each call is followed at most twice: that is many.
void ChainEffects::count_ways(const Chain& base) {
  std::vector<const Chain*> called{&base};
  ways_[base.name] = 1;
  while (!called.empty()) {
    const Chain& chain = *called.back();
    called.pop_back();
    for (const Rule& rule : chain.rules)
      if (const auto* jump = std::get_if<Jump>(&rule.target))
        if (const Chain* target = ruleset_.find(jump->chain); target != nullptr && ways_[jump->chain] < 2) {
          ++ways_[jump->chain];
          called.push_back(target);
        }
  }
}

std::size_t ChainEffects::ways_to(const Chain& chain) const {
  const auto found = ways_.find(chain.name);
  return found == ways_.end() ? 0 : found->second;
}

void ChainEffects::look_at(const Match& match) {
  if (const auto* limit = std::get_if<HashlimitMatch>(&match))
    ++buckets_[limit->name];
}

const ChainEffects::Effect& ChainEffects::look_at(const Chain& chain, std::size_t depth) {
  const auto [known, fresh] = effects_.try_emplace(chain.name);
  Effect& effect = known->second; // of a node: stays where it is
  if (effect.in_progress)
    throw Error(fmt::format("chain {} calls itself, by way of others or directly", chain.name));
  if (!fresh)
    return effect;
  if (depth > deepest)
    throw Error(fmt::format("chain {}: chains call each other more than {} deep", chain.name, deepest));
  effect.in_progress = true;
  effect.deciding.assign(chain.rules.size() + 1, 0);
  for (std::size_t index = chain.rules.size(); index-- > 0;) {
    const Rule& rule = chain.rules[index];
    std::size_t& count = effect.deciding[index];
    count = effect.deciding[index + 1];
    if (const auto* jump = std::get_if<Jump>(&rule.target)) {
      const Chain* target = ruleset_.find(jump->chain);
      if (target != nullptr) {
        const Effect& called = look_at(*target, depth + 1);
        count += called.deciding.front();
        effect.drops = effect.drops || called.drops;
        effect.accepts = effect.accepts || called.accepts;
        effect.unclear = effect.unclear || called.unclear;
      } else {
        ++count;
        effect.unclear = true;
      }
      if (jump->go_to && chain.policy)
        ++count; // what comes back gets the policy
    } else if (rule.target == Target(Verdict::return_)) {
      if (chain.policy)
        ++count;
    } else if (target_without_verdict(rule).empty()) {
      ++count;
      const bool drop =
          std::holds_alternative<RejectTarget>(rule.target) || rule.target == Target(Verdict::drop);
      const bool accept = rule.target == Target(Verdict::accept);
      effect.drops = effect.drops || drop;
      effect.accepts = effect.accepts || accept;
      effect.unclear = effect.unclear || (!drop && !accept);
    }
    count = std::min(count, many);
  }
  effect.in_progress = false;
  return effect;
}

bool ChainEffects::decides(std::string_view chain) const {
  const auto found = effects_.find(chain);
  return found == effects_.end() || found->second.deciding.front() != 0;
}

std::size_t ChainEffects::deciding_rules(const Chain& chain, std::size_t from) const {
  const auto found = effects_.find(chain.name);
  return found == effects_.end() ? 0 : found->second.deciding.at(from);
}

Gap ChainEffects::gap(bool drops, bool accepts, bool unclear) {
  if (unclear || drops == accepts)
    return Gap::unclear;
  return drops ? Gap::hole : Gap::door;
}

Gap ChainEffects::gap_without(const Rule& rule) const {
  if (std::holds_alternative<RejectTarget>(rule.target) || rule.target == Target(Verdict::drop))
    return Gap::hole;
  if (rule.target == Target(Verdict::accept))
    return Gap::door;
  const auto* jump = std::get_if<Jump>(&rule.target);
  if (!jump || jump->go_to) // a goto also keeps packets from the rest of its chain
    return Gap::unclear;
  const auto found = effects_.find(jump->chain);
  return found == effects_.end() ? Gap::unclear
                                 : gap(found->second.drops, found->second.accepts, found->second.unclear);
}

std::size_t ChainEffects::users_of_bucket(const std::string& name) const {
  const auto found = buckets_.find(name);
  return found == buckets_.end() ? 0 : found->second;
}

} // namespace flowspec
