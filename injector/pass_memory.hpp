// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a pass knows of those before it, and what it leaves for the next: what of it goes to the disk when,
// and what becomes of it when the pass fails or the disk does not take it.
#pragma once

#include "injector/pass_outcome.hpp"
#include "injector/state.hpp"

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

/// The state on the disk.
struct StateAccess {
  /// Without its texts, or an empty one when there is none. Throws Damaged or another Error.
  std::function<State()> load;
  std::function<void(State&)> load_texts;
  std::function<void(const State&, bool texts)> save;
  /// Writes the texts of the state for the next save(..., true), which then needs them no more. May be called
  /// on another thread, while save(..., false) is on this one. Throws Error.
  std::function<void(const State&)> stage_texts;
};

/// What a process knows of its state beyond what the disk has.
struct OffDisk {
  std::map<std::string, std::uint64_t> missed; ///< passes that never began, by cause
  std::optional<State> unsaved;                ///< of the last pass, when the disk did not take it
  std::map<Family, Instant> saved; ///< FamilyMemory::polled of what this process saved last with its texts
};

class PassMemory {
 public:
  /// A pass that does not `keep` reads the state, and writes nothing. `failures` are those of the pass.
  PassMemory(const StateAccess& disk, OffDisk& off_disk, std::vector<Failure>& failures, bool keep)
      : disk_(disk), off_disk_(off_disk), failures_(failures), keep_(keep) {}

  /// What was known before. A state that is damaged is begun anew; one that cannot be read now is there all
  /// the same, and stays: throws PassFailed when the pass keeps one.
  void load();

  State& now() { return now_; } ///< as far as the pass has come
  const std::map<Family, FamilyMemory>& families_before() const { return before_.families; }

  /// Counts a failure that the pass goes on with.
  void note(Failure failure);

  /// The routes are read anew: the texts on the disk are old, whatever becomes of this pass.
  void texts_are_old();
  bool texts_due() const { return texts_due_; } ///< those on the disk are not these
  bool anything_held() const;
  /// The texts of what was known. Throws PassFailed as load() does.
  void load_texts();
  bool has_texts() const; ///< after load_texts(), or in a state that the disk did not take

  /// Begins to write the texts when they are due, while something else is done.
  void stage_texts();
  /// Waits for that, and has no texts any more when it went well.
  void release_texts();

  /// Before the kernel is changed: what is there, and what is known of the routes that are installed. Of a
  /// pass that is killed the marks of now() know both rules, the old and the new.
  void save_before_commit();
  void save_at_end(); ///< all of it
  /// The pass failed because of `why`. `refused`: what it knows says when to look again; else what was known
  /// before stays so.
  void save_failed(const std::string& why, std::int64_t unix_time, bool refused);

  void wait() const; ///< until the thread that stage_texts() began has ended

 private:
  void save(const State& state, bool texts);

  const StateAccess& disk_;
  OffDisk& off_disk_;
  std::vector<Failure>& failures_;
  bool keep_;
  State now_;
  State before_; ///< what was known before, without texts
  bool texts_due_ = false;
  std::future<void> staging_;
  bool texts_released_ = false; ///< they are staged, and now_ has none
};

/// Of what is known of a family all but the texts, which may be large.
FamilyMemory without_texts(const FamilyMemory& memory);

} // namespace flowspec
