// SPDX-License-Identifier: GPL-2.0-or-later
//
// The chain of a list of entries, with what packets that are protected meet of it.
#pragma once

#include "injector/compile.hpp"
#include "injector/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

namespace flowspec {

/// Packets that no entry may touch go back to the parent chain before any is looked at: those of
/// CompileOptions::protect, and of protections without rate_below.
std::vector<Rule> protecting_rules(Family family, const CompileOptions& options);

/// The values of rate_below among the protections of `family`, each once, the highest first.
std::vector<double> floors(Family family, const CompileOptions& options);

/// True when `entry` must not touch packets that are protected with this rate_below: it discards, or lets
/// less through.
bool harms(const Entry& entry, double rate_below);

/// False only when no packet is in both, as far as addresses tell.
bool may_overlap(const Protection& region, const Components& match);
bool disjoint(const std::optional<Prefix>& a, const std::optional<Prefix>& b);

/// Entries by number, in their order, as one walk through a table has them.
struct ListedEntries {
  const std::vector<Entry>& entries;
  /// Those of some entries that need rules when there are no others; in their order.
  std::function<std::vector<std::size_t>(std::vector<std::size_t>)> needed;
  std::function<std::size_t(std::size_t)> rule_count;
  std::function<void(std::size_t, RuleList&)> append_rules;
  const RuleList* every_rule = nullptr; ///< those of all entries, in their order, when they are at hand
  Walks walk = Walks::filter;
  std::unordered_set<std::uint64_t> tree_hashes = {}; ///< of the chains of trees that this walk has
};

/// Adds to `chains` the chain `head`, which may hold rules already, with those of the entries `list` behind
/// them, or the tree of them. In front of these, packets of a region with rate_below leave for a chain
/// region_chain() that holds only what may touch them, in the same order; or for the caller when that is
/// nothing. The strictest regions come first: what may touch their packets may touch those of the others.
void add_list(Chain head, const std::vector<std::size_t>& list, ListedEntries& all, Family family,
              const CompileOptions& options, std::vector<Chain>& chains);

} // namespace flowspec
