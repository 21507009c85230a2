// SPDX-License-Identifier: GPL-2.0-or-later
//
// `run`: pass after pass, for years.
#pragma once

#include "common/event.hpp"
#include "common/wake.hpp"
#include "injector/pass_outcome.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace flowspec {

struct RunOptions {
  std::chrono::milliseconds interval{2'000};
  std::chrono::milliseconds full_interval{
      60'000}; ///< FRR's routes are read so often whatever its summary says
  std::chrono::milliseconds longest_back_off{60'000};
  bool flush_on_exit = false;
};

/// What a pass looks at.
enum class Depth {
  summary, ///< FRR's routes only when its summary says that something may have changed; the kernel as ever
  full,
};

/// Everything that the daemon does to the world. All but `now` and `wait` may throw Error.
struct DaemonWorld {
  std::function<Instant()> now;
  /// Waits until `deadline`, or until somebody wants something. May give Wake::time earlier, so that the
  /// watchdog hears of the daemon often enough; at a deadline that is past it only looks.
  std::function<Wake(Instant deadline)> wait;
  /// One pass; throws PassFailed when nothing could be done, and then nothing has changed.
  std::function<PassOutcome(Depth)> pass;
  /// Reads the configuration again: the new options, and `pass` works with the rest of them. Throws Error,
  /// and then the old ones stay.
  std::function<RunOptions()> reload;
  std::function<void()> flush; ///< what is ours goes
  Log log;
  /// "READY=1", "STATUS=...", "WATCHDOG=1", "RELOADING=1", "STOPPING=1": lines for systemd.
  std::function<void(const std::string& lines)> notify;
  /// After every pass, good or not: metrics. None of its failures ends the daemon.
  std::function<void(const PassOutcome*)> after_pass;
};

/// Runs until it is asked to stop; the rules stay as they are unless `flush_on_exit`. Gives the exit status.
int run_daemon(RunOptions options, const DaemonWorld& world);

} // namespace flowspec
