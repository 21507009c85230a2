// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/wake.hpp"

#include <chrono>
#include <csignal>

namespace flowspec {

/// While it lives, the signals by which people ask something of a daemon wait here until it has time for
/// them: SIGTERM and SIGINT are Wake::stop, SIGHUP is reload, SIGUSR1 is poll_now. SIGPIPE is ignored. Made
/// before any other thread, so that all have its mask. Programs that `run` starts are not touched.
///
/// At its end the signals are as they were before; those that are waiting by then are forgotten: they asked
/// something of a daemon that has stopped.
class SignalQueue {
 public:
  SignalQueue();
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  /// The next thing that somebody wants, a stop before all others; or Wake::time when `deadline` is there.
  /// `deadline` is in CLOCK_MONOTONIC, since the machine started; one that is past is no wait. Needs no
  /// memory and no descriptor, and never fails.
  Wake wait_until(std::chrono::milliseconds deadline);

 private:
  sigset_t queued_;
  sigset_t mask_before_;
  struct sigaction pipe_before_ {};
};

/// CLOCK_MONOTONIC.
std::chrono::milliseconds since_machine_start();

} // namespace flowspec
