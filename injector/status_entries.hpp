// SPDX-License-Identifier: GPL-2.0-or-later
//
// The part of a status that is about single entries.
#pragma once

#include "injector/status.hpp"

#include <vector>

namespace flowspec {

/// How long before `now` something was; not negative, whatever clock it was taken from.
std::chrono::seconds since(Instant then, Instant now);

/// The entries of `family`, in the order in which packets meet them in table filter; one that has no rules
/// there stands behind the one that it should stand behind. `filter` is none when nobody uses that table,
/// else `hits` are those of it.
std::vector<StatusEntry> status_entries(Family family, const StatusInput& input, const TableNow* filter,
                                        const Hits& hits);

} // namespace flowspec
