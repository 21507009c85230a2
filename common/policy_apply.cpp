// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy.hpp"
#include "common/policy_words.hpp"

#include <algorithm>
#include <span>

namespace flowspec {

namespace {

bool holds(const PrefixTest& test, const std::optional<Prefix>& component, Family family) {
  const Prefix prefix = component.value_or(Prefix::any(family));
  return (!test.shortest || prefix.length >= *test.shortest) &&
         (!test.longest || prefix.length <= *test.longest) &&
         (!test.within || test.within->contains(prefix)) &&
         (!test.overlapping || test.overlapping->overlaps(prefix));
}

bool is_within(std::span<const Interval> inner, const ValueSet& outer) {
  // The intervals of a set do not touch, so that one of the inner is within one of the outer or not at all.
  return std::all_of(inner.begin(), inner.end(), [&outer](const Interval& interval) {
    return std::any_of(outer.intervals().begin(), outer.intervals().end(), [&](const Interval& other) {
      return other.first <= interval.first && interval.last <= other.last;
    });
  });
}

bool overlap(std::span<const Interval> some, const ValueSet& others) {
  return std::any_of(some.begin(), some.end(), [&others](const Interval& interval) {
    return std::any_of(others.intervals().begin(), others.intervals().end(), [&](const Interval& other) {
      return other.first <= interval.last && interval.first <= other.last;
    });
  });
}

bool is_full(const ValueSet& set) {
  return set.intervals().size() == 1 && set.intervals().front() == Interval{0, set.max()};
}

bool holds(const ValueTest& test, const std::optional<ValueSet>& component) {
  if (component)
    return (!test.within || is_within(component->intervals(), *test.within)) &&
           (!test.overlapping || overlap(component->intervals(), *test.overlapping));
  return (!test.within || is_full(*test.within)) && (!test.overlapping || !test.overlapping->empty());
}

bool holds(ActionKind kind, const Actions& actions) {
  switch (kind) {
  case ActionKind::accept:
    return !actions.rate;
  case ActionKind::discard:
    return actions.discards();
  case ActionKind::rate:
    return actions.rate && !actions.discards();
  case ActionKind::sample:
    return actions.sample;
  case ActionKind::dscp:
    return actions.dscp_mark.has_value();
  case ActionKind::redirect:
    return actions.redirect.has_value();
  case ActionKind::unknown:
    return !actions.unknown.empty();
  }
  return false;
}

std::bitset<14> components_of(const Components& match) {
  std::bitset<14> result;
  result[1] = match.destination.has_value();
  result[2] = match.source.has_value();
  result[3] = match.protocol.has_value();
  result[4] = match.port.has_value();
  result[5] = match.destination_port.has_value();
  result[6] = match.source_port.has_value();
  result[7] = match.icmp_type.has_value();
  result[8] = match.icmp_code.has_value();
  result[9] = match.tcp_flags.has_value();
  result[10] = match.packet_length.has_value();
  result[11] = match.dscp.has_value();
  result[12] = match.fragment.has_value();
  result[13] = match.flow_label.has_value();
  return result;
}

bool match_actions(const TermMatch& match, const Actions& actions) {
  if (match.rate_above && !(actions.rate && *actions.rate > *match.rate_above))
    return false;
  if (match.rate_below && !(actions.rate && *actions.rate < *match.rate_below))
    return false;
  return std::all_of(match.actions.begin(), match.actions.end(),
                     [&actions](ActionKind kind) { return holds(kind, actions); });
}

bool match_sequence(const TermMatch& match, const std::optional<std::uint64_t>& sequence) {
  if (match.has_sequence && *match.has_sequence != sequence.has_value())
    return false;
  return (!match.first_sequence || (sequence && *sequence >= *match.first_sequence)) &&
         (!match.last_sequence || (sequence && *sequence <= *match.last_sequence));
}

bool match_components(const TermMatch& match, const Components& components) {
  if (match.present.any() || match.absent.any()) {
    const std::bitset<14> there = components_of(components);
    if ((there & match.present) != match.present || (there & match.absent).any())
      return false;
  }
  return (!match.destination || holds(*match.destination, components.destination, components.family)) &&
         (!match.source || holds(*match.source, components.source, components.family)) &&
         (!match.protocol || holds(*match.protocol, components.protocol)) &&
         (!match.port || holds(*match.port, components.port)) &&
         (!match.destination_port || holds(*match.destination_port, components.destination_port)) &&
         (!match.source_port || holds(*match.source_port, components.source_port));
}

/// Nothing is asked, or one of these is there.
bool share_text(const std::vector<std::string>& asked, const TextList& there) {
  return asked.empty() ||
         std::find_first_of(there.begin(), there.end(), asked.begin(), asked.end()) != there.end();
}

void change_entry(const TermChange& change, Entry& entry) {
  Actions& actions = entry.actions;
  if (change.delete_rate)
    actions.rate.reset();
  if (change.delete_dscp)
    actions.dscp_mark.reset();
  if (change.delete_redirect)
    actions.redirect.reset();
  if (change.delete_sample)
    actions.sample = false;
  if (change.delete_sequence)
    entry.sequence.reset();
  if (change.delete_unknown)
    actions.unknown.clear();
  if (change.rate)
    actions.rate = change.rate;
  if (change.dscp)
    actions.dscp_mark = change.dscp;
  if (change.redirect)
    actions.redirect = change.redirect;
  if (change.sequence)
    entry.sequence = change.sequence;
  if (change.sample)
    actions.sample = true;
}

} // namespace

bool matches(const TermMatch& match, const Entry& entry) {
  return (!match.family || *match.family == entry.match.family) && match_actions(match, entry.actions) &&
         match_sequence(match, entry.sequence) && match_components(match, entry.match) &&
         share_text(match.route_targets, entry.route_targets) &&
         share_text(match.communities, entry.communities);
}

PolicyVerdict apply(const Policy& policy, Entry& entry, const TermSeen& seen) {
  for (std::size_t index = 0; index < policy.terms.size(); ++index) {
    const Term& term = policy.terms[index];
    if (!matches(term.match, entry))
      continue;
    if (term.then != Term::Then::change) {
      const bool accepted = term.then == Term::Then::accept;
      if (seen)
        seen(index, accepted ? "accepted" : "rejected");
      return {accepted, index};
    }
    if (!seen) {
      change_entry(term.change, entry);
      continue;
    }
    const Actions actions = entry.actions;
    const std::optional<std::uint64_t> sequence = entry.sequence;
    change_entry(term.change, entry);
    seen(index, changed_words({actions, sequence}, {entry.actions, entry.sequence}));
  }
  return {policy.accept_by_default, std::nullopt};
}

} // namespace flowspec
