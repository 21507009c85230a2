// SPDX-License-Identifier: GPL-2.0-or-later
//
// All entries together: the chains that the kernel should hold for them.
#pragma once

#include "common/shared_list.hpp"
#include "injector/compile.hpp"
#include "injector/frr_routes.hpp"
#include "injector/ownership.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace flowspec {

/// What one table of one family should hold of ours.
struct WantedTable {
  Family family = Family::ipv4;
  std::string table = "filter";
  std::vector<Chain> chains; ///< ours, whole
  std::vector<Hook> hooks;
};

struct Wanted {
  /// For each family table filter, and table mangle, which has no chains when no entry needs it.
  std::vector<WantedTable> tables;
  RouteCounts enforced;           ///< how many have rules
  SharedList<Entry> installed;    ///< they, in the order in which packets meet them, IPv4 first
  std::vector<Rejected> rejected; ///< entries that have no rules
  std::vector<Rejected> remarks;
  std::vector<Rejected> aside; ///< entries that are no segment's (Reason::no_segment)
};

/// So many entries of a family are compiled in two halves at once.
inline constexpr std::size_t compiled_in_halves = 4096;

/// The jumps to our chains that table filter should have, and, not wanted, those that other settings may have
/// left.
std::vector<Hook> filter_hooks(const CompileOptions& options);

/// Throws UsageError when chains of ours would have one name, or a longer one than the kernel takes, with
/// these segments; when a segment that is named there is none; when a parent chain is our own.
void check_segments(const CompileOptions& options);

/// `entries` in any order and all of `families`; no two with the same match. Table filter decides; in table
/// mangle redirects are marked before the routing decision (PREROUTING), and DSCP marks set behind the filter
/// (POSTROUTING), which so sees what arrived; both in the same order of first match. Requires options that
/// check_segments() lets pass.
Wanted arrange(std::vector<Entry> entries, std::span<const Family> families, const CompileOptions& options);

} // namespace flowspec
