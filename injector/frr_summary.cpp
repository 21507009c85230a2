// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_summary.hpp"

#include "common/error.hpp"
#include "injector/as_number.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace flowspec {

namespace {

using nlohmann::json;

/// Milliseconds: a thousand years, so that sums of times fit.
constexpr std::uint64_t longest_uptime = 1000ULL * 365 * 86'400'000;

[[noreturn]] void unbelievable(std::string_view why) {
  throw Error(fmt::format("FRR's flowspec summary: {}", why));
}

/// Known of every FRR from 7.1 on; what an older one leaves out is 0.
std::uint64_t number_if_any(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::uint64_t number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned())
    unbelievable(fmt::format("no number \"{}\"", key));
  return found->get<std::uint64_t>();
}

/// The member `key`, or none when `object` is no object or has no such member.
const json* member(const json* object, const std::string& key) {
  if (object == nullptr || !object->is_object())
    return nullptr;
  const auto found = object->find(key);
  return found == object->end() ? nullptr : &*found;
}

const char* key_of(Family family) {
  return family == Family::ipv4 ? "ipv4Flowspec" : "ipv6Flowspec";
}

/// FRR attaches an inbound route-map some seconds after it started (bgp route-map delay-timer), denies all
/// until then, and marks an End-of-RIB all the same. `policy`: the neighbor's addressFamilyInfo of the
/// family.
bool has_inbound_route_map(const json* policy) {
  return member(policy, "routeMapForIncomingAdvertisements") != nullptr;
}

/// The summary's "peerState" does not tell: it is "Policy" for want of an outbound policy too, and "Passive"
/// when the neighbor is passive, whatever its policy.
std::string why_unheard(const json& neighbor, const json* policy, Family family) {
  if (member(policy, "inboundEbgpRequiresPolicy") != nullptr)
    return "FRR discards its routes for want of an inbound policy";
  // Not there at all: the session has no capabilities, or an FRR does not tell.
  const json* families = member(member(&neighbor, "neighborCapabilities"), "multiprotocolExtensions");
  const json* both = member(member(families, key_of(family)), "advertisedAndReceived");
  if (families != nullptr && (both == nullptr || *both != true))
    return fmt::format("its session has no {} flowspec", name(family));
  return {};
}

} // namespace

bool FlowspecSummary::any_established() const {
  return std::any_of(peers.begin(), peers.end(), [](const FlowspecPeer& peer) { return peer.established(); });
}

std::uint64_t FlowspecSummary::paths_received() const {
  std::uint64_t sum = 0;
  for (const FlowspecPeer& peer : peers)
    if (peer.established())
      sum += peer.prefixes_received;
  return sum;
}

FlowspecSummary parse_flowspec_summary(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded())
    unbelievable(text.find_first_not_of(" \r\n\t") == std::string_view::npos ? "nothing was answered"
                                                                             : "not one JSON document");
  if (!document.is_object())
    unbelievable("not a JSON object");
  if (const auto warning = document.find("warning"); warning != document.end() && warning->is_string())
    unbelievable(warning->get<std::string>());

  FlowspecSummary summary;
  const auto peers = document.find("peers");
  if (peers == document.end())
    return summary; // FRR leaves all of it out when no neighbor is activated for flowspec
  if (!peers->is_object())
    unbelievable("\"peers\" is no object");
  summary.table_version = number(document, "tableVersion");
  for (const auto& [address, peer] : peers->items()) {
    const auto state = peer.is_object() ? peer.find("state") : peer.end();
    if (!peer.is_object() || state == peer.end() || !state->is_string())
      unbelievable(fmt::format("peer {} has no \"state\"", address));
    const bool timed = peer.contains("peerUptimeMsec");
    summary.peers.push_back(
        {address, state->get<std::string>(), number(peer, "pfxRcd"),
         std::chrono::milliseconds(timed ? std::min(number(peer, "peerUptimeMsec"), longest_uptime) : 0),
         number_if_any(peer, "connectionsEstablished"), number_if_any(peer, "connectionsDropped"),
         as_number(peer, "remoteAs"), as_number(peer, "localAs")});
  }
  return summary;
}

std::map<std::string, FlowspecNeighbor> parse_flowspec_neighbors(std::string_view text, Family family) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object())
    throw Error("FRR's neighbors: not one JSON object");
  const char* const key = key_of(family);
  std::map<std::string, FlowspecNeighbor> neighbors;
  for (const auto& [address, neighbor] : document.items()) {
    if (!neighbor.is_object())
      continue; // "vrfName" and the like
    const json* marks = member(member(&neighbor, "gracefulRestartInfo"), "endOfRibRecv");
    const json* mark = member(marks, key);
    const json* policy = member(member(&neighbor, "addressFamilyInfo"), key);
    const bool marked = mark != nullptr && *mark == true;
    neighbors[address] = {marked && !has_inbound_route_map(policy), why_unheard(neighbor, policy, family)};
  }
  return neighbors;
}

} // namespace flowspec
