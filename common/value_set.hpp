// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a numeric component (RFC 8955 section 4.2.1.1) means: a set of integers.
#pragma once

#include "common/short_list.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// The integers first..last, both included; first <= last.
struct Interval {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  bool operator==(const Interval&) const = default;
};

/// A set of integers within the domain 0..max, as sorted, disjoint, non-adjacent intervals: two sets over the
/// same domain are equal exactly when they hold the same integers.
class ValueSet {
 public:
  /// The empty set over 0..max.
  explicit ValueSet(std::uint32_t max) : max_(max) {}
  /// The union of `intervals`, in any order and overlapping at will. Requires last <= max of each.
  ValueSet(std::uint32_t max, std::vector<Interval> intervals);
  static ValueSet all(std::uint32_t max) { return {max, Interval{0, max}}; }
  static ValueSet single(std::uint32_t max, std::uint32_t value) { return {max, Interval{value, value}}; }

  std::uint32_t max() const { return max_; }
  /// A view of this set: it holds as long as the set does, unchanged.
  std::span<const Interval> intervals() const { return {intervals_.begin(), intervals_.size()}; }
  bool empty() const { return intervals_.empty(); }
  bool full() const { return *this == all(max_); }
  bool contains(std::uint32_t value) const;
  /// How many integers it holds.
  std::uint64_t size() const;

  ValueSet complement() const;
  /// Both sets must have the same domain.
  friend ValueSet operator|(const ValueSet& a, const ValueSet& b);
  friend ValueSet operator&(const ValueSet& a, const ValueSet& b);

  bool operator==(const ValueSet&) const = default;

 private:
  ValueSet(std::uint32_t max, Interval only);
  /// Adds what begins where the last interval begins or later.
  void add(Interval next);

  [[no_unique_address]] ShortList<Interval> intervals_;
  std::uint32_t max_; // in the four bytes behind the list
};
static_assert(sizeof(void*) != 8 || sizeof(ValueSet) == 16);

/// "80,443,8000-8080"; "none" when empty.
std::string to_string(const ValueSet& set);

} // namespace flowspec
