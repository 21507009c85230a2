// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/as_number.hpp"
#include "injector/frr_unicast.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace flowspec {

namespace {

using nlohmann::json;

/// Milliseconds: a thousand years, so that sums of times fit.
constexpr std::uint64_t longest_uptime = 1000ULL * 365 * 86'400'000;

[[noreturn]] void unbelievable_summary(std::string_view why) {
  throw Error(fmt::format("FRR's unicast summary: {}", why));
}

/// `key` of `object` when it is a number, else 0.
std::uint64_t number_if_any(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

json object_of(std::string_view text, std::string_view what) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object())
    throw Error(fmt::format("{}: not one JSON object", what));
  if (const auto warning = document.find("warning"); warning != document.end() && warning->is_string())
    throw Error(fmt::format("{}: {}", what, warning->get<std::string>()));
  return document;
}

/// The member `key`, or none when `object` is no object or has no such member.
const json* member(const json* object, const char* key) {
  if (object == nullptr || !object->is_object())
    return nullptr;
  const auto found = object->find(key);
  return found == object->end() ? nullptr : &*found;
}

} // namespace

bool UnicastSummary::any_established() const {
  return std::any_of(peers.begin(), peers.end(), [](const auto& peer) { return peer.second.established; });
}

UnicastSummary parse_unicast_summary(std::string_view text) {
  const json document = object_of(text, "FRR's unicast summary");
  UnicastSummary summary;
  const auto peers = document.find("peers");
  if (peers == document.end())
    return summary; // FRR leaves all of it out when no neighbor is activated for unicast
  const auto version = document.find("tableVersion");
  if (!peers->is_object() || version == document.end() || !version->is_number_unsigned())
    unbelievable_summary("no table version, or no peers");
  summary.table_version = version->get<std::uint64_t>();
  for (const auto& [name, peer] : peers->items()) {
    const json* state = member(&peer, "state");
    if (state == nullptr || !state->is_string())
      unbelievable_summary(fmt::format("peer {} has no \"state\"", name));
    const std::uint64_t uptime = std::min(number_if_any(peer, "peerUptimeMsec"), longest_uptime);
    summary.peers[name] = {*state == "Established",
                           as_number(peer, "remoteAs"),
                           as_number(peer, "localAs"),
                           std::chrono::milliseconds(uptime),
                           number_if_any(peer, "connectionsEstablished"),
                           number_if_any(peer, "connectionsDropped")};
  }
  return summary;
}

std::map<std::string, UnicastNeighbor> parse_unicast_neighbors(std::string_view text, Family family) {
  const json document = object_of(text, "FRR's neighbors");
  const char* const key = family == Family::ipv4 ? "ipv4Unicast" : "ipv6Unicast";
  std::map<std::string, UnicastNeighbor> neighbors;
  for (const auto& [name, neighbor] : document.items()) {
    if (!neighbor.is_object())
      continue; // "vrfName" and the like
    UnicastNeighbor& known = neighbors[name];
    const json* address = member(&neighbor, "bgpNeighborAddr"); // only an unnumbered one has it
    if (address != nullptr && address->is_string() && *address != "none")
      known.address = address->get<std::string>();
    else if (address == nullptr)
      known.address = name;
    const json* marks = member(member(&neighbor, "gracefulRestartInfo"), "endOfRibRecv");
    const json* mark = member(marks, key);
    // What came before FRR attached an inbound route-map it denied.
    const json* filter = member(member(&neighbor, "addressFamilyInfo"), key);
    known.end_of_rib =
        mark != nullptr && *mark == true && member(filter, "routeMapForIncomingAdvertisements") == nullptr;
  }
  return neighbors;
}

} // namespace flowspec
