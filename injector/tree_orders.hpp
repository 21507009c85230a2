// SPDX-License-Identifier: GPL-2.0-or-later
//
// A list of entries in its own order and sorted by each of their prefixes: in all of these, the entries of a
// part of the tree stand together.
#pragma once

#include "injector/tree.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace flowspec {

/// Which of the two prefixes.
enum class Dimension : std::uint8_t { destination, source };
inline constexpr std::array every_dimension{Dimension::destination, Dimension::source};

inline const Prefix& prefix_of(const TreeEntry& entry, Dimension dimension) {
  return dimension == Dimension::destination ? entry.destination : entry.source;
}

/// Places of entries in the list.
using Places = std::vector<std::uint32_t>;
using PlaceSpan = std::span<const std::uint32_t>;

/// The entries [first, last) of each order.
struct Part {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t size() const { return last - first; }
};

class TreeOrders {
 public:
  /// Each entry's place becomes that among them.
  explicit TreeOrders(std::vector<TreeEntry> entries);

  std::span<const TreeEntry> entries() const { return entries_; }
  const TreeEntry& operator[](std::uint32_t place) const { return entries_[place]; }

  /// In the order of the list.
  PlaceSpan of(const Part& part) const { return PlaceSpan(listed_).subspan(part.first, part.size()); }
  /// By address, then by length: what a prefix contains stands together, behind it. Empty when no entry has
  /// this prefix.
  PlaceSpan sorted(const Part& part, Dimension dimension) const;

  /// Puts those with equal keys together, in each order; the ends of each key's. `key` is of a place.
  template <class Key>
  std::vector<std::size_t> group(const Part& part, std::size_t keys, Key key);
  /// As if nothing of the part had been grouped.
  void restore(const Part& part);

 private:
  struct Sorted {
    Places places;
    Places rank; ///< by place
  };

  template <class Key>
  void distribute(Places& places, const Part& part, std::vector<std::size_t> starts, Key key);

  std::vector<TreeEntry> entries_;
  Places listed_;
  std::array<Sorted, 2> sorted_; ///< by dimension; empty when no entry has this prefix
  Places scratch_;
};

template <class Key>
void TreeOrders::distribute(Places& places, const Part& part, std::vector<std::size_t> starts, Key key) {
  for (std::size_t at = part.first; at < part.last; ++at)
    scratch_[starts[key(places[at])]++] = places[at];
  std::copy(scratch_.begin() + static_cast<std::ptrdiff_t>(part.first),
            scratch_.begin() + static_cast<std::ptrdiff_t>(part.last),
            places.begin() + static_cast<std::ptrdiff_t>(part.first));
}

template <class Key>
std::vector<std::size_t> TreeOrders::group(const Part& part, std::size_t keys, Key key) {
  std::vector<std::size_t> ends(keys + 1, part.first);
  for (const std::uint32_t place : of(part))
    ++ends[key(place) + 1];
  for (std::size_t at = 1; at <= keys; ++at)
    ends[at] += ends[at - 1] - part.first;
  distribute(listed_, part, ends, key);
  for (Sorted& sorted : sorted_)
    if (!sorted.places.empty())
      distribute(sorted.places, part, ends, key);
  ends.erase(ends.begin());
  return ends;
}

} // namespace flowspec
