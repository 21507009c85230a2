// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random values for the property tests: small ranges on purpose, so that packets and matches meet.
#pragma once

#include "common/entry.hpp"
#include "common/packet.hpp"
#include "common/rule.hpp"

#include <cstdint>
#include <random>
#include <vector>

namespace flowspec::generate {

using Random = std::mt19937_64;

/// From $FLOWSPEC_TEST_SEED, else 1: tests are repeatable unless somebody asks for other numbers.
std::uint64_t seed();

/// lo..hi, both included.
std::uint32_t number(Random& random, std::uint32_t lo, std::uint32_t hi);
bool chance(Random& random, unsigned percent);

Prefix prefix(Random& random, Family family);
/// Up to five {operator, value} pairs' worth of intervals; now and then the ends of the domain.
ValueSet values(Random& random, std::uint32_t max);
/// A packet as a sender could make it: ports for TCP and UDP only, none in later fragments.
Packet packet(Random& random, Family family);
/// A packet that is likely to match `match`, or to miss it by one component.
Packet packet_near(Random& random, const Components& match);

struct EntryShape {
  bool every_component = false; ///< else those that the injector compiles: prefixes, protocol, ports, ICMP
  bool sequences = true;
};
Entry entry(Random& random, Family family, const EntryShape& shape = {});
std::vector<Entry> entries(Random& random, Family family, std::size_t count, const EntryShape& shape = {});

/// A rule with words of ours only, that an iptables would take.
Rule rule(Random& random, Family family);

} // namespace flowspec::generate
