// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/generate.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace flowspec::generate {

namespace {

/// TCP flags: mostly those that have names, and few at a time, so that packets have them.
std::uint16_t some_flags(Random& random) {
  const std::uint32_t among = chance(random, 75) ? 0x3f : 0xfff;
  const std::uint32_t thinned = chance(random, 70) ? number(random, 0, among) : among;
  return static_cast<std::uint16_t>(number(random, 0, among) & thinned);
}

std::uint16_t some_fragment_bits(Random& random) {
  return static_cast<std::uint16_t>(number(random, 0, 15));
}

BitTests bit_tests(Random& random, std::uint16_t (*value)(Random&)) {
  BitTests result;
  const std::uint32_t count = number(random, 1, 4);
  for (std::uint32_t index = 0; index < count; ++index)
    result.tests.push_back(
        {index > 0 && chance(random, 50), chance(random, 30), chance(random, 50), value(random)});
  return result;
}

/// Around the lengths that packets without much data have.
ValueSet lengths(Random& random) {
  std::vector<Interval> intervals;
  const std::uint32_t count = number(random, 1, chance(random, 60) ? 1 : 5);
  for (std::uint32_t index = 0; index < count; ++index) {
    const std::uint32_t first = chance(random, 90) ? number(random, 20, 110) : number(random, 0, 65535);
    const std::uint32_t last = chance(random, 10) ? domain::packet_length : first + number(random, 0, 20);
    intervals.push_back({first, std::min(last, domain::packet_length)});
  }
  const ValueSet result(domain::packet_length, std::move(intervals));
  return chance(random, 10) ? result.complement() : result;
}

Actions actions(Random& random, const EntryShape& shape) {
  Actions result;
  const double rates[] = {0, 0, 1000, 125000, 1.25e9};
  if (chance(random, 65))
    result.rate = rates[number(random, 0, 4)];
  if (shape.every_action) {
    result.sample = chance(random, 10);
    if (chance(random, 15))
      result.dscp_mark = static_cast<std::uint8_t>(number(random, 0, 63));
    if (chance(random, 15))
      result.redirect = redirect_target;
  }
  return result;
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

Address address(Random& random, Family family) {
  Address result{family, {}};
  result.bytes[0] = family == Family::ipv4 ? 10 : 0x20;
  const unsigned last = address_bits(family) / 8 - 1;
  result.bytes[1] = static_cast<std::uint8_t>(number(random, 0, 1));
  result.bytes[last] = static_cast<std::uint8_t>(number(random, 0, 3));
  return result;
}

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

std::uint8_t some_protocol(Random& random, Family family) {
  const std::uint8_t choices[] = {protocol::tcp, protocol::udp, protocol::icmp_of(family), 47, 0, 255};
  return choices[number(random, 0, chance(random, 80) ? 2 : 5)];
}

Prefix prefix(Random& random, Family family) {
  const unsigned bits = address_bits(family);
  const unsigned lengths[] = {0, 7, 8, 15, 16, bits - 2, bits - 1, bits};
  const unsigned length = lengths[number(random, 0, 7)];
  return Prefix::masked(address(random, family), length);
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
    if (chance(random, 15))
      match.packet_length = lengths(random);
    add(match.dscp, 15, domain::dscp);
    if (chance(random, 15))
      match.tcp_flags = bit_tests(random, some_flags);
    if (chance(random, 15))
      match.fragment = bit_tests(random, some_fragment_bits);
    if (family == Family::ipv6)
      add(match.flow_label, 15, domain::flow_label);
  }
  result.actions = actions(random, shape);
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
