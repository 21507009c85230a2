// SPDX-License-Identifier: GPL-2.0-or-later
//
// How many packets each entry decided: the kernel counts rules, and an entry may have many.
#pragma once

#include "common/counters.hpp"
#include "common/ruleset.hpp"
#include "injector/ownership.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flowspec {

/// What the comment of a rule says: whose it is.
struct RuleOwner {
  std::string_view id; ///< stable_id; it lives as long as the rule
  std::optional<std::uint64_t> sequence;

  bool operator==(const RuleOwner&) const = default;
};

/// None when no comment of `rule` is one that comment_of() writes.
std::optional<RuleOwner> owner_of(const Rule& rule);

/// Rules of ours that are no entry's.
enum class Common {
  tracked,  ///< lets packets of tracked connections pass
  protects, ///< hands back packets that none of the entries may touch
  leads,    ///< sends packets of a segment, a protected region or a prefix to the entries that they may meet
};
std::optional<Common> common_rule(const Rule& rule);

Counters& operator+=(Counters& sum, const Counters& more);

struct EntryHits {
  /// Every packet that met this entry first, once, whatever became of it; one that is judged by several
  /// segments, once by each.
  Counters decided;
  Counters dropped; ///< of those: discarded, or over the rate

  EntryHits& operator+=(const EntryHits& other);
  bool operator==(const EntryHits&) const = default;
};

struct Hits {
  /// By stable_id; every entry that has a rule there, if only a jump. What netfilter itself drops because a
  /// header cannot be read is nobody's: no rule counts it.
  std::unordered_map<std::string, EntryHits> entries;
  EntryHits others; ///< decided by rules in our chains that are no entry's
  Counters tracked; ///< passed as packets of tracked connections
  Counters spared;  ///< passed by all entries, since they are protected
};

/// What `rule` of chain `chain` decided, when it counted `counters`.
EntryHits hits_of(const Rule& rule, std::string_view chain, const Counters& counters);

/// Of table `filter` and KernelTable::counters of the same snapshot. Only our own chains count, whatever the
/// comments of other rules say. Throws std::invalid_argument when the two are not of one snapshot.
Hits entry_hits(const Ruleset& filter, const std::vector<ChainCounters>& counters, const Ownership& ours);

} // namespace flowspec
