// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/daemon.hpp"

#include "injector/daemon_voice.hpp"
#include "injector/schedule.hpp"

#include <algorithm>
#include <exception>
#include <new>

namespace flowspec {

namespace {

class Daemon {
 public:
  Daemon(const RunOptions& options, const DaemonWorld& world)
      : options_(options), world_(world), schedule_(options), voice_(world) {}

  int run();

 private:
  Wake wait_until(Instant deadline);
  Instant pass();
  Instant succeeded(const PassOutcome& outcome, Instant began);
  Instant failed(std::optional<Cause> cause, const char* why);
  void after_pass(const PassOutcome* outcome);
  bool reload();
  int stop();

  RunOptions options_;
  const DaemonWorld& world_;
  Schedule schedule_;
  DaemonVoice voice_;
};

int Daemon::run() {
  voice_.started(options_);
  for (Instant next = world_.now();;) {
    switch (wait_until(next)) {
    case Wake::stop:
      return stop();
    case Wake::reload:
      if (reload())
        next = world_.now();
      break;
    case Wake::poll_now:
      schedule_.ask_in_full();
      next = pass();
      break;
    case Wake::time:
      next = pass();
      break;
    }
  }
}

Wake Daemon::wait_until(Instant deadline) {
  for (;;) {
    voice_.alive();
    const Wake wake = world_.wait(deadline);
    if (wake != Wake::time || world_.now() >= deadline)
      return wake;
  }
}

/// Gives when the next one begins.
Instant Daemon::pass() {
  const Instant began = world_.now();
  try {
    return succeeded(world_.pass(schedule_.depth(began)), began);
  } catch (const PassFailed& error) {
    return failed(error.cause(), error.what());
  } catch (const std::bad_alloc&) {
    return failed(Cause::resources, "a pass: out of memory");
  } catch (const std::exception& error) {
    return failed(std::nullopt, error.what());
  }
}

/// A family that failed does not make the other wait: nothing backs off for it, only that such a pass may
/// take longer and then rests longer. Nor is a full look taken again for it before its time: whether it needs
/// one, its summary tells.
Instant Daemon::succeeded(const PassOutcome& outcome, Instant began) {
  const Instant ended = world_.now();
  const bool changed = std::any_of(outcome.pass.changes.begin(), outcome.pass.changes.end(),
                                   [](const Changes& changes) { return !changes.edits.empty(); });
  const Instant next = schedule_.succeeded(
      {began, ended, std::chrono::duration_cast<std::chrono::milliseconds>(outcome.times.lock),
       outcome.in_full, changed, outcome.look_again});
  voice_.pass_succeeded(outcome, ended);
  after_pass(&outcome);
  return next;
}

Instant Daemon::failed(std::optional<Cause> cause, const char* why) {
  const Instant ended = world_.now();
  const Instant next = schedule_.failed(ended);
  voice_.pass_failed(cause, why, ended);
  after_pass(nullptr);
  return next;
}

void Daemon::after_pass(const PassOutcome* outcome) {
  try {
    world_.after_pass(outcome);
    voice_.metrics_written(world_.now());
  } catch (const std::exception& error) {
    voice_.metrics_failed(error.what(), world_.now());
  }
}

/// False when the old options stay.
bool Daemon::reload() {
  voice_.reloading();
  try {
    options_ = world_.reload();
  } catch (const std::exception& error) {
    voice_.reload_failed(error.what());
    return false;
  }
  schedule_.use(options_);
  schedule_.ask_in_full();
  voice_.reloaded();
  return true;
}

int Daemon::stop() {
  voice_.stopping();
  try {
    if (options_.flush_on_exit)
      world_.flush();
  } catch (const std::exception& error) {
    voice_.flush_failed(error.what());
    return 1;
  }
  voice_.stopped(options_.flush_on_exit);
  return 0;
}

} // namespace

int run_daemon(RunOptions options, const DaemonWorld& world) {
  return Daemon(options, world).run();
}

} // namespace flowspec
