// SPDX-License-Identifier: GPL-2.0-or-later
//
// The components about what is behind the IP header: ports, ICMP, TCP flags.
#pragma once

#include "common/entry.hpp"
#include "common/rule.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace flowspec {

/// One protocol whose header is looked at, and what is asked of it: the packet is meant when all matches of
/// some alternative hold and, for each of the lists, some match of it. The first match of an alternative asks
/// for the header to be there; netfilter discards a packet in which it is cut off.
struct Transport {
  std::uint8_t protocol = 0;
  std::vector<std::vector<Match>> alternatives;
  std::vector<std::vector<MultiportMatch>> port_lists; ///< each port component that has several intervals
};

/// The protocols that a match with components of this kind can mean; empty when it has none of them. A text
/// says why there are no such matches.
std::variant<std::vector<Transport>, std::string> transports_of(const Components& match);

} // namespace flowspec
