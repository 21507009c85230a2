// SPDX-License-Identifier: GPL-2.0-or-later
//
// All entries together: the chains that the kernel should hold for them.
#pragma once

#include "injector/compile.hpp"

#include <vector>

namespace flowspec {

struct Wanted {
  std::vector<Chain> chains;      ///< ours, whole: options.chain first, then those it goes to
  std::vector<Entry> installed;   ///< in the order in which packets meet them
  std::vector<Rejected> rejected; ///< entries that have no rules
  std::vector<Rejected> remarks;
};

/// `entries` in any order; no two with the same match.
Wanted arrange(std::vector<Entry> entries, const CompileOptions& options);

} // namespace flowspec
