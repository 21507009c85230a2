// SPDX-License-Identifier: GPL-2.0-or-later
//
// Trouble that comes again and again: which times are worth a line of the log. Knows no clock.
#pragma once

#include "injector/line_budget.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

/// A run of it begins with the first time and ends with over(). The first time is worth a line, and every
/// reason that was not heard in this run; then a reminder, after gaps that grow (1 min, 10 min, 1 h, 6 h,
/// 24 h). The end is worth one when the run was. Where runs come and go all the time, a short one is only
/// counted when there have been five in ten minutes; one that lasts a minute is always heard of.
class Repeated {
 public:
  struct Line {
    std::uint64_t times = 0;             ///< in this run
    std::chrono::milliseconds lasted{0}; ///< since the first of them
    std::string reason;                  ///< the latest
    std::string reason_before;           ///< when this is the first time that it is another, else empty
    std::uint64_t times_before = 0;      ///< how often that was the reason, in a row
    std::uint64_t unsaid_before = 0;     ///< in short runs before this one that had no line
  };

  /// It happened. What is to be said, if anything.
  std::optional<Line> happened(const std::string& reason, Instant now);
  /// It did not happen when it could have. What is to be said, if anything.
  std::optional<Line> over(Instant now);

  bool going_on() const { return times_ > 0; }
  /// The beginning of a run that is going on.
  Instant since() const { return since_; }

 private:
  bool first_heard(const std::string& reason);

  std::uint64_t times_ = 0;
  Instant since_{0};
  std::string reason_;
  std::uint64_t times_of_reason_ = 0;
  std::vector<std::string> heard_; ///< reasons in this run, so many as may have a line each
  bool said_ = false;              ///< this run had a line
  Instant next_line_{0};
  std::size_t gap_ = 0;
  std::uint64_t unsaid_ = 0;
  LineBudget short_runs_{5, std::chrono::minutes(10)};
};

} // namespace flowspec
