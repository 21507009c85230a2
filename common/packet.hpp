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
  /// The transport header begins here and is not whole (TCP: 20 bytes, UDP and ICMP: 8), or this is an IPv4
  /// TCP fragment that begins 8 bytes behind the first (RFC 3128).
  bool header_cut = false;
  /// IPv6: the extension headers cannot be followed to the upper layer, so that `protocol` means nothing:
  /// they are cut off, or go on in front of this fragment.
  bool upper_layer_hidden = false;
  bool fragment_header = false; ///< IPv6: a whole fragment header was found, whatever is behind it
  /// IPv6: a fragment header is cut off, or the headers before the place where one might be.
  bool fragment_hidden = false;
  bool established = false; ///< connection tracking has it as ESTABLISHED or RELATED

  Family family() const { return source.family; }
};

} // namespace flowspec
