// SPDX-License-Identifier: GPL-2.0-or-later
//
// BGP sessions between one look at FRR and the next: FRR drops all routes of one that ends.
#pragma once

#include "injector/frr_source.hpp"
#include "injector/state.hpp"

#include <set>
#include <string>
#include <vector>

namespace flowspec {

/// The peers of `known` that had a session end since `polled`, when their routes were last read, or so
/// shortly before that FRR may not have dropped all of its routes by then. Peers that are no longer in FRR's
/// configuration had theirs end.
std::set<std::string> ended_sessions(const std::vector<KnownPeer>& known, Instant polled, const Shown& shown);

/// Nobody can have announced anything after `known` was learnt that FRR does not show now: each peer has said
/// all, or is away with as many sessions behind it as it had then.
bool nobody_was_missed(const std::vector<KnownPeer>& known, const Shown& shown);

/// What is to be known of the peers next time: those that are shown, and those that are not any more as long
/// as one of `held` waits for them. `now` is when `shown` had been read.
std::vector<KnownPeer> next_peers(const std::vector<KnownPeer>& known, const Shown& shown,
                                  const std::vector<HeldRoute>& held, Instant now);

} // namespace flowspec
