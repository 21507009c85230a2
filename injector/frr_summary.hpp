// SPDX-License-Identifier: GPL-2.0-or-later
//
// `show bgp ipv4|ipv6 flowspec summary json`: whether FRR has anybody to hear routes from, and how many it
// heard.
#pragma once

#include "common/family.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

struct FlowspecPeer {
  std::string address;
  std::string state; ///< "Established", "Active", "Idle (Admin)" ...
  std::uint64_t prefixes_received = 0;
  std::chrono::milliseconds uptime{0}; ///< in its state

  bool established() const { return state == "Established"; }
  bool operator==(const FlowspecPeer&) const = default;
};

struct FlowspecSummary {
  std::uint64_t table_version = 0; ///< rises with every change of a best path
  std::vector<FlowspecPeer> peers;

  bool any_established() const;
  /// True when some peer has been Established for at least `settle`.
  bool settled(std::chrono::milliseconds settle) const;
  /// Paths received from the peers that are Established.
  std::uint64_t paths_received() const;
  bool operator==(const FlowspecSummary&) const = default;
};

/// Throws Error when `text` is no such summary: no BGP instance, an answer cut off.
FlowspecSummary parse_flowspec_summary(std::string_view text);

/// True when `text`, which `show bgp neighbors json` printed, says that a peer of `summary` that is
/// Established has sent its End-of-RIB for the flowspec routes of `family`. Throws Error when `text` is no
/// such answer.
bool end_of_rib_received(std::string_view text, const FlowspecSummary& summary, Family family);

} // namespace flowspec
