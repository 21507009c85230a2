// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_source.hpp"

#include "common/error.hpp"
#include "injector/frr_summary.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

std::string states_of(const FlowspecSummary& summary) {
  std::string text;
  for (const FlowspecPeer& peer : summary.peers)
    text += fmt::format("{}{} is {}", text.empty() ? "" : ", ", peer.address, peer.state);
  return text.empty() ? "it has none" : text;
}

/// Throws Error unless every session that was up before is the same session still: FRR drops its routes with
/// it.
void check_sessions(const FlowspecSummary& before, const FlowspecSummary& after, Family family) {
  for (const FlowspecPeer& peer : before.peers) {
    if (!peer.established())
      continue;
    const auto now = std::find_if(after.peers.begin(), after.peers.end(),
                                  [&](const FlowspecPeer& other) { return other.address == peer.address; });
    if (now == after.peers.end() || !now->established() || now->uptime < peer.uptime)
      throw Error(fmt::format("ask FRR for {} flowspec routes: the session with {} went down meanwhile",
                              name(family), peer.address));
  }
}

std::string summary_command_of(Family family) {
  return fmt::format("show bgp {} flowspec summary json", name(family));
}

bool has_peers(const AskFrr& ask, Family family) {
  return !parse_flowspec_summary(ask(summary_command_of(family))).peers.empty();
}

} // namespace

RoutesRead poll_frr(const AskFrr& ask, Family family, const PollOptions& options) {
  const std::string summary_command = summary_command_of(family);
  const FlowspecSummary before = parse_flowspec_summary(ask(summary_command));
  if (!before.any_established())
    throw Error(fmt::format("ask FRR for {} flowspec routes: no flowspec peer of its is Established ({})",
                            name(family), states_of(before)));

  RoutesRead routes = read_frr_routes(ask(fmt::format("show bgp {} flowspec detail json", name(family))),
                                      family, options.reading);
  const FlowspecSummary after = parse_flowspec_summary(ask(summary_command));
  check_sessions(before, after, family);
  // Fewer than received: withdrawn between the answers, or lost? Only a table that did not change tells.
  const bool stood_still = after.table_version == before.table_version;
  const std::uint64_t received = std::min(before.paths_received(), after.paths_received());
  if (routes.paths == 0) {
    if (stood_still && received > 0)
      throw Error(fmt::format("ask FRR for {} flowspec routes: it received {} and shows none", name(family),
                              received));
    if (!before.settled(options.settle) &&
        !end_of_rib_received(ask("show bgp neighbors json"), before, family))
      throw Error(fmt::format(
          "ask FRR for {} flowspec routes: it has none, and no peer has sent its End-of-RIB or has "
          "been Established for {} s",
          name(family), options.settle.count() / 1000));
  }
  if (stood_still && routes.paths < received)
    routes.remarks.push_back(
        {fmt::format("{} table", name(family)), Reason::lost_route,
         fmt::format("FRR received {} routes and shows {}: FRR 10.7.0 loses a route whose bytes "
                     "begin with another's",
                     received, routes.paths)});
  return routes;
}

PolledRoutes poll_families(const AskFrr& ask, const std::vector<Family>& families,
                           const PollOptions& options) {
  const bool find_out = families.empty();
  PolledRoutes polled;
  for (const Family family : find_out ? std::vector{Family::ipv4, Family::ipv6} : families) {
    try {
      if (find_out && !has_peers(ask, family))
        continue;
      polled.routes.append(poll_frr(ask, family, options));
      polled.families.push_back(family);
    } catch (const Error& error) {
      polled.failures.push_back({family, error.what()});
    }
  }
  if (polled.families.empty() && polled.failures.empty())
    throw Error("ask FRR for flowspec routes: it has no flowspec peer");
  if (polled.families.empty()) {
    std::string words; // each once: mostly both failed for the same reason
    for (const PolledRoutes::Failure& failure : polled.failures)
      if (words.find(failure.why) == std::string::npos)
        words += (words.empty() ? "" : "; ") + failure.why;
    throw Error(words);
  }
  return polled;
}

} // namespace flowspec
