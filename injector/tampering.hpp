// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether somebody else changed what is ours.
#pragma once

#include "injector/ownership.hpp"
#include "injector/pass_outcome.hpp"
#include "injector/state.hpp"
#include "injector/sync.hpp"

#include <set>
#include <string>
#include <vector>

namespace flowspec {

/// Our chains and the bare jumps to them from the parents of `hooks`, as 16 hexadecimal digits: different
/// when any of our rules is, or when a jump comes, goes, or is no longer the first rule of its chain.
std::string digest(const Ruleset& ruleset, const std::vector<Hook>& hooks, const Ownership& ours);

/// How a pass left this table, as far as `state` knows; else null.
const TableMark* mark_of(const Ruleset& table, const State& state);
/// In the place of the mark that there is of it.
void set_mark(const Ruleset& table, std::vector<std::string> digests, State& state);

/// What happened to a table since a pass left it as one of `mark.digests` says: nothing when it is as it was.
/// `changes` are what this pass has to do, for `hooks`.
std::vector<Tampering> tampering(const Changes& changes, const std::vector<Hook>& hooks,
                                 const Ownership& ours, const TableMark& mark);

/// The ids of the entries that have rules among ours.
std::set<std::string> installed_ids(const Ruleset& ruleset, const Ownership& ours);

} // namespace flowspec
