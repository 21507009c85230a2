// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/frr_limits.hpp"

#include "common/numeric_tests.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace flowspec::frr {

namespace {

constexpr std::array numeric_components{
    &Components::protocol,      &Components::port,      &Components::destination_port,
    &Components::source_port,   &Components::icmp_type, &Components::icmp_code,
    &Components::packet_length, &Components::dscp,      &Components::flow_label};

std::size_t pairs_of(const Interval& interval) {
  return interval.first == interval.last ? 1 : 2;
}

/// The pairs as FRR shows them.
std::vector<NumericTest> shown(const ValueSet& set) {
  std::vector<NumericTest> tests;
  for (const auto& [first, last] : set.intervals()) {
    if (first == last) {
      tests.push_back({.equal = true, .value = first});
    } else {
      tests.push_back({.greater = true, .equal = true, .value = first});
      tests.push_back({.less = true, .equal = true, .value = last});
    }
  }
  return tests;
}

/// True when there is one way to read the pairs. Single values have no other: no AND of two of them holds for
/// anything. Neither has one range: its bounds joined by OR hold for everything.
bool reads_back(const ValueSet& set) {
  const auto& intervals = set.intervals();
  return intervals.size() == 1 ||
         std::ranges::all_of(intervals, [](const Interval& i) { return i.first == i.last; }) ||
         unique_useful_reading(shown(set), set.max()) == set;
}

/// True when `set` fits into one component and comes back as what it is.
bool takes(const ValueSet& set) {
  const std::size_t count = pairs(set);
  return count >= 1 && count <= most_pairs && reads_back(set);
}

/// Disjoint sets, each of which FRR takes; as many intervals in each as go.
std::vector<ValueSet> chunks(const ValueSet& set) {
  std::vector<ValueSet> result;
  const auto& intervals = set.intervals();
  for (auto next = intervals.begin(); next != intervals.end();) {
    auto end = next;
    std::size_t count = 0;
    while (end != intervals.end() && count + pairs_of(*end) <= most_pairs)
      count += pairs_of(*end++);
    while (!reads_back(ValueSet(set.max(), {next, end})))
      --end;
    result.push_back(ValueSet(set.max(), {next, end}));
    next = end;
  }
  return result;
}

bool takes(const std::optional<BitTests>& tests) {
  return !tests || (!tests->tests.empty() && tests->tests.size() <= most_pairs);
}

} // namespace

std::size_t pairs(const ValueSet& set) {
  std::size_t sum = 0;
  for (const Interval& interval : set.intervals())
    sum += pairs_of(interval);
  return sum;
}

bool takes(const Components& match) {
  const auto nlri = canonical_nlri(match);
  return !nlri.empty() && nlri.size() <= most_bytes && takes(match.tcp_flags) && takes(match.fragment) &&
         std::ranges::all_of(numeric_components, [&match](auto component) {
           return !(match.*component) || takes(*(match.*component));
         });
}

std::vector<Components> split(const Components& match) {
  std::vector<Components> parts{match};
  for (const auto component : numeric_components) {
    if (!(match.*component))
      continue;
    std::vector<Components> product;
    for (const Components& part : parts)
      for (ValueSet& chunk : chunks(*(match.*component))) {
        product.push_back(part);
        product.back().*component = std::move(chunk);
      }
    parts = std::move(product);
  }
  if (!std::ranges::all_of(parts, [](const Components& part) { return takes(part); }))
    parts.clear();
  return parts;
}

} // namespace flowspec::frr
