// SPDX-License-Identifier: GPL-2.0-or-later
//
// `show bgp ipv4|ipv6 flowspec summary json`: whether FRR has anybody to hear routes from, and how many it
// heard.
#pragma once

#include "common/family.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

struct FlowspecPeer {
  std::string address;
  std::string state; ///< "Established", "Active", "Idle (Admin)" ...
  std::uint64_t prefixes_received = 0;
  std::chrono::milliseconds uptime{0};       ///< in its state
  std::uint64_t connections_established = 0; ///< since bgpd started
  std::uint64_t connections_dropped = 0;
  std::uint32_t remote_as = 0; ///< 0: not told
  std::uint32_t local_as = 0;  ///< that it knows us by

  bool established() const { return state == "Established"; }
  bool operator==(const FlowspecPeer&) const = default;
};

struct FlowspecSummary {
  std::uint64_t table_version = 0; ///< rises with every change of a best path
  std::vector<FlowspecPeer> peers;

  bool any_established() const;
  /// Paths received from the peers that are Established.
  std::uint64_t paths_received() const;
  bool operator==(const FlowspecSummary&) const = default;
};

/// Throws Error when `text` is no such summary: no BGP instance, an answer cut off.
FlowspecSummary parse_flowspec_summary(std::string_view text);

/// What FRR tells of a neighbor and one of its families.
struct FlowspecNeighbor {
  /// It has sent its End-of-RIB. That of a peer with an inbound route-map does not count: FRR that has just
  /// started denies what comes before it attaches the map.
  bool end_of_rib = false;
  /// Why none of its routes can come into FRR's table, End-of-RIB or not; empty: they can, for all FRR tells.
  std::string unheard;

  bool operator==(const FlowspecNeighbor&) const = default;
};

/// What `text`, which `show bgp neighbors json` printed, tells of flowspec routes of `family`, by the names
/// that the summary has. Throws Error when `text` is no such answer.
std::map<std::string, FlowspecNeighbor> parse_flowspec_neighbors(std::string_view text, Family family);

} // namespace flowspec
