// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
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

std::vector<ShownPeer> shown_peers(const AskFrr& ask, Family family, const FlowspecSummary& summary,
                                   std::chrono::milliseconds settle) {
  std::vector<ShownPeer> peers;
  bool asked = false;
  std::set<std::string> marked;
  for (const FlowspecPeer& peer : summary.peers) {
    bool said_all = peer.established() && peer.uptime >= settle;
    if (peer.established() && !said_all) {
      if (!std::exchange(asked, true))
        marked = end_of_rib_received(ask("show bgp neighbors json"), family);
      said_all = marked.contains(peer.address);
    }
    peers.push_back({peer, said_all});
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
