// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the daemon says, to the log and to the service manager. What is done matters more than what is said:
// no log that cannot be written, and no memory that is short for a sentence, ends anything here.
#pragma once

#include "injector/daemon.hpp"
#include "injector/pass_events.hpp"
#include "injector/status_sentence.hpp"
#include "injector/trouble.hpp"

#include <map>
#include <optional>
#include <string>

namespace flowspec {

class DaemonVoice {
 public:
  /// Uses `log`, `notify` and `now` of `world`.
  explicit DaemonVoice(const DaemonWorld& world) : world_(world) {}

  void started(const RunOptions& options) noexcept;
  void alive() noexcept { notify("WATCHDOG=1"); }

  void pass_succeeded(const PassOutcome& outcome, Instant now) noexcept;
  void pass_failed(std::optional<Cause> cause, const char* why, Instant now) noexcept;
  void metrics_written(Instant now) noexcept;
  void metrics_failed(const char* why, Instant now) noexcept;

  void reloading() noexcept;
  void reloaded() noexcept;
  void reload_failed(const char* why) noexcept;

  void stopping() noexcept { notify("STOPPING=1"); }
  void stopped(bool flushed) noexcept;
  void flush_failed(const char* why) noexcept;

 private:
  void log(const Event& event) noexcept;
  void log(const std::optional<Event>& event) noexcept;
  bool notify(const std::string& lines) noexcept;
  void say_status(const std::string& sentence);
  void say_parts(const PassOutcome& outcome, Instant now);

  const DaemonWorld& world_;
  bool ready_ = false; ///< and the service manager was told so
  PassEvents events_;
  StatusSentence status_;
  std::string status_told_;
  Trouble passes_{"passes succeed again"};
  std::map<std::string, Trouble> parts_; ///< of passes that went on without them
  Trouble metrics_{"the metrics are written again"};
  Trouble notifying_{"the service manager takes messages again"};
};

} // namespace flowspec
