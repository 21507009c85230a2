// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a State is kept between passes.
#pragma once

#include "common/atomic_file.hpp"
#include "common/file_lock.hpp"
#include "injector/state.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace flowspec {

/// The state of one chain in one network namespace, each of which has a number: CHAIN@NUMBER.json in a
/// directory, and beside it CHAIN@NUMBER.FAMILY.routes, FRR's texts: what is shown, then what is held. Each
/// is replaced as a whole.
class StateFiles {
 public:
  StateFiles(std::string directory, const std::string& chain);

  /// Passes take turns: whoever owns the directory can, after root did too. What passes left that were killed
  /// is removed. Throws LockHeld or Error.
  std::unique_ptr<FileLock> lock(std::chrono::milliseconds wait) const;

  /// Empty when there is none. Throws Damaged, or Error when it cannot be read.
  State load() const;
  /// The texts of the routes of `state`. Throws Error.
  void load_texts(State& state) const;
  /// `texts`: those of the routes too. Throws Error.
  void save(const State& state, bool texts);
  /// Writes the texts of `state`, for the next save() of texts to put in place instead of those of its own
  /// state. Throws Error; then there are none for that.
  void stage_texts(const State& state);
  /// As if there had never been one. Gives the names of the files that went. Throws Error.
  std::vector<std::string> remove() const;

 private:
  std::string file(const std::string& suffix) const { return stem_ + suffix; }
  static std::string suffix(Family family);
  void make_directory() const;
  StagedFile staged(Family family, const FamilyMemory& memory) const;

  std::string directory_;
  Origin origin_;
  std::string stem_;
  std::map<Family, StagedFile> staged_;
};

} // namespace flowspec
