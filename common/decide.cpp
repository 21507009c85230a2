// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/decide.hpp"

#include "common/precedence.hpp"

namespace flowspec {

namespace {

bool is_tcp_or_udp(const Packet& packet) {
  return packet.protocol == protocol::tcp || packet.protocol == protocol::udp;
}

/// The four bits that a fragment component looks at (RFC 8955 section 4.2.2.12); IPv6 has no don't-fragment
/// bit.
std::uint16_t fragment_bits(const Packet& packet) {
  unsigned bits = 0;
  if (packet.family() == Family::ipv4 && packet.dont_fragment)
    bits |= fragment_bit::dont_fragment;
  if (packet.fragment_offset != 0)
    bits |= fragment_bit::is_fragment;
  if (packet.fragment_offset == 0 && packet.more_fragments)
    bits |= fragment_bit::first_fragment;
  if (packet.fragment_offset != 0 && !packet.more_fragments)
    bits |= fragment_bit::last_fragment;
  return static_cast<std::uint16_t>(bits);
}

} // namespace

bool matches(const Components& match, const Packet& packet) {
  if (packet.family() != match.family)
    return false;
  if (match.destination && !match.destination->contains(packet.destination))
    return false;
  if (match.source && !match.source->contains(packet.source))
    return false;
  if (match.protocol && !match.protocol->contains(packet.protocol))
    return false;

  if (match.port || match.destination_port || match.source_port) {
    if (!is_tcp_or_udp(packet) || !packet.source_port || !packet.destination_port)
      return false;
    if (match.port && !match.port->contains(*packet.source_port) &&
        !match.port->contains(*packet.destination_port))
      return false;
    if (match.destination_port && !match.destination_port->contains(*packet.destination_port))
      return false;
    if (match.source_port && !match.source_port->contains(*packet.source_port))
      return false;
  }

  if (match.icmp_type || match.icmp_code) {
    if (packet.protocol != protocol::icmp_of(match.family) || !packet.icmp_type || !packet.icmp_code)
      return false;
    if (match.icmp_type && !match.icmp_type->contains(*packet.icmp_type))
      return false;
    if (match.icmp_code && !match.icmp_code->contains(*packet.icmp_code))
      return false;
  }

  if (match.tcp_flags) {
    if (packet.protocol != protocol::tcp || !packet.tcp_flags || !match.tcp_flags->holds(*packet.tcp_flags))
      return false;
  }
  if (match.packet_length && !match.packet_length->contains(packet.length))
    return false;
  if (match.dscp && !match.dscp->contains(packet.dscp))
    return false;
  if (match.fragment && !match.fragment->holds(fragment_bits(packet)))
    return false;
  if (match.flow_label && (match.family != Family::ipv6 || !match.flow_label->contains(packet.flow_label)))
    return false;
  return true;
}

Decision decide(std::span<const Entry> entries, const Packet& packet, Stateful stateful) {
  using What = Decision::What;
  if (stateful == Stateful::always && packet.established)
    return {What::established, nullptr};

  const Entry* first = nullptr;
  for (const Entry& entry : entries)
    if (matches(entry.match, packet) && (first == nullptr || comes_before(entry, *first)))
      first = &entry;

  if (first == nullptr)
    return {What::no_entry, nullptr};
  if (!first->actions.rate)
    return {What::accept, first};
  if (!first->actions.discards())
    return {What::rate_limit, first};
  if (stateful == Stateful::default_drop && packet.established && is_default_policy(first->match))
    return {What::established, first};
  return {What::discard, first};
}

} // namespace flowspec
