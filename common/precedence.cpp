// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/precedence.hpp"

#include "common/nlri.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace flowspec {

namespace {

/// Where an entry stands, worked out once: comparing must not encode.
struct Key {
  bool last = false; ///< the default policy
  std::optional<std::uint64_t> sequence;
  const Components* match = nullptr;
  std::vector<NlriComponent> components;

  explicit Key(const Components& of) : match(&of), components(canonical_components(of)) {}
  explicit Key(const Entry& entry) : Key(entry.match) {
    last = is_default_policy(entry.match);
    if (!last)
      sequence = entry.sequence;
  }
};

/// Of two where one contains the other the longer goes first, else the lower address; a lower offset before
/// all that.
std::strong_ordering compare(const Prefix& a, const Prefix& b) {
  if (const auto by_offset = a.offset <=> b.offset; by_offset != 0)
    return by_offset;
  const unsigned common = std::min(a.length, b.length);
  for (unsigned index = a.offset; index < common; ++index)
    if (a.address.bit(index) != b.address.bit(index))
      return a.address.bit(index) ? std::strong_ordering::greater : std::strong_ordering::less;
  return b.length <=> a.length;
}

/// The lower bytes first; equal as far as both go, the longer first.
std::strong_ordering compare(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  const int bytes = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
  return bytes != 0 ? bytes <=> 0 : b.size() <=> a.size();
}

std::strong_ordering rfc_precedence(const Key& a, const Key& b) {
  const std::size_t common = std::min(a.components.size(), b.components.size());
  for (std::size_t index = 0; index < common; ++index) {
    const NlriComponent& left = a.components[index];
    const NlriComponent& right = b.components[index];
    if (left.type != right.type)
      return left.type <=> right.type;
    const std::strong_ordering order = left.type == 1 ? compare(*a.match->destination, *b.match->destination)
                                       : left.type == 2 ? compare(*a.match->source, *b.match->source)
                                                        : compare(left.data, right.data);
    if (order != 0)
      return order;
  }
  return b.components.size() <=> a.components.size();
}

bool comes_before(const Key& a, const Key& b) {
  if (a.last != b.last)
    return b.last;
  if (a.sequence.has_value() != b.sequence.has_value())
    return a.sequence.has_value();
  if (a.sequence != b.sequence)
    return *a.sequence < *b.sequence;
  return rfc_precedence(a, b) < 0;
}

} // namespace

std::strong_ordering rfc_precedence(const Components& a, const Components& b) {
  return rfc_precedence(Key(a), Key(b));
}

bool comes_before(const Entry& a, const Entry& b) {
  return comes_before(Key(a), Key(b));
}

void sort_by_precedence(std::vector<Entry>& entries) {
  std::vector<std::pair<Key, std::size_t>> keyed;
  keyed.reserve(entries.size());
  for (const Entry& entry : entries)
    keyed.emplace_back(Key(entry), keyed.size());
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return comes_before(a.first, b.first); });
  std::vector<Entry> sorted;
  sorted.reserve(entries.size());
  for (const auto& [key, index] : keyed)
    sorted.push_back(std::move(entries[index]));
  entries = std::move(sorted);
}

} // namespace flowspec
