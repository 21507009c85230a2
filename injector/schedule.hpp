// SPDX-License-Identifier: GPL-2.0-or-later
//
// When the next pass comes, and how deep it looks. Knows no clock: every moment is told to it.
#pragma once

#include "injector/daemon.hpp"

#include <optional>

namespace flowspec {

/// A pass that succeeded, as far as the next one depends on it.
struct PassTaken {
  Instant began{0};
  Instant ended{0};
  std::chrono::milliseconds idle{0}; ///< of that, spent waiting for somebody else's lock
  bool in_full = true;
  bool changed = false;
  std::optional<Instant> look_again;
};

class Schedule {
 public:
  explicit Schedule(const RunOptions& options) : options_(options) {}

  /// After a pass that took T, the next begins at `interval` from its start and not before T * this from its
  /// end. With nothing to do a pass is a burden on the machine (ours, and bgpd's, which answers): one fifth
  /// of a core at most. Changes come in bursts, and each is a packet that meets the wrong rules: half a core.
  static constexpr int rest_when_unchanged = 4;
  static constexpr int rest_when_changed = 1;
  /// That rest is never longer than this: on a machine that is so slow, or with so many routes, being late
  /// costs more than the load.
  static constexpr std::chrono::milliseconds longest_rest{30'000};
  /// And never shorter, whatever the interval.
  static constexpr std::chrono::milliseconds shortest_rest{100};

  /// How deep a pass that begins now has to look: in full when the last full look is long ago, and until one
  /// succeeded after the start and after ask_in_full().
  Depth depth(Instant now) const;
  void ask_in_full() { full_wanted_ = true; }

  /// Other options; back-off begins anew.
  void use(const RunOptions& options);

  /// When the next pass begins.
  Instant succeeded(const PassTaken& taken);
  /// After the n-th failure in a row interval * 2^(n - 1) from its end, up to longest_back_off.
  Instant failed(Instant ended);

 private:
  RunOptions options_;
  bool full_wanted_ = true;
  Instant last_full_{0};
  unsigned failures_ = 0; ///< in a row
};

} // namespace flowspec
