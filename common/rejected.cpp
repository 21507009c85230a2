// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rejected.hpp"

#include <fmt/format.h>

namespace flowspec {

std::string_view name(Reason reason) {
  switch (reason) {
  case Reason::empty_match:
    return "empty-match";
  case Reason::ambiguous_operators:
    return "ambiguous-operators";
  case Reason::value_out_of_range:
    return "value-out-of-range";
  case Reason::unsupported_component:
    return "unsupported-component";
  case Reason::unsupported_action:
    return "unsupported-action";
  case Reason::unreadable_action:
    return "unreadable-action";
  case Reason::no_redirect_target:
    return "no-redirect-target";
  case Reason::never_matches:
    return "never-matches";
  case Reason::not_enforceable:
    return "not-enforceable";
  case Reason::fragments_reassembled:
    return "fragments-reassembled";
  case Reason::ambiguous_sequence:
    return "ambiguous-sequence";
  case Reason::duplicate:
    return "duplicate";
  case Reason::rejected_by_policy:
    return "rejected-by-policy";
  case Reason::not_feasible:
    return "not-feasible";
  case Reason::not_local:
    return "not-local";
  case Reason::no_segment:
    return "no-segment";
  case Reason::unsupported_rule:
    return "unsupported-rule";
  case Reason::conflicting_paths:
    return "conflicting-paths";
  case Reason::conflicting_actions:
    return "conflicting-actions";
  case Reason::lost_route:
    return "lost-route";
  case Reason::hidden_action_bits:
    return "hidden-action-bits";
  case Reason::rate_rounded:
    return "rate-rounded";
  case Reason::published_as:
    return "published-as";
  case Reason::not_published:
    return "not-published";
  }
  return "unknown"; // only a value that no enumerator has gets here
}

std::string to_string(const Rejected& rejected) {
  return fmt::format("{}: {}: {}", rejected.subject, name(rejected.reason), rejected.detail);
}

} // namespace flowspec
