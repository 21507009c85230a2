// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace flowspec {

namespace {

/// Throws Error unless every session that was up before is the same session still: FRR drops its routes with
/// it.
void check_sessions(const FlowspecSummary& before, const FlowspecSummary& after, Family family) {
  for (const FlowspecPeer& peer : before.peers) {
    if (!peer.established())
      continue;
    const auto now = std::find_if(after.peers.begin(), after.peers.end(),
                                  [&](const FlowspecPeer& other) { return other.address == peer.address; });
    if (now == after.peers.end() || !now->established() || now->uptime < peer.uptime ||
        now->connections_dropped != peer.connections_dropped)
      throw Error(fmt::format("ask FRR for {} flowspec routes: the session with {} went down meanwhile",
                              name(family), peer.address));
  }
}

/// Throws Error when a session came up meanwhile: its first routes may have been shown, and nobody would know
/// later that they were its.
void check_new_sessions(const FlowspecSummary& before, const FlowspecSummary& after, Family family) {
  for (const FlowspecPeer& peer : after.peers) {
    const auto then = std::find_if(before.peers.begin(), before.peers.end(),
                                   [&](const FlowspecPeer& other) { return other.address == peer.address; });
    if (peer.established() && (then == before.peers.end() || !then->established()))
      throw Error(fmt::format("ask FRR for {} flowspec routes: the session with {} came up meanwhile",
                              name(family), peer.address));
  }
}

/// The neighbors are asked for only when their answer can matter: of a peer that has settled, and of which
/// there are routes, it cannot.
std::vector<ShownPeer> shown_peers(const AskFrr& ask, Family family, const FlowspecSummary& summary,
                                   std::chrono::milliseconds settle) {
  std::vector<ShownPeer> peers;
  std::optional<std::map<std::string, FlowspecNeighbor>> neighbors;
  for (const FlowspecPeer& peer : summary.peers) {
    const bool settled = peer.uptime >= settle;
    FlowspecNeighbor told;
    if (peer.established() && (!settled || peer.prefixes_received == 0)) {
      if (!neighbors)
        neighbors = parse_flowspec_neighbors(ask("show bgp neighbors json"), family);
      if (const auto found = neighbors->find(peer.address); found != neighbors->end())
        told = found->second;
    }
    ShownPeer& shown = peers.emplace_back();
    static_cast<FlowspecPeer&>(shown) = peer;
    shown.said_all = peer.established() && (settled || told.end_of_rib) && told.unheard.empty();
    if (settled) // before that, FRR may have yet to attach its route-map
      shown.unheard = std::move(told.unheard);
  }
  return peers;
}

} // namespace

FlowspecSummary ask_summary(const AskFrr& ask, Family family) {
  return parse_flowspec_summary(ask(fmt::format("show bgp {} flowspec summary json", name(family))));
}

Shown poll_frr(const AskFrr& ask, Family family, const FlowspecSummary& before, const PollOptions& options,
               const AboutToRead& about_to_read) {
  Shown shown;
  shown.family = family;
  shown.table_version = before.table_version;
  // Before the routes: an End-of-RIB that comes later says nothing of a table that was read by then.
  shown.peers = shown_peers(ask, family, before, options.settle);
  shown.text = ask(fmt::format("show bgp {} flowspec detail json", name(family)));
  if (about_to_read)
    about_to_read(shown);
  shown.routes = read_frr_routes(shown.text, family, options.reading);
  const FlowspecSummary after = ask_summary(ask, family);
  check_sessions(before, after, family);
  check_new_sessions(before, after, family);
  // Fewer than received: withdrawn between the answers, or lost? Only a table that did not change tells.
  const bool stood_still = after.table_version == before.table_version;
  const std::uint64_t received = std::min(before.paths_received(), after.paths_received());
  if (shown.routes.paths == 0 && stood_still && received > 0)
    throw Error(
        fmt::format("ask FRR for {} flowspec routes: it received {} and shows none", name(family), received));
  if (stood_still && shown.routes.paths < received)
    shown.routes.remarks.push_back(
        {fmt::format("{} table", name(family)), Reason::lost_route,
         fmt::format("FRR received {} routes and shows {}: FRR 10.7.0 loses a route whose bytes "
                     "begin with another's",
                     received, shown.routes.paths)});
  return shown;
}

} // namespace flowspec
