// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/publication.hpp"

#include "common/error.hpp"
#include "common/rule_text.hpp"
#include "fetcher/frr_limits.hpp"
#include "fetcher/rule_components.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <utility>

namespace flowspec {

namespace {

bool discards(const Rule& rule) {
  return std::holds_alternative<RejectTarget>(rule.target) || rule.target == Target(Verdict::drop);
}

Gap gap_without(const Rule& rule) {
  if (std::holds_alternative<NoTarget>(rule.target))
    return rule.unreadable.empty() ? Gap::none : Gap::unclear; // its target may be what could not be read
  if (discards(rule))
    return Gap::hole;
  return rule.target == Target(Verdict::accept) ? Gap::door : Gap::unclear;
}

std::string_view consequence(Gap gap) {
  switch (gap) {
  case Gap::hole:
    return "leaving it out opens a hole";
  case Gap::door:
    return "leaving it out closes a door";
  case Gap::unclear:
    return "what leaving it out changes cannot be told";
  case Gap::none:
    break;
  }
  return "leaving it out changes no verdict";
}

/// Why the target of `rule` is no action of flowspec's; empty for ACCEPT, DROP and REJECT.
std::string why_no_action(const Rule& rule) {
  if (std::holds_alternative<NoTarget>(rule.target))
    return rule.unreadable.empty() ? "it has no target" : fmt::format("not understood: {}", rule.unreadable);
  if (const auto* jump = std::get_if<Jump>(&rule.target))
    return fmt::format("chain {} is not followed yet", jump->chain);
  if (const auto* opaque = std::get_if<OpaqueTarget>(&rule.target))
    return fmt::format("not understood: -j {}", opaque->name);
  if (std::holds_alternative<DscpTarget>(rule.target))
    return "-j DSCP is not published yet";
  if (std::holds_alternative<MarkTarget>(rule.target))
    return "-j MARK is not published yet";
  if (std::holds_alternative<NflogTarget>(rule.target))
    return "-j NFLOG is not published yet";
  return rule.target == Target(Verdict::return_) ? "RETURN is not published yet" : "";
}

class Publisher {
 public:
  Publisher(const Ruleset& ruleset, const Chain& chain, const RuleName& rule_name)
      : family_(ruleset.family), chain_(chain), rule_name_(rule_name) {}

  Publication publish() {
    for (index_ = 0; index_ < chain_.rules.size() && !last_rule_; ++index_)
      publish_rule(chain_.rules[index_]);
    for (; index_ < chain_.rules.size(); ++index_)
      remark(Reason::not_published, fmt::format("rule {} decides every packet before it", *last_rule_ + 1));
    if (!last_rule_)
      publish_policy(*chain_.policy, fmt::format("policy {}", name(*chain_.policy)));
    return std::move(result_);
  }

 private:
  void publish_rule(const Rule& rule) {
    if (accepts_known_connections(rule)) {
      known_connections_pass_ = true;
      remark_known_connections();
      return;
    }
    const std::string no_action = why_no_action(rule);
    if (!no_action.empty()) {
      reject(rule, no_action);
      return;
    }
    const auto read = components_of(rule, family_);
    if (const auto* unsayable = std::get_if<Unsayable>(&read)) {
      reject(rule, unsayable->why);
      return;
    }
    const auto& match = std::get<Components>(read);
    if (discards(rule) && known_connections_pass_ && is_every_packet(rule)) {
      publish_closing_rule(rule);
      return;
    }
    Actions actions;
    if (discards(rule))
      actions.rate = 0;
    publish_match(rule, match, actions);
  }

  bool is_every_packet(const Rule& rule) const {
    Components every;
    every.family = family_;
    every.destination = Prefix::any(family_);
    return components_of(rule, family_) == std::variant<Components, Unsayable>(every);
  }

  /// A rule that discards all that is left, behind one that accepts known connections, is a policy in all but
  /// name. Only as the default policy does it let known connections pass at the other end too.
  void publish_closing_rule(const Rule& rule) {
    last_rule_ = index_;
    remark(Reason::published_as, "discard, as the default policy: nothing below it is reached");
    publish_policy(Verdict::drop, fmt::format("{}: {}", index_ + 1, to_string(rule, family_)));
  }

