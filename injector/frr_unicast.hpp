// SPDX-License-Identifier: GPL-2.0-or-later
//
// FRR's unicast routes: `show bgp ipv4|ipv6 unicast json`, `show bgp ipv4|ipv6 unicast summary json` and
// `show bgp neighbors json`. Measured on FRR 8.4.4, where `... unicast 0.0.0.0/0 longer-prefixes json` prints
// the same as the first; 10.7.0 prints that in the same shape.
#pragma once

#include "common/prefix.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// The best path for one prefix.
struct UnicastRoute {
  Prefix prefix;
  /// The address of the peer that it was learned from; empty: our own (a network, an aggregate).
  std::string peer;
  /// The AS that was added to the AS_PATH last, segments of a confederation not counted. 0: none (our own AS
  /// originates it), an AS_SET, or what an aggregate of ours has from others.
  std::uint32_t first_as = 0;
  bool confederation = false; ///< its AS_PATH begins with a segment of a confederation

  bool operator==(const UnicastRoute&) const = default;
};

struct UnicastTable {
  std::uint64_t version = 0;
  std::vector<UnicastRoute> best; ///< sorted by prefix, no two with the same
  /// Paths are valid, and none is the best for any prefix: FRR has not chosen yet.
  bool unchosen = false;
};

/// Throws Error when `text` is no whole answer, or not of `family`: no BGP instance, an answer cut off, a
/// path without the members that all of this is read from.
UnicastTable parse_unicast_table(std::string_view text, Family family);

struct UnicastPeer {
  bool established = false;
  std::uint32_t remote_as = 0; ///< 0: not told
  std::uint32_t local_as = 0;
  std::chrono::milliseconds uptime{0};
  std::uint64_t connections_established = 0;
  std::uint64_t connections_dropped = 0;

  bool external() const { return remote_as != 0 && remote_as != local_as; }
};

struct UnicastSummary {
  /// Rises when a best path changes. Measured on 8.4.4: when it moves to another peer, changes an attribute,
  /// comes or goes; not for other paths, nor for what is announced again unchanged.
  std::uint64_t table_version = 0;
  /// By address, or by interface for an unnumbered one. Without any, FRR does not tell the version either.
  std::map<std::string, UnicastPeer> peers;

  bool any_established() const;
};

/// Throws Error when `text` is no such summary.
UnicastSummary parse_unicast_summary(std::string_view text);

struct UnicastNeighbor {
  std::string address; ///< of an unnumbered peer that of the other end; empty: none yet
  /// It has sent its End-of-RIB for the unicast routes of the family, and FRR filters them by no route-map,
  /// which it attaches late.
  bool end_of_rib = false;
};

/// By the names that the summary has. Throws Error when `text` is no such answer.
std::map<std::string, UnicastNeighbor> parse_unicast_neighbors(std::string_view text, Family family);

} // namespace flowspec
