// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/schedule.hpp"

#include <algorithm>

namespace flowspec {

namespace {

using Milliseconds = std::chrono::milliseconds;

Milliseconds rest(Milliseconds took, int times) {
  const Milliseconds bounded = std::clamp(took, Milliseconds(0), Schedule::longest_rest);
  return std::clamp(bounded * times, Schedule::shortest_rest, Schedule::longest_rest);
}

} // namespace

Depth Schedule::depth(Instant now) const {
  return full_wanted_ || now - last_full_ >= options_.full_interval ? Depth::full : Depth::summary;
}

void Schedule::use(const RunOptions& options) {
  options_ = options;
  failures_ = 0;
}

Instant Schedule::succeeded(const PassTaken& taken) {
  failures_ = 0;
  if (taken.in_full) {
    full_wanted_ = false;
    last_full_ = taken.began;
  }
  const Milliseconds took = taken.ended - taken.began - taken.idle;
  const Instant soonest = taken.ended + rest(took, rest_when_changed);
  const Instant next = std::max(taken.began + options_.interval,
                                taken.changed ? soonest : taken.ended + rest(took, rest_when_unchanged));
  return taken.look_again ? std::min(next, std::max(*taken.look_again, soonest)) : next;
}

Instant Schedule::failed(Instant ended) {
  ++failures_;
  Milliseconds delay = std::max(options_.interval, shortest_rest);
  const Milliseconds longest = std::max(options_.longest_back_off, delay);
  for (unsigned doubled = 1; doubled < failures_ && delay < longest; ++doubled)
    delay = delay > longest / 2 ? longest : delay * 2;
  return ended + delay;
}

} // namespace flowspec
