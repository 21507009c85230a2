// SPDX-License-Identifier: GPL-2.0-or-later
//
// IP packets as bytes, from a plan: RFC 791, 8200, 4302, 9293, 768, 792 and 4443.
#pragma once

#include "common/prefix.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace flowspec::test {

using Bytes = std::vector<std::uint8_t>;

/// Numbers of the IPv6 extension headers that can be followed (RFC 8200 section 4, RFC 4302).
namespace extension {
constexpr std::uint8_t hop_by_hop = 0;
constexpr std::uint8_t routing = 43;
constexpr std::uint8_t fragment = 44;
constexpr std::uint8_t authentication = 51;
constexpr std::uint8_t destination_options = 60;
constexpr bool is_one(std::uint8_t number) {
  return number == hop_by_hop || number == routing || number == fragment || number == authentication ||
         number == destination_options;
}
} // namespace extension

struct ExtensionHeader {
  std::uint8_t number = extension::destination_options;
  /// Beyond the shortest valid one, in units of 8 octets; a fragment header has one length only.
  std::uint8_t more_units = 0;
  std::uint16_t fragment_offset = 0; ///< of a fragment header, in units of 8 bytes
  bool more_fragments = false;

  bool operator==(const ExtensionHeader&) const = default;
};

/// What build() writes.
struct PacketPlan {
  Address source;
  Address destination; ///< of the same family
  std::uint8_t hops = 64;
  std::uint8_t dscp = 0;
  std::uint8_t ecn = 0;
  std::uint16_t identification = 1;
  bool reserved_bit = false;  ///< next to a fragment's flags; means nothing
  bool dont_fragment = false; ///< IPv4, with the next two
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0; ///< in units of 8 bytes
  std::uint32_t flow_label = 0;      ///< IPv6
  Bytes options;                     ///< IPv4; filled up with end-of-list to whole words, at most 40 bytes
  std::vector<ExtensionHeader> extensions; ///< IPv6
  std::uint8_t protocol = 0;               ///< what the last header before `payload` names
  Bytes payload;
  /// Of the whole packet: what goes beyond is cut off, even extension headers, and what is missing is filled
  /// up. At least the IP header with its options, at most 65535. The IP header says so, too.
  std::optional<std::uint16_t> length;
};

/// Throws std::invalid_argument for a plan that asks for the impossible.
Bytes build(const PacketPlan& plan);

/// The 20 bytes of a TCP header, `flags` in the low 12 bits of octets 13 and 14.
Bytes tcp_header(std::uint16_t source_port, std::uint16_t destination_port, std::uint16_t flags);
/// The 8 bytes of a UDP header without data.
Bytes udp_header(std::uint16_t source_port, std::uint16_t destination_port);
/// The 8 bytes of an ICMP or ICMPv6 header, the rest of it 0.
Bytes icmp_header(std::uint8_t type, std::uint8_t code);

/// `bytes` as a router sends them on: one hop less, the DSCP set when one is given, the checksum right.
Bytes forwarded(Bytes bytes, std::optional<std::uint8_t> dscp);

} // namespace flowspec::test
