// SPDX-License-Identifier: GPL-2.0-or-later
//
// A packet as the reference matcher and the tests' evaluators of rules see it.
#pragma once

#include "common/prefix.hpp"

#include <cstdint>
#include <optional>

namespace flowspec {

struct Packet {
  Address source;
  Address destination;
  std::uint8_t protocol = 0; ///< upper-layer protocol
  /// Present only when the transport header is in this packet: not in later fragments, not when it is cut
  /// off.
  std::optional<std::uint16_t> source_port; ///< TCP and UDP
  std::optional<std::uint16_t> destination_port;
  std::optional<std::uint8_t> icmp_type; ///< ICMP, or ICMPv6 in IPv6
  std::optional<std::uint8_t> icmp_code;
  std::optional<std::uint16_t> tcp_flags; ///< octets 13 and 14 of the TCP header, data offset as 0
  std::uint32_t length = 20;              ///< the whole IP packet with its header, bytes
  std::uint8_t dscp = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0; ///< in units of 8 bytes
  std::uint32_t flow_label = 0;
  bool established = false; ///< connection tracking has it as ESTABLISHED or RELATED

  Family family() const { return source.family; }
};

} // namespace flowspec
