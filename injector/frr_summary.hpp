// SPDX-License-Identifier: GPL-2.0-or-later
//
// `show bgp ipv4|ipv6 flowspec summary json`: whether FRR has anybody to hear routes from, and how many it
// heard.
#pragma once

#include "common/family.hpp"

#include <chrono>
#include <cstdint>
#include <set>
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

/// The peers of which `text`, which `show bgp neighbors json` printed, says that they have sent their
/// End-of-RIB for the flowspec routes of `family`. That of a peer with an inbound route-map does not count:
/// FRR that has just started denies what comes before it attaches the map. Throws Error when `text` is no
/// such answer.
std::set<std::string> end_of_rib_received(std::string_view text, Family family);

} // namespace flowspec
