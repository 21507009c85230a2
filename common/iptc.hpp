// SPDX-License-Identifier: GPL-2.0-or-later
//
// One table of the running kernel (iptables-legacy), to be changed: through libiptc. The only file that calls
// it.
#pragma once

#include "common/edit.hpp"
#include "common/error.hpp"
#include "common/ruleset.hpp"

#include <memory>
#include <string>
#include <vector>

namespace flowspec {

/// Somebody changed the table between our read and our commit: nothing was written, read again.
class TableChanged : public Error {
 public:
  using Error::Error;
};

/// A snapshot of one table, and the means to change the kernel's from there in one commit. Take an
/// XtablesLock around its life when it is going to commit.
class KernelTable {
 public:
  /// Reads `table` ("filter", "mangle") of `family`. Throws Error: no permission, no iptables-legacy in this
  /// kernel.
  KernelTable(Family family, const std::string& table);
  ~KernelTable();
  KernelTable(KernelTable&&) noexcept;
  KernelTable& operator=(KernelTable&&) noexcept;

  /// All chains and rules of the snapshot, as TableSnapshot reads them.
  Ruleset read() const;

  /// Carries out `edits` on the snapshot and commits it in one step; every rule that was not edited keeps its
  /// counters. With no edits there is no commit. Throws TableChanged or Error; then the kernel has what it
  /// had. The object is used up.
  void commit(const std::vector<Edit>& edits);

 private:
  struct Snapshot;
  std::unique_ptr<Snapshot> snapshot_;
};

} // namespace flowspec
