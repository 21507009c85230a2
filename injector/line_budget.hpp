// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "injector/state.hpp"

#include <optional>

namespace flowspec {

/// So many lines of one kind in so long a time, and no more: somebody who causes them all the time must not
/// fill the log.
class LineBudget {
 public:
  LineBudget(unsigned most, std::chrono::milliseconds window) : most_(most), window_(window) {}

  bool over(Instant now) const { return !began_ || now - *began_ >= window_; }
  /// True when there is one more line to be had.
  bool spend(Instant now) {
    if (over(now)) {
      began_ = now;
      spent_ = 0;
    }
    if (spent_ == most_)
      return false;
    ++spent_;
    return true;
  }

 private:
  unsigned most_;
  std::chrono::milliseconds window_;
  std::optional<Instant> began_;
  unsigned spent_ = 0;
};

} // namespace flowspec
