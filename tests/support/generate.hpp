// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random values for the property tests: small ranges on purpose, so that packets and matches meet.
#pragma once

#include "common/entry.hpp"
#include "common/packet.hpp"
#include "common/rule.hpp"
#include "tests/support/packet_bytes.hpp"

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

/// A few bits of freedom at the top and the bottom: addresses collide often.
Address address(Random& random, Family family);
/// Of TCP, UDP, ICMP, and now and then another one.
std::uint8_t some_protocol(Random& random, Family family);
Prefix prefix(Random& random, Family family);
/// Up to five {operator, value} pairs' worth of intervals; now and then the ends of the domain.
ValueSet values(Random& random, std::uint32_t max);
/// A value where `set` begins or ends, next to that, or at an end of the domain.
std::uint32_t value_near(Random& random, const ValueSet& set);
/// A packet as a sender could make it: ports for TCP and UDP only, none in later fragments.
Packet packet(Random& random, Family family);
/// A packet that is likely to match `match`, or to miss it by one component.
Packet packet_near(Random& random, const Components& match);

/// As bytes, now and then with options, extension headers, as a fragment or cut off: likely to match `match`,
/// or to miss it by one component. A router sends it on.
test::PacketPlan plan_near(Random& random, const Components& match);

/// The route target of every redirect.
constexpr const char* redirect_target = "65000:1";

struct EntryShape {
  bool every_component = false; ///< else prefixes, protocol, ports, ICMP
  bool sequences = true;
  bool every_action = false; ///< else rates
};
Entry entry(Random& random, Family family, const EntryShape& shape = {});
std::vector<Entry> entries(Random& random, Family family, std::size_t count, const EntryShape& shape = {});

/// A rule with words of ours only, that an iptables would take.
Rule rule(Random& random, Family family);

} // namespace flowspec::generate
