// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/daemon_voice.hpp"

#include "injector/words.hpp"

#include <fmt/format.h>

#include <exception>

namespace flowspec {

namespace {

template <class Action>
void quietly(const Action& action) noexcept {
  try {
    action();
  } catch (const std::exception&) {
    return;
  }
}

/// What has failed in a pass that otherwise succeeded: "IPv6", "state".
std::string part_of(const Failure& failure) {
  if (failure.family)
    return *failure.family == Family::ipv4 ? "IPv4" : "IPv6";
  return std::string(name(failure.cause));
}

} // namespace

void DaemonVoice::started(const RunOptions& options) noexcept {
  quietly([&] {
    log(Event{
        Level::notice,
        "started",
        fmt::format("a pass every {}, in full every {}; {}", in_words(options.interval),
                    in_words(options.full_interval),
                    options.flush_on_exit ? "what is ours goes at the end" : "the rules outlive the end"),
        {}});
  });
}

void DaemonVoice::pass_succeeded(const PassOutcome& outcome, Instant now) noexcept {
  quietly([&] { log(passes_.succeeded(now)); });
  quietly([&] {
    for (const Event& event : events_.of(outcome, now))
      log(event);
  });
  quietly([&] { say_parts(outcome, now); });
  if (!ready_)
    ready_ = notify("READY=1");
  quietly([&] { say_status(status_.succeeded(outcome, now)); });
}

void DaemonVoice::pass_failed(std::optional<Cause> cause, const char* why, Instant now) noexcept {
  quietly([&] {
    log(passes_.failed(cause, why, fmt::format("; {} stay as they are", status_.enforced()), now));
  });
  quietly([&] { say_status(status_.failed(cause, why, passes_.since())); });
}

void DaemonVoice::metrics_written(Instant now) noexcept {
  quietly([&] { log(metrics_.succeeded(now)); });
}

void DaemonVoice::metrics_failed(const char* why, Instant now) noexcept {
  quietly([&] { log(metrics_.failed(std::nullopt, why, "", now)); });
}

/// To somebody who waits for the start, a reload is part of it.
void DaemonVoice::reloading() noexcept {
  if (ready_)
    notify("RELOADING=1");
}

void DaemonVoice::reloaded() noexcept {
  quietly([&] { log(Event{Level::notice, "reloaded", "the configuration was read again", {}}); });
  if (ready_)
    notify("READY=1");
}

void DaemonVoice::reload_failed(const char* why) noexcept {
  quietly([&] {
    log(Event{Level::error, "reload-failed", fmt::format("{}; the old configuration stays", why), {}});
  });
  if (ready_)
    notify("READY=1");
}

void DaemonVoice::stopped(bool flushed) noexcept {
  quietly([&] {
    log(Event{
        Level::notice, "stopped", flushed ? "what was ours is removed" : status_.enforced() + " stay", {}});
  });
}

void DaemonVoice::flush_failed(const char* why) noexcept {
  quietly([&] {
    log(Event{
        Level::error, "flush-failed", fmt::format("{}; {} stay as they are", why, status_.enforced()), {}});
  });
}

void DaemonVoice::say_parts(const PassOutcome& outcome, Instant now) {
  std::map<std::string, const Failure*> failing;
  for (const Failure& failure : outcome.failures)
    failing.emplace(part_of(failure), &failure);
  for (const auto& [part, failure] : failing)
    log(parts_.try_emplace(part, part + " works again")
            .first->second.failed(failure->cause, part + ": " + failure->why,
                                  failure->family ? "; its rules stay as they are" : "", now));
  for (auto& [part, trouble] : parts_)
    if (!failing.contains(part))
      log(trouble.succeeded(now));
}

/// A sentence that is there already is no news.
void DaemonVoice::say_status(const std::string& sentence) {
  if (sentence != status_told_ && notify("STATUS=" + sentence))
    status_told_ = sentence;
}

void DaemonVoice::log(const Event& event) noexcept {
  quietly([&] { world_.log(event); });
}

void DaemonVoice::log(const std::optional<Event>& event) noexcept {
  if (event)
    log(*event);
}

/// False when it could not be told.
bool DaemonVoice::notify(const std::string& lines) noexcept {
  bool told = false;
  quietly([&] {
    std::optional<Event> event;
    try {
      world_.notify(lines);
      told = true;
      event = notifying_.succeeded(world_.now());
    } catch (const std::exception& error) {
      event = notifying_.failed(std::nullopt, error.what(), "", world_.now());
    }
    log(event);
  });
  return told;
}

} // namespace flowspec
