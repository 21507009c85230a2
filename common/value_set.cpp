// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/value_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace flowspec {

namespace {

/// Both sets must speak of the same component for a set operation to mean anything.
std::uint32_t common_max(const ValueSet& a, const ValueSet& b) {
  if (a.max() != b.max())
    throw std::invalid_argument(fmt::format("value sets over 0..{} and 0..{}", a.max(), b.max()));
  return a.max();
}

} // namespace

ValueSet::ValueSet(std::uint32_t max, std::vector<Interval> intervals) : max_(max) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.first < b.first; });
  for (const Interval& interval : intervals)
    add(interval);
}

ValueSet::ValueSet(std::uint32_t max, Interval only) : max_(max) {
  add(only);
}

void ValueSet::add(Interval next) {
  if (next.first > next.last || next.last > max_)
    throw std::invalid_argument(
        fmt::format("interval {}..{} in a value set over 0..{}", next.first, next.last, max_));
  // Touching intervals are one: 1..2 and 3..4 hold what 1..4 holds. A 64-bit sum, since last may be 2^32-1.
  if (!intervals_.empty() && std::uint64_t{intervals_.back().last} + 1 >= next.first)
    intervals_.back().last = std::max(intervals_.back().last, next.last);
  else
    intervals_.push_back(next);
}

bool ValueSet::contains(std::uint32_t value) const {
  return std::any_of(intervals_.begin(), intervals_.end(),
                     [value](const Interval& i) { return i.first <= value && value <= i.last; });
}

std::uint64_t ValueSet::size() const {
  std::uint64_t count = 0;
  for (const Interval& interval : intervals_)
    count += std::uint64_t{interval.last} - interval.first + 1;
  return count;
}

ValueSet ValueSet::complement() const {
  ValueSet result(max_);
  std::uint64_t next = 0; // the first value not yet decided
  for (const Interval& interval : intervals_) {
    if (interval.first > next)
      result.add({static_cast<std::uint32_t>(next), interval.first - 1});
    next = std::uint64_t{interval.last} + 1;
  }
  if (next <= max_)
    result.add({static_cast<std::uint32_t>(next), max_});
  return result;
}

ValueSet operator|(const ValueSet& a, const ValueSet& b) {
  ValueSet result(common_max(a, b));
  const Interval* left = a.intervals_.begin();
  const Interval* right = b.intervals_.begin();
  while (left != a.intervals_.end() || right != b.intervals_.end())
    result.add(right == b.intervals_.end() || (left != a.intervals_.end() && left->first < right->first)
                   ? *left++
                   : *right++);
  return result;
}

ValueSet operator&(const ValueSet& a, const ValueSet& b) {
  ValueSet result(common_max(a, b));
  for (const Interval& left : a.intervals_)
    for (const Interval& right : b.intervals_) {
      const std::uint32_t first = std::max(left.first, right.first);
      const std::uint32_t last = std::min(left.last, right.last);
      if (first <= last)
        result.add({first, last});
    }
  return result;
}

std::string to_string(const ValueSet& set) {
  std::string text;
  for (const Interval& interval : set.intervals()) {
    if (!text.empty())
      text += ',';
    text += interval.first == interval.last ? fmt::format("{}", interval.first)
                                            : fmt::format("{}-{}", interval.first, interval.last);
  }
  return text.empty() ? "none" : text;
}

} // namespace flowspec
