// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether this network filters by nf_tables, which libiptc does not see.
#pragma once

#include "common/family.hpp"

namespace flowspec {

/// True when nf_tables hold a rule for packets of `family` in this network namespace, or a chain whose policy
/// drops, in a table of that family or of inet, whoever made it. A kernel without nf_tables holds none.
/// Throws Error when it does not tell.
bool nf_tables_hold_rules(Family family);

} // namespace flowspec
