// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "injector/pass_outcome.hpp"

#include <chrono>

namespace flowspec {

/// Adds the time from its making to its end to a stage.
class StageClock {
 public:
  explicit StageClock(StageTimes::Seconds& stage) : stage_(stage) {}
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;
  ~StageClock() { stage_ += Clock::now() - start_; }

 private:
  using Clock = std::chrono::steady_clock;

  StageTimes::Seconds& stage_;
  Clock::time_point start_ = Clock::now();
};

} // namespace flowspec
