// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables would do with a packet: a plain walk over a Ruleset, in the kernel's own semantics of each
// match.
#pragma once

#include "common/counters.hpp"
#include "common/entry.hpp"
#include "common/packet.hpp"
#include "common/ruleset.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace flowspec {

/// Where a packet left the chain it was given to.
struct Evaluation {
  enum class What { accept, drop, returned };
  What what = What::returned;
  std::shared_ptr<const Rule> rule; ///< the rule with the verdict, or none
  bool limited = false; ///< a rate limit stood before the verdict: above it the packet would be dropped
  /// Dropped by no verdict: a match could not look at what it is about. `what` is drop, `rule` none.
  bool unreadable = false;
  std::optional<std::uint8_t> dscp_mark; ///< what -j DSCP wrote last
  std::optional<std::uint32_t> mark;     ///< what -j MARK left; 0 before the first
  bool sampled = false;                  ///< -j NFLOG took a copy
  std::set<std::string> buckets;         ///< that were charged
  bool charged_twice = false;            ///< one of them was more than once

  bool operator==(const Evaluation&) const = default;
};

/// What a Packet does not say of itself, and who wants to know more of its way.
struct Walk {
  bool over_rate = false; ///< every rate limit is exceeded; else none is
  /// When given: of each rule of the ruleset, as KernelTable::counters has them; what the packet meets is
  /// added.
  std::vector<ChainCounters>* counters = nullptr;
};

/// Sends `packet` through `chain`. The ECN bits, which a Packet does not have, are taken as 0; and its
/// connection, when it has one, as not translated. Throws std::logic_error for a match or target that it does
/// not model, a chain that is missing, or a walk that does not end.
Evaluation evaluate(const Ruleset& ruleset, const std::string& chain, const Packet& packet,
                    const Walk& walk = {});

/// Nothing counted yet.
std::vector<ChainCounters> no_counters(const Ruleset& ruleset);

} // namespace flowspec
