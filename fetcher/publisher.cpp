// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/publisher.hpp"

#include "common/error.hpp"
#include "common/rule_text.hpp"
#include "fetcher/box_components.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flowspec {

namespace {

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

/// Bytes a second that the kernel lets through. It counts in units of 16 bytes, and `average` is what each of
/// them costs of the 2^32 that a second gives.
double rate_of(const HashlimitMatch& limit) {
  constexpr double bytes_a_second_at_cost_one = 16.0 * 4294967296.0;
  return std::round(bytes_a_second_at_cost_one / static_cast<double>(limit.average));
}

bool only_known(const Box& packets) {
  return (packets.states & ~connection::known) == 0;
}

/// True when the states are all that the box asks for.
bool only_states(Box packets) {
  packets.states = connection::every;
  return is_every_packet(packets);
}

} // namespace

Publisher::Publisher(const Ruleset& ruleset, const Chain& base, const RuleName& rule_name,
                     const PublishOptions& options)
    : ruleset_(ruleset), base_(base), rule_name_(rule_name), options_(options), targets_(options.interfaces) {
  result_.rules.reserve(base.rules.size());
}

Publisher::Result Publisher::finish() {
  explain_known_connections();
  find_contradicted_accepts();
  for (auto& [index, notes] : skipped_)
    if (RuleReport& rule = result_.rules[index]; rule.grade == Grade::not_needed)
      std::ranges::move(notes, std::back_inserter(rule.notes));
  report_rules_never_reached();
  return std::move(result_);
}

void Publisher::visit(const Visit& visit) {
  auto& of_chain = reports_[visit.chain];
  of_chain.resize(visit.chain->rules.size(), 0);
  if (of_chain[visit.index] != 0)
    return;
  result_.rules.push_back({visit.chain->name, visit.index, "", Grade::not_needed, 0, Gap::none, {}});
  of_chain[visit.index] = result_.rules.size();
}

std::size_t Publisher::report_index(const Visit& visit) const {
  return reports_.at(visit.chain)[visit.index] - 1;
}

RuleReport& Publisher::report(const Visit& visit) {
  return result_.rules[report_index(visit)];
}

/// The worst that can be said of it over all visits.
void Publisher::raise(const Visit& visit, Grade grade) {
  const auto rank = [](Grade g) { return g == Grade::not_needed ? 0 : static_cast<int>(g) + 1; };
  RuleReport& rule = report(visit);
  if (rank(grade) > rank(rule.grade))
    rule.grade = grade;
}

void Publisher::remark(const Visit& visit, Reason reason, std::string detail) {
  auto& notes = report(visit).notes;
  Note note{reason, std::move(detail)};
  if (std::ranges::find(notes, note) == notes.end())
    notes.push_back(std::move(note));
}

void Publisher::refuse(const Visit& visit, const std::string& why, Gap gap) {
  RuleReport& rule = report(visit);
  rule.gap = rule.gap == Gap::none || rule.gap == gap ? gap : Gap::unclear;
  raise(visit, Grade::unsupported);
  remark(visit, Reason::unsupported_rule, fmt::format("{}; {}", why, consequence(gap)));
}

void Publisher::pass(const Visit& visit) {
  raise(visit, Grade::exact);
}

void Publisher::skip(const Visit& visit, Reason reason, std::string why) {
  auto& notes = skipped_[report_index(visit)];
  Note note{reason, std::move(why)};
  if (std::ranges::find(notes, note) == notes.end())
    notes.push_back(std::move(note));
}

/// Those of `packets` that rules before this one leave to it; when that is none, it is said why.
std::vector<const Box*> Publisher::undecided(const Visit& visit, std::span<const Box> packets) {
  std::vector<const Box*> left;
  std::optional<std::size_t> by;
  bool one = true;
  for (const Box& box : packets) {
    const auto cover = decided_.cover(box);
    if (!cover) {
      left.push_back(&box);
      continue;
    }
    one = one && cover->by && (!by || by == cover->by);
    by = cover->by;
  }
  if (!left.empty())
    return left;
  if (one && by) {
    const RuleReport& before = result_.rules[*by];
    skip(visit, Reason::not_published,
         fmt::format("{} {} decides its packets before it", before.chain, before.index + 1));
  } else {
    skip(visit, Reason::not_published, "rules before it decide all of its packets");
  }
  return left;
}

