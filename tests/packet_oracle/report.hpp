// SPDX-License-Identifier: GPL-2.0-or-later
//
// A difference between the kernel and the reference matcher, with all that it takes to understand it.
#pragma once

#include "tests/packet_oracle/fate.hpp"
#include "tests/packet_oracle/rule_set.hpp"
#include "tests/support/packet_bytes.hpp"

#include <string>

namespace flowspec::oracle {

struct Difference {
  std::size_t number = 0; ///< of the packet within its set, from 0
  test::Bytes bytes;
  Packet packet;
  Fate wanted;
  Fate seen;
};

/// Several lines: the entries in their order, the rules in iptables-save's notation, the packet in words and
/// bytes, and the two fates.
std::string to_string(const Difference& difference, const RuleSet& set, const Installed& installed);

} // namespace flowspec::oracle
