// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/packet_parser.hpp"

#include "common/entry.hpp"
#include "tests/support/packet_bytes.hpp"

#include <stdexcept>

namespace flowspec::test {

namespace {

constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;

std::uint16_t word(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

Address address_at(std::span<const std::uint8_t> bytes, Family family, std::size_t at) {
  Address result{family, {}};
  for (std::size_t index = 0; index < address_bits(family) / 8; ++index)
    result.bytes[index] = bytes[at + index];
  return result;
}

/// The transport header at `at`, which may be behind the end.
void parse_transport(Packet& packet, std::span<const std::uint8_t> bytes, std::size_t at) {
  const bool tcp = packet.protocol == protocol::tcp;
  const bool udp = packet.protocol == protocol::udp;
  const bool icmp = packet.protocol == protocol::icmp_of(packet.family());
  if (!tcp && !udp && !icmp)
    return;
  if (bytes.size() < at + (tcp ? 20 : 8)) {
    packet.header_cut = true;
    return;
  }
  if (icmp) {
    packet.icmp_type = bytes[at];
    packet.icmp_code = bytes[at + 1];
    return;
  }
  packet.source_port = word(bytes, at);
  packet.destination_port = word(bytes, at + 2);
  if (tcp)
    packet.tcp_flags = word(bytes, at + 12) & 0x0fff;
}

Packet parse_ipv4(std::span<const std::uint8_t> bytes) {
  const std::size_t header = bytes.empty() ? 0 : (bytes[0] & 0x0fU) * 4;
  if (bytes.size() < ipv4_header || header < ipv4_header || bytes.size() < header ||
      word(bytes, 2) != bytes.size())
    throw std::invalid_argument("no whole IPv4 packet");
  Packet packet;
  packet.source = address_at(bytes, Family::ipv4, 12);
  packet.destination = address_at(bytes, Family::ipv4, 16);
  packet.dscp = bytes[1] >> 2;
  packet.length = word(bytes, 2);
  packet.dont_fragment = (bytes[6] & 0x40) != 0;
  packet.more_fragments = (bytes[6] & 0x20) != 0;
  packet.fragment_offset = word(bytes, 6) & 0x1fff;
  packet.protocol = bytes[9];
  if (packet.fragment_offset == 0)
    parse_transport(packet, bytes, header);
  else
    packet.header_cut = packet.protocol == protocol::tcp && packet.fragment_offset == 1;
  return packet;
}

/// Follows the chain of headers to the upper layer, as far as this packet has it.
void parse_chain(Packet& packet, std::span<const std::uint8_t> bytes) {
  std::uint8_t next = bytes[6];
  std::size_t at = ipv6_header;
  while (extension::is_one(next)) {
    // What it names next and how long it is; the fixed part of a routing header; which fragment it is.
    if (bytes.size() < at + (next == extension::fragment || next == extension::routing ? 4 : 2)) {
      packet.upper_layer_hidden = true;
      packet.fragment_hidden = !packet.fragment_header;
      return;
    }
    const std::uint8_t number = next;
    next = bytes[at];
    if (number == extension::fragment) {
      const auto offset = static_cast<std::uint16_t>(word(bytes, at + 2) >> 3);
      if (!packet.fragment_header && !packet.fragment_hidden) {
        packet.fragment_offset = offset;
        packet.more_fragments = (bytes[at + 3] & 1) != 0;
      }
      if (!packet.fragment_header) // a second one says nothing more
        (bytes.size() >= at + 8 ? packet.fragment_header : packet.fragment_hidden) = true;
      at += 8;
      if (offset != 0) {
        packet.protocol = next;
        packet.upper_layer_hidden = extension::is_one(next);
        return;
      }
    } else if (number == extension::authentication) {
      at += (bytes[at + 1] + 2U) * 4;
    } else {
      at += (bytes[at + 1] + 1U) * 8;
    }
  }
  packet.protocol = next;
  parse_transport(packet, bytes, at);
}

Packet parse_ipv6(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < ipv6_header || word(bytes, 4) + ipv6_header != bytes.size())
    throw std::invalid_argument("no whole IPv6 packet");
  Packet packet;
  packet.source = address_at(bytes, Family::ipv6, 8);
  packet.destination = address_at(bytes, Family::ipv6, 24);
  packet.dscp = word(bytes, 0) >> 6 & 0x3f;
  packet.length = static_cast<std::uint32_t>(bytes.size());
  packet.flow_label = (bytes[1] & 0x0fU) << 16 | word(bytes, 2);
  parse_chain(packet, bytes);
  return packet;
}

} // namespace

Packet parse(std::span<const std::uint8_t> bytes) {
  const unsigned version = bytes.empty() ? 0 : bytes[0] >> 4;
  if (version != 4 && version != 6)
    throw std::invalid_argument("no IP packet");
  return version == 4 ? parse_ipv4(bytes) : parse_ipv6(bytes);
}

} // namespace flowspec::test
