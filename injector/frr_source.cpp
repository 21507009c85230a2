// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_source.hpp"

#include "common/error.hpp"
#include "injector/frr_summary.hpp"

#include <fmt/format.h>

namespace flowspec {

namespace {

std::string states_of(const FlowspecSummary& summary) {
  std::string text;
  for (const FlowspecPeer& peer : summary.peers)
    text += fmt::format("{}{} is {}", text.empty() ? "" : ", ", peer.address, peer.state);
  return text.empty() ? "it has none" : text;
}

} // namespace

RoutesRead poll_frr(const AskFrr& ask, Family family, const PollOptions& options) {
  const std::string summary_command = fmt::format("show bgp {} flowspec summary json", name(family));
  const FlowspecSummary before = parse_flowspec_summary(ask(summary_command));
  if (!before.any_established())
    throw Error(fmt::format("ask FRR for {} flowspec routes: no flowspec peer of its is Established ({})",
                            name(family), states_of(before)));

  RoutesRead routes = read_frr_routes(ask(fmt::format("show bgp {} flowspec detail json", name(family))),
                                      family, options.reading);
  if (routes.paths == 0 && !before.settled(options.settle) &&
      !end_of_rib_received(ask("show bgp neighbors json"), before, family))
    throw Error(fmt::format(
        "ask FRR for {} flowspec routes: it has none, and no peer has sent its End-of-RIB or has been "
        "Established for {} s",
        name(family), options.settle.count() / 1000));
  if (routes.paths < before.paths_received()) {
    // Withdrawn between the two answers, or lost? Only a table that did not change tells.
    const FlowspecSummary after = parse_flowspec_summary(ask(summary_command));
    if (after.table_version == before.table_version && routes.paths < after.paths_received())
      routes.remarks.push_back(
          {fmt::format("{} table", name(family)), Reason::lost_route,
           fmt::format("FRR received {} routes and shows {}: FRR 10.7.0 loses a route whose bytes "
                       "begin with another's",
                       after.paths_received(), routes.paths)});
  }
  return routes;
}

} // namespace flowspec
