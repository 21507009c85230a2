// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/precedence.hpp"

#include "common/nlri.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace flowspec {

namespace {

/// Bits [8 * index, 8 * index + 8) of the address without those behind `length`.
unsigned octet_within(const Prefix& prefix, unsigned index, unsigned length) {
  const unsigned octet = prefix.address.bytes[index];
  return length >= 8 * index + 8 ? octet : octet & 0xff00U >> (length - 8 * index);
}

/// Of two where one contains the other the longer goes first, else the lower address; a lower offset before
/// all that. A prefix has only one encoding.
std::strong_ordering compare_bytes(const Prefix& a, std::span<const std::uint8_t> /*announced_a*/,
                                   const Prefix& b, std::span<const std::uint8_t> /*announced_b*/) {
  if (const auto by_offset = a.offset <=> b.offset; by_offset != 0)
    return by_offset;
  const unsigned common = std::min(a.length, b.length);
  for (unsigned index = a.offset / 8U; 8 * index < common; ++index) // the bits before the offset are 0
    if (const auto order = octet_within(a, index, common) <=> octet_within(b, index, common); order != 0)
      return order;
  return b.length <=> a.length;
}

std::strong_ordering precedence(const Components& a, const AnnouncedBytes& announced_a, const Components& b,
                                const AnnouncedBytes& announced_b) {
  std::strong_ordering order = std::strong_ordering::equal;
  // By ascending types: the first that only one of them has tells, be it a lower type or one more.
  const auto decide = [&](std::uint8_t type, const auto& left, const auto& right) {
    if (order != 0 || (!left && !right))
      return;
    if (left && right)
      order = compare_bytes(*left, announced_a.of(type), *right, announced_b.of(type));
    else
      order = left ? std::strong_ordering::less : std::strong_ordering::greater;
  };
  decide(1, a.destination, b.destination);
  decide(2, a.source, b.source);
  decide(3, a.protocol, b.protocol);
  decide(4, a.port, b.port);
  decide(5, a.destination_port, b.destination_port);
  decide(6, a.source_port, b.source_port);
  decide(7, a.icmp_type, b.icmp_type);
  decide(8, a.icmp_code, b.icmp_code);
  decide(9, a.tcp_flags, b.tcp_flags);
  decide(10, a.packet_length, b.packet_length);
  decide(11, a.dscp, b.dscp);
  decide(12, a.fragment, b.fragment);
  decide(13, a.flow_label, b.flow_label);
  return order;
}

/// A number that is lower for a prefix that goes first, and the same for some that are not: see `tells`.
/// Padded with ones, an address stands behind all that the prefix contains; 56 bits of it, then the length.
std::uint64_t place_of(const std::optional<Prefix>& prefix) {
  constexpr std::uint64_t absent = ~std::uint64_t{0};
  constexpr std::uint64_t with_offset = absent - 1;
  constexpr unsigned most = 56;
  if (!prefix)
    return absent;
  if (prefix->offset != 0)
    return with_offset;
  std::uint64_t bits = 0;
  for (unsigned index = 0; index < 8; ++index)
    bits = bits << 8 | prefix->address.bytes[index];
  if (prefix->length > most)
    return bits & ~std::uint64_t{0xff};
  return ((bits | ~std::uint64_t{0} >> prefix->length) & ~std::uint64_t{0xff}) | (0xfdU - prefix->length);
}

/// Two prefixes of this one place_of are the same.
bool tells(std::uint64_t place) {
  return (place & 0xff) != 0 && (place & 0xff) != 0xfe;
}

/// Where an entry stands, in numbers that are compared before the entries are looked at.
struct Key {
  enum class Group : std::uint32_t { with_sequence, without, default_policy };
  Group group = Group::without;
  std::uint32_t index = 0;
  std::uint64_t first = 0;  ///< the sequence number, or of the destination
  std::uint64_t second = 0; ///< of the source

  Key(const Entry& entry, std::size_t at) : index(static_cast<std::uint32_t>(at)) {
    if (is_default_policy(entry.match)) {
      group = Group::default_policy;
    } else if (entry.sequence) {
      group = Group::with_sequence;
      first = *entry.sequence;
    } else {
      first = place_of(entry.match.destination);
      second = place_of(entry.match.source);
    }
  }
};

/// `of` gives a key's entry.
template <class Of>
bool comes_before(const Key& a, const Key& b, const Of& of) {
  if (a.group != b.group)
    return a.group < b.group;
  if (a.first != b.first)
    return a.first < b.first;
  if (a.group == Key::Group::without && tells(a.first) && a.second != b.second)
    return a.second < b.second;
  if (a.group == Key::Group::with_sequence) // the number is the order; how matches were written is not
    return rfc_precedence(of(a).match, of(b).match) < 0;
  return rfc_precedence(of(a), of(b)) < 0;
}

} // namespace

std::strong_ordering rfc_precedence(const Components& a, const Components& b) {
  const AnnouncedBytes none;
  return precedence(a, none, b, none);
}

std::strong_ordering rfc_precedence(const Entry& a, const Entry& b) {
  return precedence(a.match, a.announced, b.match, b.announced);
}

bool comes_before(const Entry& a, const Entry& b) {
  return comes_before(Key(a, 0), Key(b, 1),
                      [&](const Key& key) -> const Entry& { return key.index == 0 ? a : b; });
}

void sort_by_precedence(std::vector<Entry>& entries) {
  std::vector<Key> keys;
  keys.reserve(entries.size());
  for (const Entry& entry : entries)
    keys.emplace_back(entry, keys.size());
  const auto before = [&entries](const Key& a, const Key& b) {
    return comes_before(a, b, [&](const Key& key) -> const Entry& { return entries[key.index]; });
  };
  if (std::is_sorted(keys.begin(), keys.end(), before))
    return;
  std::stable_sort(keys.begin(), keys.end(), before);
  // keys[i].index is where the entry for place i stands. Along each cycle of that, every entry moves once.
  for (std::uint32_t start = 0; start < keys.size(); ++start) {
    if (keys[start].index == start)
      continue;
    Entry first = std::move(entries[start]);
    std::uint32_t place = start;
    while (keys[place].index != start) {
      entries[place] = std::move(entries[keys[place].index]);
      place = std::exchange(keys[place].index, place);
    }
    entries[place] = std::move(first);
    keys[place].index = place;
  }
}

} // namespace flowspec
