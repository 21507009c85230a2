// SPDX-License-Identifier: GPL-2.0-or-later
//
// A route or rule that could not be used, as data: shown, counted, never silently ignored.
#pragma once

#include <string>
#include <string_view>

namespace flowspec {

/// Why. The names are stable: they are JSON values and metric labels.
enum class Reason {
  // routes
  empty_match,           ///< FRR shows `{ }`, which it also prints for a route it could not read
  ambiguous_operators,   ///< the AND/OR bits that FRR hides matter
  value_out_of_range,    ///< outside what the component can hold
  unsupported_component, ///< not compiled to rules
  unsupported_action,    ///< not compiled to rules
  unreadable_action,     ///< FRR shows that there is one, but not what it says
  no_redirect_target,    ///< a redirect without a line in the configuration
  never_matches,         ///< legal, and no packet can match it
  not_enforceable,       ///< no rules say exactly this
  fragments_reassembled, ///< connection tracking puts fragments together before the rules see them
  ambiguous_sequence,    ///< several sequence numbers in one route
  duplicate,             ///< FRR shows the same match twice with different actions
  // routes that are left out because the configuration says so
  rejected_by_policy, ///< a term of the policy, or its default
  not_feasible,       ///< RFC 8955 section 6: the unicast routes do not support it
  not_local,          ///< no packet from or to this machine's own prefixes matches it
  no_segment,         ///< its route targets are no segment's
  // rules
  unsupported_rule, ///< no flowspec component says this
  // remarks: used, but worth a word
  conflicting_paths,   ///< several paths with different actions: the strictest rate was taken
  conflicting_actions, ///< several rates in one path: the strictest was taken
  lost_route,          ///< FRR received more routes than it shows
  hidden_action_bits,  ///< FRR does not show the bits of traffic-action; they cannot change this verdict
  rate_rounded,        ///< the kernel holds another rate than the one asked for
  published_as,        ///< published as something of the same effect
  not_published,       ///< needs no route of its own
};

std::string_view name(Reason reason);

struct Rejected {
  std::string subject; ///< the route's match, or the rule, in words
  Reason reason{};
  std::string detail; ///< for a person: what exactly

  bool operator==(const Rejected&) const = default;
};

/// "SUBJECT: reason-name: detail".
std::string to_string(const Rejected& rejected);

} // namespace flowspec