void Publisher::leave_out(const Visit& visit, std::span<const Box> among, std::string why, Gap gap) {
  if (!undecided(visit, among).empty())
    refuse(visit, why, gap);
}

void Publisher::limit(const Visit& visit, std::span<const Box> packets, const HashlimitMatch& limit) {
  if (undecided(visit, packets).empty())
    return;
  if (components_of(packets.front()).size() != 1) {
    refuse(visit, "its packets take several routes, which cannot share a rate limit", Gap::hole);
    return;
  }
  Actions actions;
  actions.rate = rate_of(limit);
  const std::size_t before = result_.pieces.size();
  publish(visit, packets.front(), actions);
  if (result_.pieces.size() != before)
    remark(
        visit, Reason::published_as,
        fmt::format("a rate of {} B/s, with the injector's burst; the rules behind it accept what is below",
                    *actions.rate));
}

void Publisher::decide(const Visit& visit, std::span<const Box> packets, Verdict verdict) {
  const std::vector<const Box*> left = undecided(visit, packets);
  if (left.empty())
    return;
  const bool discards = verdict == Verdict::drop;
  // A rule that discards all that is left, behind one that accepts known connections, is a policy in all but
  // name. Only as the default policy does it let known connections pass at the other end too.
  if (discards && known_connections_pass_ &&
      std::ranges::any_of(left, [](const Box* box) { return is_every_packet(*box); })) {
    raise(visit, Grade::stateful);
    remark(visit, Reason::published_as, "discard, as the default policy: nothing below it is reached");
    closed_by_ = visit;
    result_.closing_rule = fmt::format("{}: {}", place(visit), to_string(visit.rule(), ruleset_.family));
    return;
  }
  Actions actions;
  if (discards)
    actions.rate = 0;
  const std::size_t before = result_.pieces.size();
  for (const Box* box : left) {
    if (!discards && only_known(*box))
      pass_known_connections(visit, *box);
    else
      publish(visit, *box, actions);
    if (result_.pieces.size() > options_.max_routes)
      throw Error(
          fmt::format("{}: the rules up to this one take more than {} routes; --max-routes allows more",
                      rule_name_(visit.chain->name, visit.index), options_.max_routes));
  }
  const Rule rule = visit.rule();
  if (const auto* reject = std::get_if<RejectTarget>(&rule.target); reject && result_.pieces.size() > before)
    remark(visit, Reason::published_as, fmt::format("discard: no {} is sent", reject->with));
}

/// Why `packets` cannot go without their states; empty when they can.
std::string Publisher::why_states_matter(const Box& packets, bool limits) const {
  const ConnectionStates fresh = packets.states & connection::fresh;
  if (fresh == 0)
    return "a connection's state has no flowspec component";
  if (fresh != connection::fresh)
    return "whether an address was translated has no flowspec component";
  if (limits && packets.states != connection::every && !options_.stateful_always)
    return "without its state it would drop known connections too, unless the injectors run with --stateful "
           "always (say so here as well)";
  return {};
}

bool Publisher::can_name(const Box& packets) const {
  std::string why;
  return targets_.route_target(packets, why).has_value();
}

void Publisher::publish(const Visit& visit, const Box& packets, const Actions& actions) {
  const bool limits = actions.rate.has_value(); // or discards
  const Gap gap = limits ? Gap::hole : Gap::door;
  if (const std::string why = why_states_matter(packets, limits); !why.empty()) {
    refuse(visit, why, gap);
    return;
  }
  std::string why;
  const auto target = targets_.claim(packets, why);
  if (!target) {
    refuse(visit, why, gap);
    return;
  }
  raise(visit, Grade::exact);
  if (packets.states != connection::every) {
    raise(visit, Grade::stateful);
    remark(visit, Reason::published_as,
           "without the connection's state: the same for new connections, and for known ones by the "
           "injector's own rule; packets of no connection are taken in too");
  }
  if (limits) {
    const bool cut = cuts_known_connections(packets);
    if (options_.stateful_always ? !every_known_connection_passes_ : cut)
      raise(visit, Grade::stateful);
  }
  result_.pieces.push_back({packets, actions, *target, visit.number, report_index(visit),
                            place(visit) + ": " + to_string(visit.rule(), ruleset_.family)});
  decided_.add(result_.pieces.back().packets, report_index(visit));
}

