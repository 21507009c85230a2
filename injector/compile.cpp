// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/compile.hpp"

#include "injector/conditions.hpp"
#include "injector/rate_limit.hpp"
#include "injector/satisfiable.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <utility>

namespace flowspec {

namespace {

Rejected reject(const Entry& entry, Reason reason, std::string detail) {
  return {to_string(entry.match), reason, std::move(detail)};
}

/// The component or action that has no rule yet.
std::optional<Rejected> unsupported(const Entry& entry) {
  const Components& match = entry.match;
  const auto component = [&](std::string_view what) {
    return reject(entry, Reason::unsupported_component,
                  fmt::format("{}: not enforced by this version", what));
  };
  if (match.family == Family::ipv6)
    return component("IPv6");
  if (match.tcp_flags)
    return component("tcp flags");
  if (match.packet_length)
    return component("packet length");
  if (match.dscp)
    return component("dscp");
  if (match.fragment)
    return component("fragment");
  const auto action = [&](std::string_view what) {
    return reject(entry, Reason::unsupported_action, fmt::format("{}: not enforced by this version", what));
  };
  if (!entry.actions.unknown.empty())
    return action(entry.actions.unknown.front());
  if (entry.actions.redirect)
    return action(fmt::format("redirect to {}", *entry.actions.redirect));
  if (entry.actions.dscp_mark &&
      !entry.actions.discards()) // nobody sees the mark of a packet that is discarded
    return action("traffic-marking");
  if (entry.actions.sample)
    return action("sampling");
  if (!entry.actions.terminal)
    return action("going on to later routes");
  return std::nullopt;
}

Rule with_target(Condition condition, const std::string& comment, Target target) {
  condition.matches.emplace_back(CommentMatch{comment});
  condition.target = std::move(target);
  return condition;
}

/// Above the rate: drop; the rest: accept. With several conditions the two stand in a chain of their own, so
/// that all of them draw on one bucket; goto, so that an accepting RETURN there leaves the calling chain too.
void add_rate_limit(Compiled& compiled, const Entry& entry, const RateLimit& limit,
                    std::vector<Condition> conditions, const CompileOptions& options) {
  const std::string comment = comment_of(entry);
  const auto limited = [&](const Condition& condition) {
    Condition above = condition;
    above.matches.emplace_back(limit.match);
    return std::vector<Rule>{with_target(std::move(above), comment, Verdict::drop),
                             with_target(condition, comment, options.accept)};
  };
  if (conditions.size() == 1) {
    compiled.rules = limited(conditions.front());
    return;
  }
  Chain chain{fmt::format("{}-{}", options.chain, stable_id(entry.match)), std::nullopt, limited({})};
  for (Condition& condition : conditions)
    compiled.rules.push_back(with_target(std::move(condition), comment, Jump{chain.name, true}));
  compiled.chains.push_back(std::move(chain));
}

std::optional<Rejected> rounding_of(const Entry& entry, const RateLimit& limit) {
  const double rate = *entry.actions.rate;
  if (limit.single_packets)
    return reject(
        entry, Reason::rate_rounded,
        fmt::format("{} B/s is less than a large packet a second: one packet of any size passes every second",
                    rate));
  if (std::abs(limit.held - rate) > 0.05 * rate)
    return reject(entry, Reason::rate_rounded,
                  fmt::format("the kernel holds {:.0f} B/s instead of {:.0f} B/s", limit.held, rate));
  return std::nullopt;
}

} // namespace

std::string comment_of(const Entry& entry) {
  const std::string comment = fmt::format("flowspec {}", stable_id(entry.match));
  return entry.sequence && !is_default_policy(entry.match)
             ? fmt::format("{} seq {}", comment, *entry.sequence)
             : comment;
}

Rule established_rule(const CompileOptions& options) {
  Rule rule;
  rule.matches.emplace_back(ConntrackMatch{ConntrackMatch::established | ConntrackMatch::related, false});
  return with_target(std::move(rule), "flowspec established", options.accept);
}

std::variant<Compiled, Rejected> compile(const Entry& entry, const CompileOptions& options) {
  if (std::optional<std::string> why = why_never_matches(entry.match))
    return reject(entry, Reason::never_matches, std::move(*why));
  if (std::optional<Rejected> rejected = unsupported(entry))
    return *rejected;

  Compiled compiled;
  std::vector<Condition> conditions = conditions_of(entry.match);
  const bool limits = entry.actions.rate && !entry.actions.discards();
  if (limits) {
    const std::string bucket =
        fmt::format("{}-{}-{}", options.chain, stable_id(entry.match), *entry.actions.rate);
    if (const std::optional<RateLimit> limit = rate_limit(*entry.actions.rate, entry.match.family, bucket)) {
      if (std::optional<Rejected> remark = rounding_of(entry, *limit))
        compiled.remarks.push_back(std::move(*remark));
      add_rate_limit(compiled, entry, *limit, std::move(conditions), options);
      return compiled;
    }
    compiled.remarks.push_back(
        reject(entry, Reason::rate_rounded,
               fmt::format("{} B/s is more than the kernel can limit: accepted", *entry.actions.rate)));
  }
  const Verdict verdict = entry.actions.discards() ? Verdict::drop : options.accept;
  if (verdict == Verdict::drop && is_default_policy(entry.match) &&
      options.stateful == Stateful::default_drop)
    compiled.rules.push_back(established_rule(options));
  for (Condition& condition : conditions)
    compiled.rules.push_back(with_target(std::move(condition), comment_of(entry), verdict));
  return compiled;
}

} // namespace flowspec
