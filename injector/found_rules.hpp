// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules in our chains as the kernel has them, by the entry that they belong to.
#pragma once

#include "injector/ownership.hpp"
#include "injector/wanted.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace flowspec {

/// Where a rule stands in a Ruleset.
struct RulePlace {
  std::size_t chain = 0;
  std::size_t rule = 0;

  bool operator==(const RulePlace&) const = default;
};

/// All rules of one entry, or one rule that is no entry's.
struct FoundRules {
  std::string id; ///< empty: no entry's
  std::optional<std::uint64_t> sequence;
  std::vector<RulePlace> places;

  bool operator==(const FoundRules&) const = default;
};

/// In the order in which packets meet them: by the first rule of each in our first chain, then in those of
/// segments, then in the others, each with its tree. Rules that stand for all entries (common_rule) are not
/// among them.
std::vector<FoundRules> found_rules(const Ruleset& filter, const Ownership& ours);

/// The ids of the entries whose rules in some chain of `wanted` are others in `current`, or in another order;
/// what other entries have between them does not matter.
std::unordered_set<std::string> changed_entries(const WantedTable& wanted, const Ruleset& current);

} // namespace flowspec
