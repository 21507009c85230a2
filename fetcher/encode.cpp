// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/encode.hpp"

#include "common/error.hpp"
#include "fetcher/box_components.hpp"
#include "fetcher/distinct.hpp"

#include <fmt/format.h>

#include <map>
#include <stdexcept>
#include <utility>

namespace flowspec {

namespace {

using Bytes = std::vector<std::uint8_t>;

/// True when a route that decides before it takes everything that `second` would be for.
bool decides_before(const Entry& first, const Entry& second) {
  return first.route_targets.empty() || first.route_targets == second.route_targets;
}

} // namespace

std::vector<Route> encode(std::span<const Piece> pieces, std::size_t max_routes,
                          std::span<RuleReport> rules) {
  std::vector<Route> routes;
  std::map<Bytes, std::size_t> by_bytes;
  for (const Piece& piece : pieces) {
    for (Components& match : components_of(piece.packets)) {
      Entry entry;
      entry.match = std::move(match);
      entry.actions = piece.actions;
      entry.sequence = piece.sequence;
      if (!piece.route_target.empty())
        entry.route_targets.push_back(piece.route_target);
      Bytes bytes = canonical_nlri(entry.match);
      if (const auto same = by_bytes.find(bytes); same != by_bytes.end()) {
        if (decides_before(routes[same->second].entry, entry))
          continue;
        // The same packets of another segment: another route, which BGP must not take for the same.
        auto other =
            with_other_bytes(entry.match, [&](const Bytes& changed) { return !by_bytes.contains(changed); });
        if (!other)
          throw Error(
              fmt::format("{}: more routes of the same match for different route targets than BGP can "
                          "tell apart",
                          rules[piece.rule].rule));
        entry.match = std::move(*other);
        bytes = canonical_nlri(entry.match);
      }
      if (routes.size() == max_routes)
        throw Error(
            fmt::format("{}: the rules up to this one take more than {} routes; --max-routes allows more",
                        rules[piece.rule].rule, max_routes));
      by_bytes.emplace(std::move(bytes), routes.size());
      routes.push_back({std::move(entry), piece.origin});
      ++rules[piece.rule].routes;
    }
  }
  return routes;
}

} // namespace flowspec
