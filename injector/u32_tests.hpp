// SPDX-License-Identifier: GPL-2.0-or-later
//
// The fields of a packet as `-m u32` reads them. Those behind the IPv4 header are found through its length;
// IPv6's extension headers cannot be followed, so that there are only those of its own header.
#pragma once

#include "common/entry.hpp"
#include "common/rule.hpp"

#include <cstdint>
#include <vector>

namespace flowspec {

enum class Field : std::uint8_t {
  protocol,      ///< IPv4
  packet_length, ///< IPv4: the whole packet. IPv6: what is behind the header of 40 bytes
  dscp,          ///< both
  fragment,      ///< IPv4: don't fragment 0x4000, more fragments 0x2000, offset 0x1fff
  icmp_type,     ///< IPv4
  icmp_code,     ///< IPv4
  flow_label,    ///< IPv6
};

/// Each of the results holds for some of `values`, together for exactly those: one test takes 10 ranges.
std::vector<U32Match::Test> u32_tests(Field field, Family family, const ValueSet& values);

/// Holds for the packets whose octets 13 and 14 of the IPv4 TCP header, under `mask`, are in first..last.
U32Match::Test u32_tcp_flags(std::uint16_t mask, std::uint16_t first, std::uint16_t last);

} // namespace flowspec
