// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an entry's components ask of a packet, as iptables matches. Readable ones first; u32 for what they
// cannot say.
#pragma once

#include "common/entry.hpp"
#include "common/rule.hpp"

#include <vector>

namespace flowspec {

/// A rule without target: what has to hold.
using Condition = Rule;

/// A packet matches the components exactly when it meets one of the conditions. Requires an IPv4 match
/// without TCP flags, packet length, DSCP and fragment, for which there are no conditions yet, and one that
/// some packet can match.
std::vector<Condition> conditions_of(const Components& match);

} // namespace flowspec
