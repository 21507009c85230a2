// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/property/policy_reference.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace flowspec::test {

namespace {

bool is_any_of(const std::vector<std::string>& asked, const TextList& there) {
  return std::any_of(asked.begin(), asked.end(), [&](const std::string& text) {
    return std::count(there.begin(), there.end(), text) > 0;
  });
}

bool holds_plainly(const PrefixTest& test, const std::optional<Prefix>& component, Family family) {
  const Prefix prefix = component ? *component : Prefix::any(family);
  if (test.within && !test.within->contains(prefix))
    return false;
  if (test.overlapping && !test.overlapping->overlaps(prefix))
    return false;
  if (test.shortest && prefix.length < *test.shortest)
    return false;
  return !test.longest || prefix.length <= *test.longest;
}

bool holds_plainly(const ValueTest& test, const std::optional<ValueSet>& component, std::uint32_t max) {
  const ValueSet values = component ? *component : ValueSet::all(max);
  if (test.within && !(values & test.within->complement()).empty())
    return false;
  return !test.overlapping || !(values & *test.overlapping).empty();
}

bool is_there(const Components& match, std::size_t component) {
  const bool there[] = {false,
                        match.destination.has_value(),
                        match.source.has_value(),
                        match.protocol.has_value(),
                        match.port.has_value(),
                        match.destination_port.has_value(),
                        match.source_port.has_value(),
                        match.icmp_type.has_value(),
                        match.icmp_code.has_value(),
                        match.tcp_flags.has_value(),
                        match.packet_length.has_value(),
                        match.dscp.has_value(),
                        match.fragment.has_value(),
                        match.flow_label.has_value()};
  return there[component];
}

bool has_action(const Actions& actions, ActionKind kind) {
  std::set<ActionKind> kinds;
  kinds.insert(!actions.rate       ? ActionKind::accept
               : *actions.rate > 0 ? ActionKind::rate
                                   : ActionKind::discard);
  if (actions.sample)
    kinds.insert(ActionKind::sample);
  if (actions.dscp_mark)
    kinds.insert(ActionKind::dscp);
  if (actions.redirect)
    kinds.insert(ActionKind::redirect);
  if (!actions.unknown.empty())
    kinds.insert(ActionKind::unknown);
  return kinds.contains(kind);
}

bool matches_plainly(const TermMatch& match, const Entry& entry) {
  const Components& components = entry.match;
  std::vector<bool> conditions;
  if (match.family)
    conditions.push_back(components.family == *match.family);
  if (match.destination)
    conditions.push_back(holds_plainly(*match.destination, components.destination, components.family));
  if (match.source)
    conditions.push_back(holds_plainly(*match.source, components.source, components.family));
  for (std::size_t component = 1; component <= 13; ++component) {
    if (match.present[component])
      conditions.push_back(is_there(components, component));
    if (match.absent[component])
      conditions.push_back(!is_there(components, component));
  }
  if (match.protocol)
    conditions.push_back(holds_plainly(*match.protocol, components.protocol, domain::protocol));
  if (match.port)
    conditions.push_back(holds_plainly(*match.port, components.port, domain::port));
  if (match.destination_port)
    conditions.push_back(holds_plainly(*match.destination_port, components.destination_port, domain::port));
  if (match.source_port)
    conditions.push_back(holds_plainly(*match.source_port, components.source_port, domain::port));
  for (const ActionKind kind : match.actions)
    conditions.push_back(has_action(entry.actions, kind));
  if (match.rate_above)
    conditions.push_back(entry.actions.rate.value_or(-1) > *match.rate_above);
  if (match.rate_below)
    conditions.push_back(entry.actions.rate.has_value() && *entry.actions.rate < *match.rate_below);
  if (!match.route_targets.empty())
    conditions.push_back(is_any_of(match.route_targets, entry.route_targets));
  if (!match.communities.empty())
    conditions.push_back(is_any_of(match.communities, entry.communities));
  if (match.first_sequence)
    conditions.push_back(entry.sequence && *entry.sequence >= *match.first_sequence);
  if (match.last_sequence)
    conditions.push_back(entry.sequence && *entry.sequence <= *match.last_sequence);
  if (match.has_sequence)
    conditions.push_back(entry.sequence.has_value() == *match.has_sequence);
  return std::count(conditions.begin(), conditions.end(), false) == 0;
}

Entry changed_plainly(const TermChange& change, Entry entry) {
  Actions& actions = entry.actions;
  if (change.delete_rate || change.rate)
    actions.rate = change.rate;
  if (change.delete_dscp || change.dscp)
    actions.dscp_mark = change.dscp;
  if (change.delete_redirect || change.redirect)
    actions.redirect = change.redirect;
  if (change.delete_sequence || change.sequence)
    entry.sequence = change.sequence;
  if (change.delete_sample || change.sample)
    actions.sample = change.sample;
  if (change.delete_unknown)
    actions.unknown = {};
  return entry;
}

} // namespace

Outcome applied_plainly(const Policy& policy, Entry entry) {
  std::set<std::size_t> matched;
  for (std::size_t index = 0; index < policy.terms.size(); ++index) {
    const Term& term = policy.terms[index];
    if (!matches_plainly(term.match, entry))
      continue;
    matched.insert(index);
    if (term.then != Term::Then::change)
      return {entry, term.then == Term::Then::accept, index, matched};
    entry = changed_plainly(term.change, entry);
  }
  return {entry, policy.accept_by_default, std::nullopt, matched};
}

} // namespace flowspec::test
