// SPDX-License-Identifier: GPL-2.0-or-later
//
// `--scope local`: a host carries the rules of its own prefixes and no others (the paper's further research).
#pragma once

#include "common/entry.hpp"
#include "common/prefix_set.hpp"
#include "common/rejected.hpp"

#include <vector>

namespace flowspec {

struct Relevant {
  std::vector<Entry> entries;  ///< in the order in which they came
  std::vector<Rejected> aside; ///< the others, Reason::not_local
};

/// A route belongs to the machines of its destination, and of its source when it gives one; without a
/// destination it is for packets to everybody, and so belongs to everybody. What every machine has part in,
/// link-local and multicast addresses among it, counts as `own`. Left out is what gives a destination and
/// belongs to others. The default policy always stays.
///
/// One more thing stays: what lets packets to others pass, whoever sends them, when an entry that stays
/// stands behind it and would not let those of this machine pass untouched: what is left out must not turn an
/// accept into a drop. So, with the machine's own prefixes as `own`,
///
/// 1. the same entry decides a packet to this machine as if all were there;
/// 2. a packet from this machine that all entries together accept is accepted;
/// 3. one that they discard is discarded, but for one thing: a route to others that gives no source, which is
///    for the machine at the other end to enforce.
///
/// Nothing is promised for packets between others, nor, in 2, for those with a header cut off, which any
/// entry discards that has to look into it. `entries` in any order, no two with the same match.
Relevant relevant(std::vector<Entry> entries, const PrefixSet& own);

} // namespace flowspec
