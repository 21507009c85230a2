// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/generate.hpp"

namespace flowspec::generate {

namespace {

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

} // namespace flowspec::generate
