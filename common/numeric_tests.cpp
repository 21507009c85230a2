// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/numeric_tests.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

/// One way to read a list: bit i of `joined` says that test i and test i + 1 are joined by AND.
class Reading {
 public:
  Reading(std::span<const NumericTest> tests, std::uint32_t joined, std::uint32_t max, OperatorTable table)
      : united_(max) {
    for (std::size_t begin = 0; begin < tests.size();) {
      std::size_t end = begin + 1;
      while (end < tests.size() && (joined >> (end - 1) & 1) != 0)
        ++end;
      add_group(tests.subspan(begin, end - begin), max, table);
      begin = end;
    }
  }

  const ValueSet& values() const { return united_; }

  bool useful() const {
    if (!every_operator_narrows_ || united_.full())
      return false;
    for (std::size_t index = 0; index < groups_.size(); ++index) {
      ValueSet others(united_.max());
      for (std::size_t other = 0; other < groups_.size(); ++other)
        if (other != index)
          others = others | groups_[other];
      if (groups_[index].empty() || others == united_)
        return false;
    }
    return true;
  }

 private:
  void add_group(std::span<const NumericTest> group, std::uint32_t max, OperatorTable table) {
    ValueSet all_of(ValueSet::all(max));
    for (const NumericTest& test : group)
      all_of = all_of & values_of(test, max, table);
    for (std::size_t index = 0; index < group.size(); ++index) {
      const ValueSet own = values_of(group[index], max, table);
      if (own.full() && is_bound(group[index]))
        continue; // ">= 0" and "<= MAX" are how speakers write an open end
      ValueSet rest(ValueSet::all(max));
      for (std::size_t other = 0; other < group.size(); ++other)
        if (other != index)
          rest = rest & values_of(group[other], max, table);
      every_operator_narrows_ = every_operator_narrows_ && rest != all_of;
    }
    united_ = united_ | all_of;
    groups_.push_back(std::move(all_of));
  }

  static bool is_bound(const NumericTest& test) { return test.equal && test.less != test.greater; }

  std::vector<ValueSet> groups_;
  ValueSet united_;
  bool every_operator_narrows_ = true;
};

/// The AND bits of a list of values and of ranges ">= A, <= B".
std::uint32_t ranges_joined(std::span<const NumericTest> tests) {
  std::uint32_t joined = 0;
  for (std::size_t index = 0; index + 1 < tests.size(); ++index) {
    const NumericTest& low = tests[index];
    const NumericTest& high = tests[index + 1];
    if (low.greater && !low.less && low.equal && high.less && !high.greater && high.equal)
      joined |= 1U << index;
  }
  return joined;
}

} // namespace

ValueSet values_of(const NumericTest& test, std::uint32_t max, OperatorTable table) {
  if (test.value < 0 || test.value > std::int64_t{max})
    throw std::invalid_argument("a numeric test with a value outside of its domain");
  const auto value = static_cast<std::uint32_t>(test.value);
  const bool always = table == OperatorTable::rfc8955 ? test.less && test.greater && test.equal
                                                      : !test.less && !test.greater && !test.equal;
  if (always)
    return ValueSet::all(max);
  if (test.equal && !test.less && !test.greater)
    return ValueSet::single(max, value);
  std::vector<Interval> intervals;
  const bool never = table == OperatorTable::rfc8955 ? !test.less && !test.greater && !test.equal
                                                     : test.less && test.greater && test.equal;
  if (never)
    return ValueSet(max);
  if (test.less && value > 0)
    intervals.push_back({0, value - 1});
  if (test.greater && value < max)
    intervals.push_back({value + 1, max});
  if (test.equal)
    intervals.push_back({value, value});
  return {max, std::move(intervals)};
}

std::optional<ValueSet> unique_useful_reading(std::span<const NumericTest> tests, std::uint32_t max,
                                              OperatorTable table) {
  std::optional<NumericReading> reading = joined_reading(tests, max, table);
  return reading ? std::optional(std::move(reading->values)) : std::nullopt;
}

std::optional<NumericReading> joined_reading(std::span<const NumericTest> tests, std::uint32_t max,
                                             OperatorTable table) {
  if (tests.empty() || tests.size() > max_numeric_tests)
    throw std::invalid_argument("a numeric list of a length that FRR never shows");
  if (tests.size() == 1) // the one reading, which is the same as all of them
    return NumericReading{values_of(tests.front(), max, table), 0};
  const std::uint32_t ranges = ranges_joined(tests);
  bool all_same = true;
  std::optional<ValueSet> first;
  std::optional<NumericReading> useful;
  bool one_useful_set = true;
  for (std::uint32_t joined = 0; joined < 1U << (tests.size() - 1); ++joined) {
    const Reading reading(tests, joined, max, table);
    if (!first)
      first = reading.values();
    all_same = all_same && reading.values() == *first;
    if (reading.useful()) {
      one_useful_set = one_useful_set && (!useful || useful->values == reading.values());
      if (!useful || joined == ranges)
        useful = {reading.values(), joined};
    }
  }
  if (all_same)
    return NumericReading{std::move(*first), ranges};
  return one_useful_set ? useful : std::nullopt;
}

} // namespace flowspec
