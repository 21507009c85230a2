// SPDX-License-Identifier: GPL-2.0-or-later
//
// One pass over one table of the kernel. Level-triggered: the table is read again each time, and nothing is
// remembered.
#pragma once

#include "common/edit.hpp"
#include "injector/ownership.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace flowspec {

/// A table as it was when it was opened, and the means to change it from there. `commit` throws TableChanged
/// when somebody else was quicker.
struct OpenTable {
  Ruleset rules;
  std::function<void(const std::vector<Edit>&)> commit;
};

/// Reads the table; what has to be held while it is used is held by the `commit` that comes with it.
using TableOpener = std::function<OpenTable()>;

struct Changes {
  Ruleset before;
  Ruleset after;
  std::vector<Edit> edits;

  std::size_t added() const;   ///< rules
  std::size_t removed() const; ///< rules
};

/// What has to change for our chains to be `chains`.
Changes plan(const Ruleset& current, const std::vector<Chain>& chains, const Ownership& ours);

/// Makes it so, in one commit, or in none when nothing has to change. Tries again when the table changed in
/// between. Throws Error; then the kernel has what it had.
Changes sync(const TableOpener& open, const std::vector<Chain>& chains, const Ownership& ours);

} // namespace flowspec
