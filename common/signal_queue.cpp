// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/signal_queue.hpp"

#include <algorithm>
#include <ctime>
#include <initializer_list>

namespace flowspec {

namespace {

using Clock = std::chrono::steady_clock; // CLOCK_MONOTONIC

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals)
    sigaddset(&set, signal);
  return set;
}

/// One of `set` that is waiting, or comes within `time`; below 0: none did.
int take(const sigset_t& set, std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  timespec left{};
  left.tv_sec = seconds.count();
  left.tv_nsec = (time - seconds).count();
  return sigtimedwait(&set, nullptr, &left);
}

bool stop_is_waiting() {
  return take(set_of({SIGTERM, SIGINT}), std::chrono::nanoseconds(0)) > 0;
}

} // namespace

SignalQueue::SignalQueue() : queued_(set_of({SIGTERM, SIGINT, SIGHUP, SIGUSR1})) {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &pipe_before_);
  pthread_sigmask(SIG_BLOCK, &queued_, &mask_before_);
}

SignalQueue::~SignalQueue() {
  while (take(queued_, std::chrono::nanoseconds(0)) > 0)
    continue;
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  sigaction(SIGPIPE, &pipe_before_, nullptr);
}

Wake SignalQueue::wait_until(std::chrono::milliseconds deadline) {
  for (;;) {
    // Not longer than a day at once, so that no deadline is too far away for nanoseconds.
    const auto now = since_machine_start();
    const auto left =
        std::clamp(deadline > now ? deadline - now : std::chrono::milliseconds(0),
                   std::chrono::milliseconds(0), std::chrono::milliseconds(std::chrono::hours(24)));
    switch (take(queued_, left)) {
    case SIGTERM:
    case SIGINT:
      return Wake::stop;
    case SIGHUP:
      return stop_is_waiting() ? Wake::stop : Wake::reload;
    case SIGUSR1:
      return stop_is_waiting() ? Wake::stop : Wake::poll_now;
    default: // the time is over, or another signal's handler ran
      if (since_machine_start() >= deadline)
        return Wake::time;
    }
  }
}

std::chrono::milliseconds since_machine_start() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch());
}

} // namespace flowspec
