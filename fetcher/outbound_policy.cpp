// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/outbound_policy.hpp"

#include "common/error.hpp"
#include "fetcher/distinct.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace flowspec {

namespace {

/// "ASN:N" with an AS number of two octets: the others have no words in BIRD's (generic, ...).
bool is_publishable(const std::string& route_target) {
  unsigned asn = 0;
  const char* const end = route_target.data() + route_target.size();
  const auto read = std::from_chars(route_target.data(), end, asn);
  return read.ec == std::errc{} && read.ptr != end && *read.ptr == ':' && asn <= 0xffff;
}

Route protecting_route(const Protection& protection) {
  Route route;
  route.entry.match.family = protection.family();
  route.entry.match.destination = protection.destination;
  route.entry.match.source = protection.source;
  route.entry.sequence = 0;
  route.origin = "protected by the policy";
  return route;
}

std::vector<std::string> targets_of(const Publication& publication) {
  std::set<std::string> targets;
  for (const Route& route : publication.routes)
    targets.insert(route.entry.route_targets.begin(), route.entry.route_targets.end());
  return {targets.begin(), targets.end()};
}

/// In front of the others; what such a route matches exactly is decided by it. Those who import a target get
/// one of their own, of the same packets in other bytes: BGP keeps one route for a match.
void add_protections(const Policy& policy, Publication& publication) {
  std::vector<Route> routes;
  std::set<std::vector<std::uint8_t>> bytes;
  const auto is_new = [&](const std::vector<std::uint8_t>& nlri) { return !bytes.contains(nlri); };
  const std::vector<std::string> targets = targets_of(publication);
  const auto add = [&](Route route) {
    bytes.insert(canonical_nlri(route.entry.match));
    std::erase_if(publication.routes,
                  [&](const Route& other) { return other.entry.match == route.entry.match; });
    routes.push_back(std::move(route));
  };
  for (const Protection& protection : policy.protect) {
    Route route = protecting_route(protection);
    if (protection.family() != publication.family || !is_new(canonical_nlri(route.entry.match)))
      continue;
    add(route);
    if (targets.empty())
      continue;
    std::optional<Components> other = with_other_bytes(route.entry.match, is_new);
    if (!other)
      throw Error(
          fmt::format("publish what the policy protects, {}: it takes one route more than BGP can tell apart",
                      to_string(route.entry.match)));
    route.entry.match = std::move(*other);
    route.entry.route_targets = targets;
    add(std::move(route));
  }
  std::move(publication.routes.begin(), publication.routes.end(), std::back_inserter(routes));
  publication.routes = std::move(routes);
}

} // namespace

void check_outbound(const Policy& policy, const SequenceCarrier& carrier, const std::string& file) {
  using Kind = SequenceCarrier::Kind;
  if (!policy.protect.empty() && carrier.kind == Kind::none)
    throw UsageError(fmt::format(
        "{}: /protect: with --sequence none nothing says that protected packets come first", file));
  for (const Term& term : policy.terms) {
    if (term.change.redirect && !is_publishable(*term.change.redirect))
      throw UsageError(fmt::format("{}: term {}: redirect to {}: only targets ASN:N with an AS number up to "
                                   "65535 can be published",
                                   term.file, term.name, *term.change.redirect));
    // FRR prints rates with six digits behind the point: less would arrive as a discard.
    if (term.change.rate && *term.change.rate > 0 && *term.change.rate < 1)
      throw UsageError(fmt::format("{}: term {}: rate {}: what is published is 0, or at least 1 B/s",
                                   term.file, term.name, *term.change.rate));
    if (term.change.dscp && carrier.kind == Kind::marking)
      throw UsageError(fmt::format("{}: term {}: with --sequence marking the community that would mark "
                                   "packets carries the sequence number",
                                   term.file, term.name));
    if (term.change.sequence == 0 && !policy.protect.empty())
      throw UsageError(fmt::format("{}: term {}: sequence 0: that is where protected packets come first",
                                   term.file, term.name));
    if (term.change.sequence && *term.change.sequence > carrier.largest())
      throw UsageError(fmt::format("{}: term {}: sequence {}: --sequence {} carries up to {}", term.file,
                                   term.name, *term.change.sequence, to_string(carrier), carrier.largest()));
  }
}

std::vector<std::string> apply_outbound(const Policy& policy, Publication& publication) {
  std::map<std::string, std::size_t> rejected;
  std::vector<Route> left;
  for (Route& route : publication.routes) {
    const PolicyVerdict verdict = apply(policy, route.entry);
    if (verdict.accepted)
      left.push_back(std::move(route));
    else
      ++rejected[name_of(policy, verdict)];
  }
  publication.routes = std::move(left);
  add_protections(policy, publication);
  std::vector<std::string> words;
  for (const auto& [what, count] : rejected)
    words.push_back(
        fmt::format("policy: {} {} routes are not published: {}", count, name(publication.family), what));
  return words;
}

} // namespace flowspec
