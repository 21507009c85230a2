// SPDX-License-Identifier: GPL-2.0-or-later
//
// One route in BIRD's words (2.0.8 and later).
#pragma once

#include "common/entry.hpp"
#include "common/sequence_carrier.hpp"

#include <string>

namespace flowspec {

/// The match: "flow4 { dst 10.0.0.0/8; proto 6; dport 80,443; }". Throws std::invalid_argument for what BIRD
/// has no words for: a component without values, a bit test of value 0 or beyond the component's bits, a
/// fragment test of several bits, the don't-fragment bit of IPv6, a flow label in IPv4.
std::string bird_match(const Components& match);

/// The extended communities for the actions, the route targets and the sequence number: statements, separated
/// by spaces. Throws Error when the number is larger than `carrier` holds, and std::invalid_argument for an
/// action that is not understood and for a DSCP mark beside a sequence number in the same community.
std::string bird_communities(const Entry& entry, const SequenceCarrier& carrier);

/// "route flow4 { ... } { ... };", without a line break.
std::string bird_route(const Entry& entry, const SequenceCarrier& carrier);

} // namespace flowspec
