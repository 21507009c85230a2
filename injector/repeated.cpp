// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/repeated.hpp"

#include <algorithm>
#include <utility>

namespace flowspec {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds gaps[] = {1min, 10min, 1h, 6h, 24h};

/// A reason may hold numbers that are others each time.
constexpr std::size_t most_reasons = 8;

} // namespace

bool Repeated::first_heard(const std::string& reason) {
  if (heard_.size() >= most_reasons || std::find(heard_.begin(), heard_.end(), reason) != heard_.end())
    return false;
  heard_.push_back(reason);
  return true;
}

std::optional<Repeated::Line> Repeated::happened(const std::string& reason, Instant now) {
  if (!going_on()) {
    since_ = now;
    heard_.clear();
    said_ = false;
    gap_ = 0;
    next_line_ = short_runs_.spend(now) ? now : now + gaps[0];
  }
  ++times_;
  const bool new_reason = first_heard(reason);
  Line line{times_, now - since_, reason, {}, 0, unsaid_};
  if (reason != reason_ || times_ == 1) {
    if (times_ > 1 && new_reason) {
      line.reason_before = std::move(reason_);
      line.times_before = times_of_reason_;
    }
    reason_ = reason;
    times_of_reason_ = 0;
  }
  ++times_of_reason_;
  if (now < next_line_ && !(said_ && new_reason))
    return std::nullopt;
  next_line_ = now + gaps[gap_];
  gap_ = std::min(gap_ + 1, std::size(gaps) - 1);
  said_ = true;
  unsaid_ = 0;
  return line;
}

std::optional<Repeated::Line> Repeated::over(Instant now) {
  if (!going_on())
    return std::nullopt;
  Line line{times_, now - since_, reason_, {}, 0, 0};
  times_ = 0;
  if (said_)
    return line;
  unsaid_ += line.times;
  return std::nullopt;
}

} // namespace flowspec
