// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/frr_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
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

/// True when `set` fits into one component. It comes back as what it is: the pairs are in ascending order, so
/// that two neighbours joined by AND hold for nothing, unless they are the bounds of one range; and these
/// joined by OR hold for everything. That leaves one useful way to read them.
bool takes(const ValueSet& set) {
  const std::size_t count = pairs(set);
  return count >= 1 && count <= most_pairs;
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
  // With so few pairs no match has more than 200 bytes, of most_bytes.
  Components none;
  none.family = match.family;
  return match != none && takes(match.tcp_flags) && takes(match.fragment) &&
         std::ranges::all_of(numeric_components, [&match](auto component) {
           return !(match.*component) || takes(*(match.*component));
         });
}

std::vector<Components> split(const Components& match, std::size_t most) {
  std::vector<Components> parts{match};
  for (const auto component : numeric_components) {
    if (!(match.*component))
      continue;
    const std::vector<ValueSet> sets = chunks(*(match.*component));
    if (parts.size() * sets.size() > most)
      throw std::length_error(fmt::format("a match of more than {} routes", most));
    std::vector<Components> product;
    for (const Components& part : parts)
      for (const ValueSet& set : sets) {
        product.push_back(part);
        product.back().*component = set;
      }
    parts = std::move(product);
  }
  if (!std::ranges::all_of(parts, [](const Components& part) { return takes(part); }))
    parts.clear();
  return parts;
}

} // namespace flowspec::frr
