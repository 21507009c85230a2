// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/route_sets.hpp"

#include <fmt/format.h>

#include <array>

namespace flowspec::bench {

namespace {

Prefix prefix_of(std::uint32_t address, unsigned length) {
  Address result;
  for (unsigned byte = 0; byte < 4; ++byte)
    result.bytes[byte] = static_cast<std::uint8_t>(address >> (24 - 8 * byte));
  return Prefix::masked(result, length);
}

ValueSet port(std::uint32_t number) {
  return ValueSet::single(domain::port, number);
}

Entry discarded(std::uint32_t number) {
  Entry entry;
  entry.actions.rate = 0;
  entry.sequence = number;
  return entry;
}

Entry host(std::uint32_t number) {
  Entry entry = discarded(number);
  entry.match.destination = prefix_of(0x0a000000 + number, 32);
  entry.match.protocol = ValueSet::single(domain::protocol, protocol::tcp);
  entry.match.destination_port = port(443);
  return entry;
}

Entry source(std::uint32_t number) {
  Entry entry = discarded(number);
  entry.match.destination = prefix_of(0xc0000201, 32);
  entry.match.source = prefix_of(0x14000000 + number * 11, 32);
  return entry;
}

Entry mixed(std::uint32_t number) {
  Entry entry = discarded(number % 1000);
  Components& match = entry.match;
  match.destination = prefix_of(0x0a000000 + number * 64, 32);
  entry.route_targets = {fmt::format("65000:{}", number % 40)};
  switch (number % 8) {
  case 0:
    entry.actions.rate = 1e6 + number;
    break;
  case 1: // with both protocols
    match.destination_port = port(53);
    entry.actions.rate.reset();
    break;
  case 2:
    match.source = prefix_of(0xac100000 + number % 4096 * 256, 24);
    break;
  case 3:
    match.protocol = ValueSet::single(domain::protocol, protocol::tcp);
    match.tcp_flags = BitTests{{{.match = true, .value = 0x02}, {true, true, false, 0x10}}};
    break;
  case 4:
    match.fragment = BitTests{{{.value = fragment_bit::is_fragment}}};
    break;
  case 5:
    match.protocol = ValueSet::single(domain::protocol, protocol::udp);
    match.source_port = ValueSet(domain::port, {{53, 53}, {123, 123}, {1900, 1900}});
    entry.actions.rate = 125'000;
    break;
  case 6:
    match.protocol = ValueSet::single(domain::protocol, protocol::icmp);
    match.packet_length = ValueSet(domain::packet_length, {{1000, domain::packet_length}});
    break;
  default:
    match.protocol = ValueSet::single(domain::protocol, protocol::tcp);
    match.destination_port = ValueSet(domain::port, {{8000, 8100}});
    entry.actions.rate.reset();
    break;
  }
  return entry;
}

constexpr std::array<RouteSet, 3> sets{{{"hosts", host}, {"sources", source}, {"mixed", mixed}}};

} // namespace

std::span<const RouteSet> route_sets() {
  return sets;
}

std::vector<Entry> routes_of(const RouteSet& set, std::uint32_t count) {
  std::vector<Entry> routes;
  routes.reserve(count);
  for (std::uint32_t number = 0; number < count; ++number)
    routes.push_back(set.route(number));
  return routes;
}

} // namespace flowspec::bench
