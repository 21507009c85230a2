// SPDX-License-Identifier: GPL-2.0-or-later
//
// One pass over one table of the kernel. Level-triggered: the table is read again each time, and nothing is
// remembered.
#pragma once

#include "common/edit.hpp"
#include "injector/ownership.hpp"

#include <cstddef>
#include <functional>
#include <string>
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
  bool planned_anew = false; ///< the table was another by the time of the commit

  std::size_t added() const;   ///< rules
  std::size_t removed() const; ///< rules
};

/// "filter", "IPv6 mangle".
std::string title(const Ruleset& ruleset);

/// What has to change for our chains and hooks to be these.
Changes plan(const Ruleset& current, const std::vector<Chain>& chains, const std::vector<Hook>& hooks,
             const Ownership& ours);

/// Makes it so, in one commit, or in none when nothing has to change. Tries again when the table changed in
/// between. Throws Error; then the kernel has what it had.
Changes sync(const TableOpener& open, const std::vector<Chain>& chains, const std::vector<Hook>& hooks,
             const Ownership& ours);

/// A table of the kernel, and what should be ours in it.
struct TableGoal {
  TableOpener open;
  std::vector<Chain> chains;
  std::vector<Hook> hooks;
  /// Of an OpenTable that was opened to plan what is to be committed; none: it is opened again.
  std::function<void(const std::vector<Edit>&)> commit = nullptr;
};

/// Commits what was planned for each of `goals`, a commit each: netfilter has none for several tables. A
/// table that is not open is read again before it is changed. Throws Error; the message says which tables had
/// been changed by then.
std::vector<Changes> commit_all(const std::vector<TableGoal>& goals, std::vector<Changes> planned,
                                const Ownership& ours);

/// Plans and commits. All are read before the first is changed, so that what cannot be read is found out
/// while nothing has happened.
std::vector<Changes> sync_all(const std::vector<TableGoal>& goals, const Ownership& ours);

} // namespace flowspec