/// True when a rule before accepts some of these packets in known connections: a route has no such exception.
bool Publisher::cuts_known_connections(const Box& packets) {
  bool some = false;
  Box of_any_state = packets;
  of_any_state.states = connection::every;
  for (Known& known : known_)
    if (!disjoint(known.packets, of_any_state))
      some = known.cut = true;
  return some;
}

/// An accept of packets of known connections needs no route: the injector has such a rule. One with the state
/// ESTABLISHED for every packet is that rule.
void Publisher::pass_known_connections(const Visit& visit, const Box& packets) {
  known_.push_back({packets, report_index(visit)});
  decided_.add(known_.back().packets, report_index(visit));
  raise(visit, Grade::exact);
  if (!only_states(packets) || (packets.states & connection::established) != connection::established)
    return;
  known_connections_pass_ = true;
  every_known_connection_passes_ =
      every_known_connection_passes_ || (packets.states & connection::known) == connection::known;
}

void Publisher::explain_known_connections() {
  const bool closed = base_.policy == Verdict::drop || result_.closing_rule;
  for (const Known& known : known_) {
    std::string text = "the default policy accepts, so that known connections need no rule before it";
    if (closed) {
      text = "the injector's own rule for known connections stands for it, before the default policy";
      if (!only_states(known.packets))
        text += ", and lets all of them pass, not only these";
      else if ((known.packets.states & connection::known) != connection::known)
        text += ", and lets ESTABLISHED and RELATED ones pass";
    }
    if (known.cut)
      text += options_.stateful_always
                  ? "; --stateful always: before the drops below too"
                  : "; the drops below cut such connections there, unless it runs with --stateful always";
    RuleReport& rule = result_.rules[known.rule];
    if ((closed || known.cut) && rule.grade == Grade::exact)
      rule.grade = Grade::stateful;
    Note note{Reason::not_published, std::move(text)};
    if (std::ranges::find(rule.notes, note) == rule.notes.end())
      rule.notes.push_back(std::move(note));
  }
}

/// Who enforces routes for one interface does not know those for another. A packet that comes in by the one
/// and leaves by the other is accepted by a route for the first, and then meets the drops that are for the
/// second or for everybody.
void Publisher::find_contradicted_accepts() {
  const bool closed = base_.policy == Verdict::drop || result_.closing_rule;
  for (std::size_t at = 0; at < result_.pieces.size(); ++at) {
    const Piece& accept = result_.pieces[at];
    if (accept.actions.discards() || accept.route_target.empty() ||
        !targets_.shares_packets(accept.route_target))
      continue;
    const auto contradicts = [&](const Piece& later) {
      return later.actions.rate && !disjoint(later.packets, accept.packets) &&
             (later.route_target.empty() || targets_.share_packets(accept.route_target, later.route_target));
    };
    const auto behind = result_.pieces.begin() + static_cast<std::ptrdiff_t>(at) + 1;
    const auto found = std::find_if(behind, result_.pieces.end(), contradicts);
    if (found == result_.pieces.end() && !closed)
      continue;
    RuleReport& rule = result_.rules[accept.rule];
    rule.gap = rule.gap == Gap::none || rule.gap == Gap::door ? Gap::door : Gap::unclear;
    rule.grade = Grade::unsupported;
    Note note{Reason::unsupported_rule,
              fmt::format("its packets may be another interface's too, whose routes drop them: {}",
                          found == result_.pieces.end() ? "the default policy" : found->origin)};
    if (std::ranges::find(rule.notes, note) == rule.notes.end())
      rule.notes.push_back(std::move(note));
  }
}

/// Rules of chains that were walked, to which no packet came on any way.
void Publisher::report_rules_never_reached() {
  for (const Chain& chain : ruleset_.chains) {
    const auto found = reports_.find(&chain);
    if (found == reports_.end())
      continue;
    for (std::size_t index = 0; index < chain.rules.size(); ++index) {
      if (found->second[index] != 0)
        continue;
      std::string why = &chain == &base_ && closed_by_
                            ? fmt::format("{} decides every packet before it", place(*closed_by_))
                            : fmt::format("the rules before it in chain {} leave it no packet", chain.name);
      result_.rules.push_back({chain.name,
                               index,
                               "",
                               Grade::not_needed,
                               0,
                               Gap::none,
                               {{Reason::not_published, std::move(why)}}});
    }
  }
}

} // namespace flowspec
