// SPDX-License-Identifier: GPL-2.0-or-later
//
// A TCP flags component (RFC 8955 section 4.2.2.9) as matches.
#pragma once

#include "common/bit_tests.hpp"
#include "common/family.hpp"
#include "common/rule.hpp"

#include <optional>
#include <vector>

namespace flowspec {

/// One group of tests that are joined by AND.
struct TcpFlagGroup {
  std::uint8_t mask = 0; ///< these flags...
  std::uint8_t set = 0;  ///< ...have to be so; for the TcpMatch that also has the ports
  std::vector<Match> more;
};

/// The groups, any of which has to hold; those that nothing fulfils are left out. Several tests of a group
/// need several matches. None when a test is about a flag that the family's iptables has no notation for:
/// ECE, CWR and those of octet 13, in IPv6.
std::optional<std::vector<TcpFlagGroup>> tcp_flag_groups(const BitTests& flags, Family family);

/// True when no combination of flags fulfils it.
bool never_holds(const BitTests& flags);

} // namespace flowspec
