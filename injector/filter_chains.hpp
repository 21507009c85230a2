// SPDX-License-Identifier: GPL-2.0-or-later
//
// Table filter: the chains that others jump to, and the lists of entries behind them.
#pragma once

#include "injector/entry_lists.hpp"

#include <vector>

namespace flowspec {

/// All but those of single entries, CompileOptions::chain first. `rules` are those of each entry, by its
/// place.
std::vector<Chain> filter_chains(const EntryLists& lists, const EntryRules& rules, Family family,
                                 const CompileOptions& options);

/// `[-i X] [-o Y] -m comment --comment COMMENT`, and `target`.
Rule dispatch_rule(const std::string& in_interface, const std::string& out_interface,
                   const std::string& comment, Target target);

} // namespace flowspec
