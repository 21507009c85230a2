// SPDX-License-Identifier: GPL-2.0-or-later
//
// Table mangle: what entries do to packets that the filter lets through. Before routing (PREROUTING, where
// marks for redirects are set) nobody knows by which interface a packet will leave; behind the filter
// (POSTROUTING, where DSCP is set) rules cannot ask by which it came.
#pragma once

#include "injector/entry_lists.hpp"

#include <string>
#include <vector>

namespace flowspec {

/// For each list (layout.hpp), why its packets cannot be altered in such a way without others being altered
/// too; empty where they can.
std::vector<std::string> why_not_altered(Alteration kind, const CompileOptions& options);

/// The chains of one kind of alteration, by first match like the filter's, that which the hook jumps to
/// first; none when nobody asks for it. Requires of each entry that asks for it that its lists can be
/// altered, and of those that stand before it in one of them and do not discard that rules of table mangle
/// can say them.
std::vector<Chain> alteration_chains(const EntryLists& lists, Alteration kind, Family family,
                                     const CompileOptions& options);

} // namespace flowspec
