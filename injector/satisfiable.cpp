// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/satisfiable.hpp"

#include "common/decide.hpp"
#include "injector/fragment_matches.hpp"
#include "injector/tcp_flag_matches.hpp"

#include <fmt/format.h>

#include <array>

namespace flowspec {

namespace {

/// The bytes of an IP header without options: no packet is shorter.
constexpr std::uint32_t shortest(Family family) {
  return family == Family::ipv4 ? 20 : 40;
}

bool only_extension_headers(const ValueSet& protocols) {
  static const ValueSet headers = extension_headers();
  for (const Interval& interval : protocols.intervals())
    for (std::uint32_t number = interval.first; number <= interval.last; ++number)
      if (!headers.contains(number))
        return false;
  return true;
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
  if (match.protocol && match.family == Family::ipv6 && only_extension_headers(*match.protocol))
    return "the protocol is that of an extension header, which is never the upper layer";
  if (match.packet_length && match.packet_length->intervals().back().last < shortest(match.family))
    return fmt::format("a packet length below the {} bytes of the IP header", shortest(match.family));
  if (match.tcp_flags && never_holds(*match.tcp_flags))
    return "no packet has these TCP flags";
  if (match.fragment && never_holds(*match.fragment, match.family, ports || icmp || match.tcp_flags))
    return "no packet has these fragment bits together with its other components";
  return std::nullopt;
}

} // namespace flowspec
