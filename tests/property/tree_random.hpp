// SPDX-License-Identifier: GPL-2.0-or-later
//
// Entries whose prefixes nest, neighbour and overlap in both dimensions, and packets at the ends of those.
#pragma once

#include "tests/support/generate.hpp"
#include "tests/support/packet_bytes.hpp"
#include "tests/support/packet_parser.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace flowspec::test {

/// How many times as much with FLOWSPEC_LONG.
inline std::size_t long_factor() {
  return std::getenv("FLOWSPEC_LONG") == nullptr ? 1 : 60;
}

inline Address random_address(generate::Random& random, Family family) {
  Address address{family, {}};
  for (unsigned byte = 0; byte < address_bits(family) / 8; ++byte)
    address.bytes[byte] = static_cast<std::uint8_t>(generate::number(random, 0, 255));
  return address;
}

inline void flip(Address& address, unsigned bit) {
  address.bytes[bit / 8] = static_cast<std::uint8_t>(address.bytes[bit / 8] ^ (0x80U >> bit % 8));
}

/// Prefixes around a few addresses.
class Places {
 public:
  Places(generate::Random& random, Family family) : family_(family) {
    const std::uint32_t count = generate::number(random, 1, 4);
    for (std::uint32_t each = 0; each < count; ++each)
      centres_.push_back(random_address(random, family));
    free_ = generate::number(random, 1, 10); // few: many equal and nested ones
    one_sided_ = generate::chance(random, 40);
    if (one_sided_)
      free_ = generate::number(random, 8, 24);
    first_ = generate::number(random, 0, address_bits(family) - free_);
  }

  Address address(generate::Random& random) const {
    Address result = centres_[generate::number(random, 0, static_cast<std::uint32_t>(centres_.size() - 1))];
    for (unsigned bit = first_; bit < first_ + free_; ++bit)
      if (generate::chance(random, one_sided_ ? 12 : 50))
        flip(result, bit);
    return result;
  }

  Prefix prefix(generate::Random& random) const {
    const unsigned bits = address_bits(family_);
    unsigned length = first_ + generate::number(random, 0, free_);
    if (generate::chance(random, 25))
      length = bits;
    else if (generate::chance(random, 20))
      length = generate::number(random, 0, bits);
    else if (generate::chance(random, 30))
      length = length / 8 * 8;
    return Prefix::masked(address(random), length);
  }

 private:
  Family family_;
  std::vector<Address> centres_;
  bool one_sided_ = false; ///< most are close to the centres
  unsigned free_ = 0;      ///< bits in which addresses differ
  unsigned first_ = 0;     ///< of them
};

/// The places of both ends.
struct Map {
  Places destinations;
  Places sources;

  Map(generate::Random& random, Family family) : destinations(random, family), sources(random, family) {}
};

/// Of every kind; no two with the same match.
inline std::vector<Entry> tree_entries(generate::Random& random, Family family, const Map& map,
                                       std::size_t count) {
  const unsigned destinations = generate::number(random, 0, 100);
  const unsigned sources = generate::number(random, 0, 100);
  const bool plain = generate::chance(random, 50); // prefixes alone, so that packets meet many entries
  const bool sequences = generate::chance(random, 50);
  std::vector<Entry> entries;
  std::set<std::string> known;
  for (std::size_t tries = 0; entries.size() < count && tries < 4 * count; ++tries) {
    Entry entry = generate::entry(random, family, {true, sequences, true});
    if (plain && generate::chance(random, 80)) {
      entry.match = {};
      entry.match.family = family;
      if (generate::chance(random, 30))
        entry.match.packet_length =
            ValueSet(domain::packet_length, {{generate::number(random, 20, 60), domain::packet_length}});
    }
    entry.match.destination = entry.match.source = std::nullopt;
    if (generate::chance(random, destinations))
      entry.match.destination = map.destinations.prefix(random);
    if (generate::chance(random, sources))
      entry.match.source = map.sources.prefix(random);
    if (Components none; (none.family = family, entry.match != none) && !is_default_policy(entry.match) &&
                         known.insert(stable_id(entry.match)).second)
      entries.push_back(std::move(entry));
  }
  if (generate::chance(random, 50)) {
    Entry policy;
    policy.match.family = family;
    policy.match.destination = policy.match.source = Prefix::any(family);
    policy.actions.rate = 0;
    entries.push_back(std::move(policy));
  }
  return entries;
}

/// In `prefix`, at one of its ends, or just beyond one; anywhere when there is none.
inline Address address_near(generate::Random& random, const std::optional<Prefix>& prefix,
                            const Places& places) {
  if (!prefix || generate::chance(random, 10))
    return places.address(random);
  Address address = prefix->address;
  const unsigned bits = address_bits(address.family);
  const auto kind = generate::number(random, 0, 4);
  for (unsigned bit = prefix->length; bit < bits; ++bit)
    if (kind == 1 || (kind > 1 && generate::chance(random, 50)))
      flip(address, bit);
  if (kind == 4 && prefix->length > 0) // a neighbour
    flip(address, generate::chance(random, 50) ? prefix->length - 1U
                                               : generate::number(random, 0, prefix->length - 1U));
  return address;
}

/// Likely to match `match`, or to miss it by little.
inline Packet tree_packet(generate::Random& random, const Components& match, const Map& map) {
  Packet packet = parse(build(generate::plan_near(random, match)));
  packet.destination = address_near(random, match.destination, map.destinations);
  packet.source = address_near(random, match.source, map.sources);
  packet.established = generate::chance(random, 25);
  return packet;
}

} // namespace flowspec::test
