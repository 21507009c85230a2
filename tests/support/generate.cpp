// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/generate.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace flowspec::generate {

namespace {

/// A few bits of freedom at the top and the bottom: addresses collide often.
Address address(Random& random, Family family) {
  Address result{family, {}};
  result.bytes[0] = family == Family::ipv4 ? 10 : 0x20;
  const unsigned last = address_bits(family) / 8 - 1;
  result.bytes[1] = static_cast<std::uint8_t>(number(random, 0, 1));
  result.bytes[last] = static_cast<std::uint8_t>(number(random, 0, 3));
  return result;
}

/// The values that the sets below are about, their neighbours, and the ends of the domain.
std::uint32_t value_near(Random& random, const ValueSet& set) {
  std::vector<std::uint32_t> candidates{0, set.max()};
  for (const Interval& interval : set.intervals()) {
    candidates.insert(candidates.end(), {interval.first, interval.last});
    if (interval.first > 0)
      candidates.push_back(interval.first - 1);
    if (interval.last < set.max())
      candidates.push_back(interval.last + 1);
  }
  return candidates[number(random, 0, static_cast<std::uint32_t>(candidates.size() - 1))];
}

BitTests bit_tests(Random& random, std::uint16_t max) {
  BitTests result;
  const std::uint32_t count = number(random, 1, 4);
  for (std::uint32_t index = 0; index < count; ++index)
    result.tests.push_back({index > 0 && chance(random, 50), chance(random, 30), chance(random, 50),
                            static_cast<std::uint16_t>(number(random, 0, max))});
  return result;
}

std::uint8_t some_protocol(Random& random, Family family) {
  const std::uint8_t choices[] = {protocol::tcp, protocol::udp, protocol::icmp_of(family), 47, 0, 255};
  return choices[number(random, 0, chance(random, 80) ? 2 : 5)];
}

void fill_transport(Random& random, Packet& packet) {
  if (packet.fragment_offset != 0)
    return;
  if (packet.protocol == protocol::tcp || packet.protocol == protocol::udp) {
    packet.source_port = static_cast<std::uint16_t>(number(random, 0, 12) * (chance(random, 10) ? 5461 : 1));
    packet.destination_port =
        static_cast<std::uint16_t>(number(random, 0, 12) * (chance(random, 10) ? 5461 : 1));
  }
  if (packet.protocol == protocol::tcp)
    packet.tcp_flags = static_cast<std::uint16_t>(number(random, 0, 0x3f));
  if (packet.protocol == protocol::icmp_of(packet.family())) {
    packet.icmp_type = static_cast<std::uint8_t>(number(random, 0, 12) * (chance(random, 10) ? 21 : 1));
    packet.icmp_code = static_cast<std::uint8_t>(number(random, 0, 5) * (chance(random, 10) ? 51 : 1));
    if (chance(random, 3))
      packet.icmp_type = 255;
  }
}

} // namespace

std::uint64_t seed() {
  const char* text = std::getenv("FLOWSPEC_TEST_SEED");
  return text == nullptr ? 1 : std::stoull(text);
}

std::uint32_t number(Random& random, std::uint32_t lo, std::uint32_t hi) {
  return std::uniform_int_distribution<std::uint32_t>(lo, hi)(random);
}

bool chance(Random& random, unsigned percent) {
  return number(random, 1, 100) <= percent;
}

Prefix prefix(Random& random, Family family) {
  const unsigned bits = address_bits(family);
  const unsigned lengths[] = {0, 7, 8, 15, 16, bits - 2, bits - 1, bits};
  return Prefix::masked(address(random, family), lengths[number(random, 0, 7)]);
}

ValueSet values(Random& random, std::uint32_t max) {
  if (chance(random, 3))
    return ValueSet::all(max);
  if (chance(random, 3))
    return ValueSet(max);
  std::vector<Interval> intervals;
  const std::uint32_t count = number(random, 1, chance(random, 60) ? 1 : 5);
  for (std::uint32_t index = 0; index < count; ++index) {
    const std::uint32_t first = number(random, 0, 12) * (chance(random, 10) ? max / 12 : 1);
    const std::uint32_t last = chance(random, 50)   ? first
                               : chance(random, 10) ? max
                                                    : first + number(random, 0, 4);
    intervals.push_back({std::min(first, max), std::min(last, max)});
  }
  return {max, std::move(intervals)};
}

