// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/compile.hpp"

#include "injector/conditions.hpp"
#include "injector/layout.hpp"
#include "injector/rate_limit.hpp"
#include "injector/satisfiable.hpp"
#include "injector/tree_names.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
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

void finish(Condition& condition, std::string comment, Target target) {
  condition.matches.emplace_back(CommentMatch{std::move(comment)});
  condition.target = std::move(target);
}

Rule with_target(Condition condition, std::string comment, Target target) {
  finish(condition, std::move(comment), std::move(target));
  return condition;
}

/// An entry and what its rules, chains and buckets are called: its stable_id is worked out once.
struct Named {
  const Entry& entry;
  const std::string& id;
  std::string_view list; ///< whose own the buckets are; empty: everybody's
  std::string comment;

  Named(const Entry& of, const std::string& its_id, std::string_view of_list = {})
      : entry(of), id(its_id), list(of_list), comment("flowspec ") {
    constexpr std::size_t most = 9 + 16 + 5 + 20;
    comment.reserve(most);
    comment += id;
    if (entry.sequence && !is_default_policy(entry.match)) {
      comment += " seq ";
      const fmt::format_int digits(*entry.sequence);
      comment.append(digits.data(), digits.size());
    }
  }

  std::string chain(const CompileOptions& options, std::string_view suffix = "") const {
    return fmt::format("{}-{}{}", options.chain, id, suffix);
  }
  /// Of the steps, with the bucket.
  std::string step_chain(const CompileOptions& options) const {
    return list.empty() ? chain(options) : rate_chain(options.chain, mixed(mixed(0, id), list));
  }
};

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
std::string bucket_name(const Named& named, const CompileOptions& options) {
  const std::string name = fmt::format("{}{}{}-{}-{}", options.chain, named.list.empty() ? "" : "-",
                                       named.list, named.id, *named.entry.actions.rate);
  return options.burst == 1 ? name : fmt::format("{}-{}", name, options.burst);
}

std::vector<Step> steps_of(const Named& named, const CompileOptions& options,
                           std::vector<Rejected>& remarks) {
  std::vector<Step> steps;
  const Entry& entry = named.entry;
  const Actions& actions = entry.actions;
  if (actions.sample)
    steps.push_back({{}, NflogTarget{options.nflog_group, fmt::format("flowspec {}", named.id)}});
  if (actions.rate && !actions.discards()) {
    std::optional<RateLimit> limit =
        rate_limit(*actions.rate, entry.match.family, bucket_name(named, options), options.burst);
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
    if (limit) {
      steps.push_back({{}, Verdict::drop});
      steps.back().matches.emplace_back(std::move(limit->match));
    }
  }
  steps.push_back({{}, actions.discards() ? Verdict::drop : options.accept});
  return steps;
}

std::vector<Rule> rules_of(std::vector<Step> steps, const Condition& condition, const std::string& comment) {
  std::vector<Rule> rules;
  rules.reserve(steps.size());
  for (Step& step : steps) {
    Rule& rule = rules.emplace_back();
    rule.matches.reserve(condition.matches.size() + step.matches.size() + 1);
    rule = condition;
    std::move(step.matches.begin(), step.matches.end(), std::back_inserter(rule.matches));
    finish(rule, comment, std::move(step.target));
  }
  return rules;
}

/// Each condition with the steps behind it. Several steps for several conditions stand in a chain of their
/// own, so that all of them draw on one bucket; goto, so that an accepting RETURN there leaves the calling
/// chain too.
std::vector<Rule> lead_to(std::vector<Step> steps, std::vector<Condition> conditions, Named named,
                          const CompileOptions& options, std::vector<Chain>& chains) {
  if (conditions.size() == 1 && steps.size() > 1)
    return rules_of(std::move(steps), conditions.front(), named.comment);
  Target target = steps.back().target;
  if (steps.size() > 1) {
    std::string name = named.step_chain(options);
    target = Jump{name, true};
    chains.push_back({std::move(name), std::nullopt, rules_of(std::move(steps), {}, named.comment)});
  }
  for (std::size_t at = 0; at + 1 < conditions.size(); ++at)
    finish(conditions[at], named.comment, target);
  if (!conditions.empty())
    finish(conditions.back(), std::move(named.comment), std::move(target));
  return conditions;
}

/// A chain that packets enter and return from unless they are meant.
void add_chain(Compiled& compiled, Selection selection, std::vector<Step> steps, Named named,
               const CompileOptions& options) {
  Chain chain{named.chain(options, "m"), std::nullopt, {}};
  for (Condition& condition : selection.enter)
    compiled.rules.push_back(with_target(std::move(condition), named.comment, Jump{chain.name, false}));
  for (Condition& condition : selection.leave)
    chain.rules.push_back(with_target(std::move(condition), named.comment, Verdict::return_));
  if (selection.meet.empty())
    selection.meet.emplace_back();
  std::vector<Chain> further;
  for (Rule& rule : lead_to(std::move(steps), std::move(selection.meet), std::move(named), options, further))
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
  const std::string id = stable_id(entry.match);
  return Named(entry, id).comment;
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
  return compile(entry, stable_id(entry.match), options);
}

std::variant<Compiled, Rejected> compile(const Entry& entry, const std::string& id,
                                         const CompileOptions& options, std::string_view list) {
  if (std::optional<std::string> why = why_never_matches(entry.match))
    return reject(entry, Reason::never_matches, std::move(*why));
  if (std::optional<Rejected> rejected = unsupported(entry, options))
    return std::move(*rejected);
  // A chain that is entered and returned from cannot hand a packet back to the caller's caller.
  const bool flat =
      !entry.actions.discards() && (options.accept == Verdict::return_ || asks_alteration(entry));
  auto selected = select(entry.match, flat ? Shape::flat : Shape::flat_or_chain);
  if (auto* unsayable = std::get_if<Unsayable>(&selected))
    return reject(entry, Reason::not_enforceable, std::move(unsayable->why));

  Compiled compiled;
  auto& selection = std::get<Selection>(selected);
  Named named(entry, id, list);
  std::vector<Step> steps = steps_of(named, options, compiled.remarks);
  const bool established = entry.actions.discards() && options.stateful == Stateful::default_drop &&
                           is_default_policy(entry.match);
  if (established)
    compiled.rules.push_back(established_rule(options.accept));
  if (selection.needs_chain()) {
    add_chain(compiled, std::move(selection), std::move(steps), std::move(named), options);
    return compiled;
  }
  std::vector<Rule> rules =
      lead_to(std::move(steps), std::move(selection.enter), std::move(named), options, compiled.chains);
  if (established)
    std::move(rules.begin(), rules.end(), std::back_inserter(compiled.rules));
  else
    compiled.rules = std::move(rules);
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
  const std::string id = stable_id(entry.match);
  const Named named(entry, id);
  Target target = Verdict::return_;
  if (std::optional<Target> change = alteration(entry, kind, options)) {
    // A chain, since the altered packet may not meet the conditions a second time. Its end is the end of
    // ours.
    Chain chain{named.chain(options, kind == Alteration::dscp ? "d" : "r"), std::nullopt, {}};
    chain.rules.push_back(with_target({}, named.comment, std::move(*change)));
    target = Jump{chain.name, true};
    compiled.chains.push_back(std::move(chain));
  }
  compiled.rules = std::move(std::get<Selection>(selected).enter);
  for (Condition& condition : compiled.rules)
    finish(condition, named.comment, target);
  return compiled;
}

bool mangle_has_rules_for(const Entry& entry) {
  return flat_is_sayable(entry.match);
}

} // namespace flowspec
