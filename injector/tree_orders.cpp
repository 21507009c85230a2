// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_orders.hpp"

#include <numeric>
#include <utility>

namespace flowspec {

namespace {

/// What a prefix is sorted by.
struct SortKey {
  std::uint64_t upper = 0; ///< halves of the address
  std::uint64_t lower = 0;
  std::uint32_t length = 0;
  std::uint32_t place = 0;

  auto operator<=>(const SortKey&) const = default;
};

SortKey sort_key(const Prefix& prefix, std::uint32_t place) {
  SortKey key{0, 0, prefix.length, place};
  for (std::size_t byte = 0; byte < 8; ++byte) {
    key.upper = key.upper << 8 | prefix.address.bytes[byte];
    key.lower = key.lower << 8 | prefix.address.bytes[8 + byte];
  }
  return key;
}

Places sorted_by(const std::vector<TreeEntry>& entries, Dimension dimension) {
  std::vector<SortKey> keys;
  keys.reserve(entries.size());
  for (const TreeEntry& entry : entries)
    keys.push_back(sort_key(prefix_of(entry, dimension), entry.place));
  if (!std::is_sorted(keys.begin(), keys.end()))
    std::sort(keys.begin(), keys.end());
  Places places;
  places.reserve(keys.size());
  for (const SortKey& key : keys)
    places.push_back(key.place);
  return places;
}

void sort_by(const Places& rank, Places& places, const Part& part) {
  std::sort(places.begin() + static_cast<std::ptrdiff_t>(part.first),
            places.begin() + static_cast<std::ptrdiff_t>(part.last),
            [&](std::uint32_t a, std::uint32_t b) { return rank[a] < rank[b]; });
}

} // namespace

TreeOrders::TreeOrders(std::vector<TreeEntry> entries)
    : entries_(std::move(entries)), listed_(entries_.size()), scratch_(entries_.size()) {
  std::iota(listed_.begin(), listed_.end(), 0U);
  for (const std::uint32_t place : listed_)
    entries_[place].place = place;
  for (const Dimension dimension : every_dimension) {
    const bool any = std::any_of(entries_.begin(), entries_.end(), [&](const TreeEntry& entry) {
      return prefix_of(entry, dimension).length > 0;
    });
    if (!any)
      continue;
    Sorted& sorted = sorted_[static_cast<std::size_t>(dimension)];
    sorted.places = sorted_by(entries_, dimension);
    sorted.rank.resize(entries_.size());
    for (std::uint32_t rank = 0; rank < sorted.places.size(); ++rank)
      sorted.rank[sorted.places[rank]] = rank;
  }
}

PlaceSpan TreeOrders::sorted(const Part& part, Dimension dimension) const {
  const PlaceSpan all = sorted_[static_cast<std::size_t>(dimension)].places;
  return all.empty() ? all : all.subspan(part.first, part.size());
}

void TreeOrders::restore(const Part& part) {
  std::sort(listed_.begin() + static_cast<std::ptrdiff_t>(part.first),
            listed_.begin() + static_cast<std::ptrdiff_t>(part.last));
  for (Sorted& sorted : sorted_)
    if (!sorted.places.empty())
      sort_by(sorted.rank, sorted.places, part);
}

} // namespace flowspec
