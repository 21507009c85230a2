// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/lock_held.hpp"
#include "common/log.hpp"
#include "common/service_manager.hpp"
#include "common/signal_queue.hpp"
#include "injector/daemon.hpp"
#include "injector/pass.hpp"
#include "injector/world/commands.hpp"
#include "injector/world/metrics_file.hpp"
#include "injector/world/pass_world.hpp"
#include "injector/world/state_files.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace flowspec {

namespace {

/// What a new configuration replaces as a whole.
struct Service {
  explicit Service(Options with)
      : options(std::move(with)), files(options.state_dir, options.ours.chain), world(pass_world(options)),
        passes(options, world), log(make_log(options.log)) {}

  PassOutcome pass(Depth depth) {
    std::unique_ptr<FileLock> turn;
    try {
      turn = files.lock(options.lock_wait);
    } catch (const LockHeld& held) {
      passes.missed(Cause::lock);
      throw PassFailed(Cause::lock, held.what());
    } catch (const Error&) { // to save the state will fail in the same way, and the pass says so
    }
    return passes.run(depth, Doing::sync);
  }

  void after_pass(const PassOutcome* outcome) {
    if (options.metrics_file)
      write_metrics_or_throw(outcome != nullptr ? outcome->state : files.load(), options);
  }

  Options options;
  StateFiles files;
  PassWorld world;
  Passes passes;
  Log log;
};

} // namespace

int run_service(Options options, const std::function<Options()>& read_again) {
  SignalQueue signals;
  auto service = std::make_unique<Service>(std::move(options));
  const auto watchdog = watchdog_period();

  DaemonWorld world;
  world.now = monotonic_now;
  world.wait = [&](Instant deadline) {
    if (watchdog)
      deadline = std::min(deadline, monotonic_now() + std::chrono::duration_cast<Instant>(*watchdog / 3));
    return signals.wait_until(deadline);
  };
  world.pass = [&](Depth depth) { return service->pass(depth); };
  world.reload = [&] {
    Options fresh = read_again();
    check_successor(service->options, fresh);
    service = std::make_unique<Service>(std::move(fresh));
    return service->options.run;
  };
  world.flush = [&] {
    const auto turn = service->files.lock(service->options.lock_wait);
    remove_ours(service->options);
    service->files.remove();
  };
  world.log = [&](const Event& event) { service->log(event); };
  world.notify = tell_service_manager;
  world.after_pass = [&](const PassOutcome* outcome) { service->after_pass(outcome); };
  return run_daemon(service->options.run, world);
}

} // namespace flowspec
