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

bool asks_ports(const Components& match) {
  return match.port || match.destination_port || match.source_port;
}
bool asks_icmp(const Components& match) {
  return match.icmp_type || match.icmp_code;
}
bool asks_transport(const Components& match) {
  return asks_ports(match) || asks_icmp(match) || match.tcp_flags;
}

/// A component that leaves nothing out needs no look; nor does one that leaves out only later IPv6 fragments,
/// of a match that asks for a transport header, which they have not.
bool asks_fragment(const Components& match) {
  using namespace fragment_bit;
  if (!match.fragment)
    return false;
  const bool v4 = match.family == Family::ipv4;
  for (const unsigned position :
       {0U, unsigned{first_fragment}, unsigned{is_fragment}, unsigned{is_fragment | last_fragment}}) {
    if (!v4 && asks_transport(match) && (position & is_fragment) != 0)
      continue;
    for (const unsigned flag : {0U, v4 ? unsigned{dont_fragment} : 0U})
      if (!match.fragment->holds(static_cast<std::uint16_t>(position | flag)))
        return true;
  }
  return false;
}

/// A fragment component that only later fragments fulfil, and a transport header, exclude each other.
bool holds_for_some_header(const Components& match) {
  using namespace fragment_bit;
  bool some = !match.fragment;
  for (const unsigned position : {0U, unsigned{first_fragment}})
    for (const unsigned flag : {0U, unsigned{dont_fragment}})
      some = some || match.fragment->holds(static_cast<std::uint16_t>(position | flag));
  return some;
}

bool upper_layer_holds(const Components& match, const Packet& packet) {
  if (match.protocol && !match.protocol->contains(packet.protocol))
    return false;
  if (asks_ports(match) && !is_tcp_or_udp(packet))
    return false;
  if (asks_icmp(match) && packet.protocol != protocol::icmp_of(match.family))
    return false;
  return !match.tcp_flags || packet.protocol == protocol::tcp;
}

bool ip_header_holds(const Components& match, const Packet& packet) {
  if (match.packet_length && !match.packet_length->contains(packet.length))
    return false;
  if (match.dscp && !match.dscp->contains(packet.dscp))
    return false;
  return !match.flow_label || (match.family == Family::ipv6 && match.flow_label->contains(packet.flow_label));
}

bool transport_holds(const Components& match, const Packet& packet) {
  if (asks_ports(match)) {
    if (!packet.source_port || !packet.destination_port)
      return false;
    if (match.port && !match.port->contains(*packet.source_port) &&
        !match.port->contains(*packet.destination_port))
      return false;
    if (match.destination_port && !match.destination_port->contains(*packet.destination_port))
      return false;
    if (match.source_port && !match.source_port->contains(*packet.source_port))
      return false;
  }
  if (asks_icmp(match)) {
    if (!packet.icmp_type || !packet.icmp_code)
      return false;
    if (match.icmp_type && !match.icmp_type->contains(*packet.icmp_type))
      return false;
    if (match.icmp_code && !match.icmp_code->contains(*packet.icmp_code))
      return false;
  }
  return !match.tcp_flags || (packet.tcp_flags && match.tcp_flags->holds(*packet.tcp_flags));
}

} // namespace

ValueSet extension_headers() {
  return {domain::protocol, {{0, 0}, {43, 44}, {51, 51}, {60, 60}}};
}

Outcome examine(const Components& match, const Packet& packet) {
  if (packet.family() != match.family)
    return Outcome::no;
  if (match.destination && !match.destination->contains(packet.destination))
    return Outcome::no;
  if (match.source && !match.source->contains(packet.source))
    return Outcome::no;

  if (packet.upper_layer_hidden) {
    if (asks_transport(match) || (match.protocol && !(*match.protocol | extension_headers()).full()))
      return Outcome::unreadable;
  } else if (!upper_layer_holds(match, packet)) {
    return Outcome::no;
  }
  if (!ip_header_holds(match, packet))
    return Outcome::no;
  if (asks_fragment(match)) {
    if (packet.fragment_hidden)
      return Outcome::unreadable;
    if (!match.fragment->holds(fragment_bits(packet)))
      return Outcome::no;
  }
  if (asks_transport(match) && packet.header_cut && holds_for_some_header(match))
    return Outcome::unreadable;
  return transport_holds(match, packet) ? Outcome::yes : Outcome::no;
}

bool matches(const Components& match, const Packet& packet) {
  return examine(match, packet) == Outcome::yes;
}

Decision decide(std::span<const Entry> entries, const Packet& packet, Stateful stateful) {
  using What = Decision::What;
  if (stateful == Stateful::always && packet.established)
    return {What::established, nullptr};

  const Entry* first = nullptr;
  Outcome outcome = Outcome::no;
  for (const Entry& entry : entries) {
    const Outcome own = examine(entry.match, packet);
    if (own != Outcome::no && (first == nullptr || comes_before(entry, *first))) {
      first = &entry;
      outcome = own;
    }
  }
  if (first == nullptr)
    return {What::no_entry, nullptr};
  if (outcome == Outcome::unreadable)
    return {What::unreadable, first};
  if (!first->actions.rate)
    return {What::accept, first};
  if (!first->actions.discards())
    return {What::rate_limit, first};
  if (stateful == Stateful::default_drop && packet.established && is_default_policy(first->match))
    return {What::established, first};
  return {What::discard, first};
}

} // namespace flowspec
