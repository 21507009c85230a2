// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/encode.hpp"

#include "common/error.hpp"
#include "fetcher/box_components.hpp"
#include "fetcher/distinct.hpp"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

using Bytes = std::vector<std::uint8_t>;

struct Hash {
  std::size_t operator()(const Bytes& bytes) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
};

/// True when a route that decides before it takes everything that `second` would be for.
bool decides_before(const Entry& first, const Entry& second) {
  return first.route_targets.empty() || first.route_targets == second.route_targets;
}

std::vector<Components> components_within(const Piece& piece, std::size_t most) {
  try {
    return components_of(piece.packets, most);
  } catch (const std::length_error& error) {
    throw Error(fmt::format("{}: {}; --max-routes allows more", piece.origin, error.what()));
  }
}

} // namespace

std::vector<Route> encode(std::deque<Piece> pieces, std::size_t max_routes, std::span<RuleReport> rules) {
  std::vector<Route> routes;
  routes.reserve(pieces.size() + 1); // and the policy's
  std::unordered_map<Bytes, std::size_t, Hash> by_bytes;
  by_bytes.reserve(pieces.size());
  for (Piece& piece : pieces) {
    std::vector<Components> matches = components_within(piece, max_routes);
    const std::size_t before = routes.size();
    std::optional<std::size_t> decided_by; // the rule of a route with the same match
    for (Components& match : matches) {
      Entry entry;
      entry.match = std::move(match);
      entry.actions = piece.actions;
      entry.sequence = piece.sequence;
      if (!piece.route_target.empty())
        entry.route_targets.push_back(piece.route_target);
      Bytes bytes = canonical_nlri(entry.match);
      if (const auto same = by_bytes.find(bytes); same != by_bytes.end()) {
        if (decides_before(routes[same->second].entry, entry)) {
          decided_by = same->second;
          continue;
        }
        // The same packets of another segment: another route, which BGP must not take for the same.
        auto other =
            with_other_bytes(entry.match, [&](const Bytes& changed) { return !by_bytes.contains(changed); });
        if (!other)
          throw Error(
              fmt::format("{}: more routes of the same match for different route targets than BGP can "
                          "tell apart",
                          piece.origin));
        entry.match = std::move(*other);
        bytes = canonical_nlri(entry.match);
      }
      if (routes.size() == max_routes)
        throw Error(
            fmt::format("{}: the rules up to this one take more than {} routes; --max-routes allows more",
                        piece.origin, max_routes));
      by_bytes.emplace(std::move(bytes), routes.size());
      routes.push_back(
          {std::move(entry), &match == &matches.back() ? std::move(piece.origin) : piece.origin});
      ++rules[piece.rule].routes;
    }
    if (routes.size() == before && decided_by)
      rules[piece.rule].notes.push_back(
          {Reason::not_published,
           fmt::format("a route of the same match decides before it; {}", routes[*decided_by].origin)});
  }
  return routes;
}

} // namespace flowspec
