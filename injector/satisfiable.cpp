// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/satisfiable.hpp"

#include <fmt/format.h>

#include <array>

namespace flowspec {

namespace {

/// Every state of the four fragment bits that a packet can be in.
bool some_packet_holds(const BitTests& fragment, Family family, bool needs_transport_header) {
  constexpr std::array<unsigned, 4> positions{0, fragment_bit::first_fragment, fragment_bit::is_fragment,
                                              fragment_bit::is_fragment | fragment_bit::last_fragment};
  const unsigned flags = family == Family::ipv4 ? 2 : 1; // IPv6 has no don't-fragment bit
  for (const unsigned position : positions)
    for (unsigned dont_fragment = 0; dont_fragment < flags; ++dont_fragment)
      if (!(needs_transport_header && (position & fragment_bit::is_fragment) != 0) &&
          fragment.holds(static_cast<std::uint16_t>(position | dont_fragment)))
        return true;
  return false;
}

} // namespace

std::optional<std::string> why_never_matches(const Components& match) {
  const std::array sets{&match.protocol,      &match.port,      &match.destination_port,
                        &match.source_port,   &match.icmp_type, &match.icmp_code,
                        &match.packet_length, &match.dscp,      &match.flow_label};
  for (const std::optional<ValueSet>* set : sets)
    if (*set && (*set)->empty())
      return "a component that holds for no value";

  const bool ports = match.port || match.destination_port || match.source_port;
  const bool icmp = match.icmp_type || match.icmp_code;
  const std::uint8_t icmp_number = protocol::icmp_of(match.family);
  const auto allows = [&](std::uint8_t number) {
    return !match.protocol || match.protocol->contains(number);
  };

  if (icmp && (ports || match.tcp_flags))
    return "it asks for ICMP and for a transport header of TCP or UDP at once";
  if (icmp && !allows(icmp_number))
    return fmt::format("an ICMP type or code, and a protocol that is not {}", icmp_number);
  if (match.tcp_flags && !allows(protocol::tcp))
    return "TCP flags, and a protocol that is not TCP";
  if (ports && !allows(protocol::tcp) && !allows(protocol::udp))
    return "a port, and a protocol that is neither TCP nor UDP";
  if (match.flow_label && match.family == Family::ipv4)
    return "a flow label, which IPv4 has not";
  if (match.fragment && !some_packet_holds(*match.fragment, match.family, ports || icmp || match.tcp_flags))
    return "no packet has these fragment bits together with its other components";
  return std::nullopt;
}

} // namespace flowspec