  void remark_known_connections() {
    const auto rest = std::span(chain_.rules).subspan(index_);
    const auto closes = [this](const Rule& rule) { return discards(rule) && is_every_packet(rule); };
    const bool closed = chain_.policy == Verdict::drop || std::ranges::any_of(rest, closes);
    const bool cut =
        std::ranges::any_of(rest, [&](const Rule& rule) { return discards(rule) && !closes(rule); });
    remark(Reason::not_published,
           fmt::format(
               "{}{}",
               closed
                   ? "the injector's own rule for known connections stands for it, before the default policy"
                   : "the default policy accepts, so that known connections need no rule before it",
               cut ? "; the drops below cut such connections there, unless it runs with --stateful always"
                   : ""));
  }

  void publish_match(const Rule& rule, const Components& match, const Actions& actions) {
    if (matches_nothing(match)) {
      remark(Reason::never_matches, "its conditions exclude each other");
      return;
    }
    const std::vector<Components> parts = frr::split(match);
    if (parts.empty()) {
      reject(rule, "its match is longer than FRR takes");
      return;
    }
    std::size_t shadowed = 0;
    for (const Components& part : parts) {
      const auto [first, fresh] = rule_of_.try_emplace(canonical_nlri(part), index_);
      if (fresh)
        result_.routes.push_back(
            {entry(part, actions), fmt::format("{}: {}", index_ + 1, to_string(rule, family_))});
      else if (++shadowed == parts.size())
        remark(Reason::not_published,
               fmt::format("rule {} of the same match decides before it", first->second + 1));
    }
    if (const auto* reject = std::get_if<RejectTarget>(&rule.target); reject && shadowed < parts.size())
      remark(Reason::published_as, fmt::format("discard: no {} is sent", reject->with));
  }

  void publish_policy(Verdict verdict, std::string origin) {
    Entry policy;
    policy.match.family = family_;
    policy.match.destination = policy.match.source = Prefix::any(family_);
    if (verdict == Verdict::drop)
      policy.actions.rate = 0;
    result_.routes.push_back({std::move(policy), std::move(origin)});
  }

  Entry entry(const Components& match, const Actions& actions) const {
    Entry result;
    result.match = match;
    result.actions = actions;
    result.sequence = index_ + 1;
    return result;
  }

  void reject(const Rule& rule, const std::string& why) {
    const Gap gap = gap_without(rule);
    result_.problems.push_back(
        {{rule_name_(index_), Reason::unsupported_rule, fmt::format("{}; {}", why, consequence(gap))}, gap});
  }

  void remark(Reason reason, std::string detail) {
    result_.remarks.push_back({rule_name_(index_), reason, std::move(detail)});
  }

  Family family_;
  const Chain& chain_;
  const RuleName& rule_name_;
  std::size_t index_ = 0;
  bool known_connections_pass_ = false;  ///< a rule that was read accepts them
  std::optional<std::size_t> last_rule_; ///< the one that leaves nothing to those below it
  std::map<std::vector<std::uint8_t>, std::size_t> rule_of_; ///< by NLRI: the rule that has it
  Publication result_;
};

} // namespace

std::string_view name(Gap gap) {
  switch (gap) {
  case Gap::hole:
    return "hole";
  case Gap::door:
    return "door";
  case Gap::unclear:
    return "unclear";
  case Gap::none:
    break;
  }
  return "none";
}

Publication publish(const Ruleset& ruleset, std::string_view chain, const RuleName& rule_name) {
  const Chain* found = ruleset.find(chain);
  if (!found)
    throw Error(fmt::format("no chain {} in table {}", chain, ruleset.table));
  if (!found->policy)
    throw Error(fmt::format("chain {} is no built-in chain: it has no policy", chain));
  return Publisher(ruleset, *found, rule_name).publish();
}

} // namespace flowspec
