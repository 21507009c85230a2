// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <chrono>

namespace flowspec {

/// The end of the time that something may take, on a clock that nobody sets.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds time) : time_(time), end_(Clock::now() + time) {}

  bool over() const { return Clock::now() >= end_; }
  /// What is left, rounded up, for poll: at most a minute, 0 when the time is over.
  int milliseconds_left() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000));
  }
  /// All of it, for messages.
  double seconds() const { return std::chrono::duration<double>(time_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds time_;
  Clock::time_point end_;
};

} // namespace flowspec
