// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which entries packets of a segment meet, by the route targets.
#pragma once

#include "injector/compile.hpp"

#include <cstddef>
#include <vector>

namespace flowspec {

/// The entries of one family that have rules, and the lists (layout.hpp) that they stand in.
struct EntryLists {
  std::vector<Entry> entries;                  ///< in the order in which packets meet them
  std::vector<std::vector<std::size_t>> lists; ///< by number: places in `entries`, ascending
};

/// The lists that `entry` belongs to, ascending: those of the segments that take it; when none does, those
/// that CompileOptions::untargeted says. Empty: it is for nobody here.
std::vector<std::size_t> lists_of(const Entry& entry, const CompileOptions& options);

/// Why it is for nobody.
Rejected no_segment(const Entry& entry);

} // namespace flowspec