Packet packet(Random& random, Family family) {
  Packet result;
  result.source = address(random, family);
  result.destination = address(random, family);
  result.protocol = some_protocol(random, family);
  result.length = number(random, 40, 60);
  result.dscp = static_cast<std::uint8_t>(number(random, 0, 12));
  result.dont_fragment = family == Family::ipv4 && chance(random, 30);
  if (chance(random, 20)) {
    result.more_fragments = chance(random, 60);
    result.fragment_offset = result.more_fragments && chance(random, 50) ? 0 : 185;
  }
  result.flow_label = family == Family::ipv6 ? number(random, 0, 12) : 0;
  result.established = chance(random, 25);
  fill_transport(random, result);
  return result;
}

Packet packet_near(Random& random, const Components& match) {
  Packet result = packet(random, match.family);
  if (match.destination && chance(random, 90))
    result.destination = match.destination->address;
  if (match.source && chance(random, 90))
    result.source = match.source->address;
  if (match.protocol && chance(random, 90))
    result.protocol = static_cast<std::uint8_t>(value_near(random, *match.protocol));
  else if ((match.port || match.destination_port || match.source_port) && chance(random, 90))
    result.protocol = chance(random, 50) ? protocol::tcp : protocol::udp;
  else if ((match.icmp_type || match.icmp_code) && chance(random, 90))
    result.protocol = protocol::icmp_of(match.family);
  result.source_port = result.destination_port = std::nullopt;
  result.icmp_type = result.icmp_code = std::nullopt;
  result.tcp_flags = std::nullopt;
  fill_transport(random, result);
  const auto move = [&](auto& field, const std::optional<ValueSet>& set) {
    if (field && set && chance(random, 85))
      *field = static_cast<std::decay_t<decltype(*field)>>(value_near(random, *set));
  };
  move(result.destination_port, match.destination_port);
  move(result.source_port, match.source_port);
  move(result.destination_port, match.port);
  move(result.icmp_type, match.icmp_type);
  move(result.icmp_code, match.icmp_code);
  if (match.packet_length && chance(random, 85))
    result.length = value_near(random, *match.packet_length);
  if (match.dscp && chance(random, 85))
    result.dscp = static_cast<std::uint8_t>(value_near(random, *match.dscp));
  return result;
}

Entry entry(Random& random, Family family, const EntryShape& shape) {
  Entry result;
  Components& match = result.match;
  match.family = family;
  const auto add = [&](std::optional<ValueSet>& component, unsigned percent, std::uint32_t max) {
    if (chance(random, percent))
      component = values(random, max);
  };
  if (chance(random, 70))
    match.destination = prefix(random, family);
  if (chance(random, 50))
    match.source = prefix(random, family);
  if (chance(random, 40))
    match.protocol = chance(random, 80) ? ValueSet::single(domain::protocol, some_protocol(random, family))
                                        : values(random, domain::protocol);
  if (chance(random, 60)) {
    add(match.destination_port, 60, domain::port);
    add(match.source_port, 40, domain::port);
    add(match.port, 25, domain::port);
  } else if (chance(random, 60)) {
    add(match.icmp_type, 60, domain::icmp);
    add(match.icmp_code, 40, domain::icmp);
  }
  if (shape.every_component) {
    add(match.packet_length, 15, domain::packet_length);
    add(match.dscp, 15, domain::dscp);
    if (chance(random, 15))
      match.tcp_flags = bit_tests(random, 0xfff);
    if (chance(random, 15))
      match.fragment = bit_tests(random, 15);
    if (family == Family::ipv6)
      add(match.flow_label, 15, domain::flow_label);
  }
  const double rates[] = {0, 0, 1000, 125000, 1.25e9};
  if (chance(random, 65))
    result.actions.rate = rates[number(random, 0, 4)];
  if (shape.sequences && chance(random, 60))
    result.sequence = number(random, 0, 20);
  return result;
}

std::vector<Entry> entries(Random& random, Family family, std::size_t count, const EntryShape& shape) {
  std::vector<Entry> result;
  while (result.size() < count) {
    Entry next = entry(random, family, shape);
    // BGP holds a match once, and no route without components.
    const bool known =
        std::any_of(result.begin(), result.end(), [&](const Entry& e) { return e.match == next.match; });
    Components none;
    none.family = family;
    if (!known && next.match != none)
      result.push_back(std::move(next));
  }
  if (chance(random, 50)) {
    Entry policy;
    policy.match.family = family;
    policy.match.destination = policy.match.source = Prefix::any(family);
    policy.actions.rate = 0;
    std::erase_if(result, [&](const Entry& e) { return e.match == policy.match; });
    result.push_back(policy);
  }
  return result;
}

} // namespace flowspec::generate
