// SPDX-License-Identifier: GPL-2.0-or-later
//
// RFC 8955 section 6 (RFC 8956 section 5 for IPv6) and RFC 9117 section 4 as a judgement of one route.
#pragma once

#include "common/entry.hpp"
#include "injector/frr_unicast.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flowspec {

enum class Validate { off, rfc8955, rfc9117 };

/// Best paths, asked in logarithmic time.
class UnicastRoutes {
 public:
  UnicastRoutes() = default;
  /// `best` is sorted by prefix, no two with the same. `peer_as` are the ASes of the external peers, by
  /// address.
  UnicastRoutes(std::vector<UnicastRoute> best, const std::map<std::string, std::uint32_t>& peer_as);

  /// The one with the longest prefix that covers all of `destination`; null when none does.
  const UnicastRoute* best_match(const Prefix& destination) const;

  /// One for a part of `destination` only that was not received from the neighboring AS that `match`, its
  /// best match, was received from; null when there is none.
  ///
  /// The neighboring AS is that of the session and the first of the AS_PATH: what a route server passes on,
  /// or a policy prepended to, is not taken for one AS's because one of the two agrees. Our own AS is another
  /// one too: what we originate ourselves is nobody else's to filter.
  const UnicastRoute* more_specific(const Prefix& destination, const UnicastRoute& match) const;

  /// The best paths that were learned from `peer` all begin with no segment of a confederation.
  bool outside_confederation(const std::string& peer) const;

 private:
  /// The AS of the session, the first of the AS_PATH.
  using Neighbor = std::pair<std::uint32_t, std::uint32_t>;

  std::vector<UnicastRoute> routes_;
  std::vector<Neighbor> neighbors_;  ///< of each route
  std::vector<std::size_t> covers_;  ///< the route with the next shorter prefix around each; itself: none
  std::vector<std::size_t> run_end_; ///< behind the last of those that follow with the same neighbor
};

/// Who announced a flowspec route: an external peer.
struct Announcer {
  std::string address;
  std::uint32_t as = 0;
};

/// Why a route that `announcer` announced is not feasible; none when it is.
///
/// a. It has a destination prefix (of offset 0).
/// b. rfc8955: the best path of the longest unicast prefix that covers the destination was learned from the
///    announcer. Other paths do not count, nor those that are used beside it (ECMP).
///    rfc9117: that path's AS_PATH begins with the announcer's AS, wherever it was learned. Section 4.2 asks
///    for that of every route from outside; where the originators differ, section 4.1 takes an AS_PATH that
///    is not empty when a policy permits it (b.2.iii), and whoever says `rfc9117` permits those that begin
///    with the AS of the peer. A route server, which keeps its AS out of the AS_PATH, makes nothing feasible.
/// c. No best path for a part of the destination came from another neighboring AS.
///
/// FRR does not show the AS_PATH of a flowspec route. That it begins with the peer's AS, which both RFCs rely
/// on, is for `bgp enforce-first-as` to see to (the default from FRR 10.0 on).
std::optional<std::string> why_not_feasible(const Components& match, const Announcer& announcer,
                                            const UnicastRoutes& unicast, Validate mode);

} // namespace flowspec
