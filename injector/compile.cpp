// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/compile.hpp"

#include "injector/conditions.hpp"
#include "injector/rate_limit.hpp"
#include "injector/satisfiable.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

namespace flowspec {

namespace {

Rejected reject(const Entry& entry, Reason reason, std::string detail) {
  return {to_string(entry.match), reason, std::move(detail)};
}

/// What is asked for and not done.
std::optional<Rejected> unsupported(const Entry& entry, const CompileOptions& options) {
  const Actions& actions = entry.actions;
  if (!actions.unknown.empty())
    return reject(entry, Reason::unsupported_action,
                  fmt::format("{}: not enforced by this version", actions.unknown.front()));
  if (!actions.terminal)
    return reject(entry, Reason::unsupported_action,
                  "going on to later routes: not enforced by this version");
  if (actions.redirect && !actions.discards() && !options.redirects.contains(*actions.redirect))
    return reject(entry, Reason::no_redirect_target,
                  fmt::format("redirect to {}: no --redirect {}=MARK says which mark stands for it",
                              *actions.redirect, *actions.redirect));
  for (const std::optional<Prefix>* prefix : {&entry.match.destination, &entry.match.source})
    if (*prefix && (*prefix)->offset != 0)
      return reject(
          entry, Reason::not_enforceable,
          fmt::format("{}: ip6tables has no match that leaves out the first bits", to_string(**prefix)));
  if (entry.match.fragment && options.reassembled)
    return reject(
        entry, Reason::fragments_reassembled,
        "connection tracking puts fragments together before they get here, or may do so; --conntrack off "
        "says that it does not");
  return std::nullopt;
}

Rule with_target(Condition condition, const std::string& comment, Target target) {
  condition.matches.emplace_back(CommentMatch{comment});
  condition.target = std::move(target);
  return condition;
}

std::string chain_name(const Entry& entry, const CompileOptions& options, std::string_view suffix = "") {
  return fmt::format("{}-{}{}", options.chain, stable_id(entry.match), suffix);
}

/// What is done with the packets of an entry, one step after another; the last one is the verdict.
struct Step {
  std::vector<Match> matches;
  Target target;
};

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

/// A bucket keeps its rate and burst as long as any rule names it, so that its name has both.
std::string bucket_name(const Entry& entry, const CompileOptions& options) {
  const std::string name = fmt::format("{}-{}", chain_name(entry, options), *entry.actions.rate);
  return options.burst == 1 ? name : fmt::format("{}-{}", name, options.burst);
}

std::vector<Step> steps_of(const Entry& entry, const CompileOptions& options,
                           std::vector<Rejected>& remarks) {
  std::vector<Step> steps;
  const Actions& actions = entry.actions;
  if (actions.sample)
    steps.push_back(
        {{}, NflogTarget{options.nflog_group, fmt::format("flowspec {}", stable_id(entry.match))}});
  if (actions.rate && !actions.discards()) {
    const std::optional<RateLimit> limit =
        rate_limit(*actions.rate, entry.match.family, bucket_name(entry, options), options.burst);
    std::optional<Rejected> remark =
        limit ? rounding_of(entry, *limit)
              : reject(entry, Reason::rate_rounded,
                       fmt::format("{} B/s is more than the kernel can limit: accepted", *actions.rate));
    if (remark)
      remarks.push_back(std::move(*remark));
    if (limit && limit->burst != options.burst)
      remarks.push_back(
          reject(entry, Reason::rate_rounded,
                 fmt::format("a burst of {} s instead of {} s, which iptables could not read back",
                             limit->burst, options.burst)));
    if (limit)
      steps.push_back({{limit->match}, Verdict::drop});
  }
  steps.push_back({{}, actions.discards() ? Verdict::drop : options.accept});
  return steps;
}

std::vector<Rule> rules_of(const std::vector<Step>& steps, const Condition& condition,
                           const std::string& comment) {
  std::vector<Rule> rules;
  for (const Step& step : steps) {
    Condition own = condition;
    own.matches.insert(own.matches.end(), step.matches.begin(), step.matches.end());
    rules.push_back(with_target(std::move(own), comment, step.target));
  }
  return rules;
}

/// Each condition with the steps behind it. Several steps for several conditions stand in a chain of their
/// own, so that all of them draw on one bucket; goto, so that an accepting RETURN there leaves the calling
/// chain too.
std::vector<Rule> lead_to(const std::vector<Step>& steps, std::vector<Condition> conditions,
                          const Entry& entry, const std::string& name, std::vector<Chain>& chains) {
  const std::string comment = comment_of(entry);
  if (conditions.size() == 1)
    return rules_of(steps, conditions.front(), comment);
  Target target = steps.back().target;
  if (steps.size() > 1) {
    chains.push_back({name, std::nullopt, rules_of(steps, {}, comment)});
    target = Jump{name, true};
  }
  std::vector<Rule> rules;
  for (Condition& condition : conditions)
    rules.push_back(with_target(std::move(condition), comment, target));
  return rules;
}

/// A chain that packets enter and return from unless they are meant.
void add_chain(Compiled& compiled, Selection selection, const std::vector<Step>& steps, const Entry& entry,
               const CompileOptions& options) {
  const std::string comment = comment_of(entry);
  Chain chain{chain_name(entry, options, "m"), std::nullopt, {}};
  for (Condition& condition : selection.enter)
    compiled.rules.push_back(with_target(std::move(condition), comment, Jump{chain.name, false}));
  for (Condition& condition : selection.leave)
    chain.rules.push_back(with_target(std::move(condition), comment, Verdict::return_));
  if (selection.meet.empty())
    selection.meet.emplace_back();
  std::vector<Chain> further;
  for (Rule& rule : lead_to(steps, std::move(selection.meet), entry, chain_name(entry, options), further))
    chain.rules.push_back(std::move(rule));
  compiled.chains.push_back(std::move(chain));
  for (Chain& next : further)
    compiled.chains.push_back(std::move(next));
}

} // namespace

bool asks_alteration(const Entry& entry) {
  return (entry.actions.redirect || entry.actions.dscp_mark) && !entry.actions.discards();
}

std::string comment_of(const Entry& entry) {
  const std::string comment = fmt::format("flowspec {}", stable_id(entry.match));
  return entry.sequence && !is_default_policy(entry.match)
             ? fmt::format("{} seq {}", comment, *entry.sequence)
             : comment;
}

std::optional<std::string> entry_id(const Rule& rule) {
  constexpr std::string_view begin = "flowspec ";
  constexpr std::size_t digits = 16;
  for (const Match& match : rule.matches)
    if (const auto* comment = std::get_if<CommentMatch>(&match);
        comment && comment->text.starts_with(begin)) {
      const std::string id = comment->text.substr(begin.size(), digits);
      const std::string_view rest = std::string_view(comment->text).substr(begin.size() + id.size());
      if (id.size() == digits && id.find_first_not_of("0123456789abcdef") == std::string::npos &&
          (rest.empty() || rest.starts_with(" seq ")))
        return id;
    }
  return std::nullopt;
}

Rule established_rule(Verdict accept) {
  Rule rule;
  rule.matches.emplace_back(ConntrackMatch{ConntrackMatch::established | ConntrackMatch::related, false});
  return with_target(std::move(rule), "flowspec established", accept);
}

std::variant<Compiled, Rejected> compile(const Entry& entry, const CompileOptions& options) {
  if (std::optional<std::string> why = why_never_matches(entry.match))
    return reject(entry, Reason::never_matches, std::move(*why));
  if (std::optional<Rejected> rejected = unsupported(entry, options))
    return *rejected;
  // A chain that is entered and returned from cannot hand a packet back to the caller's caller.
  const bool flat =
      !entry.actions.discards() && (options.accept == Verdict::return_ || asks_alteration(entry));
  auto selected = select(entry.match, flat ? Shape::flat : Shape::flat_or_chain);
  if (auto* unsayable = std::get_if<Unsayable>(&selected))
    return reject(entry, Reason::not_enforceable, std::move(unsayable->why));

  Compiled compiled;
  auto& selection = std::get<Selection>(selected);
  const std::vector<Step> steps = steps_of(entry, options, compiled.remarks);
  if (entry.actions.discards() && is_default_policy(entry.match) &&
      options.stateful == Stateful::default_drop)
    compiled.rules.push_back(established_rule(options.accept));
  if (selection.needs_chain())
    add_chain(compiled, std::move(selection), steps, entry, options);
  else
    for (Rule& rule :
         lead_to(steps, std::move(selection.enter), entry, chain_name(entry, options), compiled.chains))
      compiled.rules.push_back(std::move(rule));
  return compiled;
}

std::optional<Target> alteration(const Entry& entry, Alteration kind, const CompileOptions& options) {
  if (!asks_alteration(entry))
    return std::nullopt;
  if (kind == Alteration::dscp)
    return entry.actions.dscp_mark ? std::optional<Target>(DscpTarget{*entry.actions.dscp_mark})
                                   : std::nullopt;
  return entry.actions.redirect ? std::optional<Target>(options.redirects.at(*entry.actions.redirect))
                                : std::nullopt;
}

std::optional<Compiled> compile_alteration(const Entry& entry, Alteration kind,
                                           const CompileOptions& options) {
  auto selected = select(entry.match, Shape::flat);
  if (std::holds_alternative<Unsayable>(selected))
    return std::nullopt;
  Compiled compiled;
  const std::string comment = comment_of(entry);
  Target target = Verdict::return_;
  if (const std::optional<Target> change = alteration(entry, kind, options)) {
    // A chain, since the altered packet may not meet the conditions a second time. Its end is the end of
    // ours.
    Chain chain{chain_name(entry, options, kind == Alteration::dscp ? "d" : "r"), std::nullopt, {}};
    chain.rules.push_back(with_target({}, comment, *change));
    target = Jump{chain.name, true};
    compiled.chains.push_back(std::move(chain));
  }
  for (Condition& condition : std::get<Selection>(selected).enter)
    compiled.rules.push_back(with_target(std::move(condition), comment, target));
  return compiled;
}

} // namespace flowspec
