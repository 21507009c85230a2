// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

using namespace std::chrono_literals;

/// FRR drops the routes of a session bit by bit, and for a while shows some of one that has ended.
constexpr std::chrono::milliseconds clearing_time = 10s;

constexpr const char* which_can =
    "FRR's text does not say whose a flowspec route is (`json detail` would, from FRR 10.4.4, 10.5.4 and "
    "10.6.0 on, and is not asked for: it crashes older ones); validation needs one external flowspec peer";

constexpr const char* hidden = "who originated its routes, ORIGINATOR_ID and AS_PATH, is not shown";
constexpr const char* nobody_there = "no peer is there that could have announced it";

std::string cannot(Family family, const std::string& why) {
  return fmt::format("validate {} flowspec routes: {}: {}", name(family), why, which_can);
}

/// Whose the routes are that are shown, when that can be told; null when nobody is there.
const ShownPeer* who_announced(const Shown& shown) {
  std::vector<const ShownPeer*> there;
  std::vector<const ShownPeer*> announced;
  bool others = false; // may have something in the table too
  for (const ShownPeer& peer : shown.peers) {
    if (peer.established()) {
      there.push_back(&peer);
      if (peer.prefixes_received > 0)
        announced.push_back(&peer);
    } else {
      others = others || (peer.connections_established > 0 && peer.uptime < clearing_time);
    }
  }
  if (announced.size() > 1)
    throw CannotValidate(cannot(shown.family, fmt::format("{} and {} have both announced some",
                                                          announced[0]->address, announced[1]->address)));
  if (there.empty())
    return nullptr;
  others = others || there.size() > 1;
  if (!others)
    return there.front();
  const std::uint64_t received = announced.empty() ? 0 : announced.front()->prefixes_received;
  if (shown.routes.paths > received)
    throw Error(fmt::format("validate {} flowspec routes: FRR shows {} paths, and has {} of the peer that "
                            "announced any: others come or go",
                            name(shown.family), shown.routes.paths, received));
  return announced.empty() ? there.front() : announced.front();
}

/// Throws CannotValidate for one whose routes' originators are not shown.
void check_external(Family family, const ShownPeer& peer) {
  if (peer.remote_as == 0)
    throw CannotValidate(cannot(family, fmt::format("it does not show the AS of {}", peer.address)));
  if (peer.remote_as == peer.local_as)
    throw CannotValidate(
        cannot(family, fmt::format("{} is internal (AS {}), and {}", peer.address, peer.remote_as, hidden)));
}

/// The same sessions, still up: FRR's table versions begin anew when it starts anew.
bool same_sessions(const UnicastSummary& before, const UnicastSummary& now) {
  return std::equal(before.peers.begin(), before.peers.end(), now.peers.begin(), now.peers.end(),
                    [](const auto& one, const auto& other) {
                      const UnicastPeer& a = one.second;
                      const UnicastPeer& b = other.second;
                      return one.first == other.first && a.established == b.established &&
                             a.connections_established == b.connections_established &&
                             a.connections_dropped == b.connections_dropped &&
                             (!a.established || a.uptime <= b.uptime);
                    });
}

std::map<std::string, std::uint32_t> external_peers(const UnicastSummary& summary) {
  std::map<std::string, std::uint32_t> peers;
  for (const auto& [address, peer] : summary.peers)
    if (peer.external())
      peers[address] = peer.remote_as;
  return peers;
}

} // namespace

struct Validator::Known {
  UnicastSummary summary; ///< not newer than the routes
  std::uint64_t version = 0;
  UnicastRoutes routes;
  bool unchosen = false;
  /// As of the summary or before; none: not needed so far.
  std::optional<std::map<std::string, UnicastNeighbor>> neighbors;
};

Validator::Validator(AskFrr ask, Validate mode, std::chrono::milliseconds settle)
    : ask_(std::move(ask)), mode_(mode), settle_(settle) {}
Validator::~Validator() = default;
Validator::Validator(Validator&&) noexcept = default;
Validator& Validator::operator=(Validator&&) noexcept = default;

/// The unicast routes as they are now.
Validator::Known& Validator::look(Family family) {
  const auto ask_summary = [&] {
    return parse_unicast_summary(ask_(fmt::format("show bgp {} unicast summary json", name(family))));
  };
  const auto ask_neighbors = [&] { return parse_unicast_neighbors(ask_("show bgp neighbors json"), family); };
  UnicastSummary summary = ask_summary();
  std::optional<std::map<std::string, UnicastNeighbor>> neighbors;
  const bool young = std::any_of(summary.peers.begin(), summary.peers.end(), [this](const auto& other) {
    return other.second.established && other.second.uptime < settle_;
  });
  if (young) {
    // An End-of-RIB that comes after the table was read says nothing of it.
    neighbors = ask_neighbors();
    summary = ask_summary();
  }
  std::unique_ptr<Known>& known = known_[family];
  if (known && summary.any_established() && known->version == summary.table_version &&
      same_sessions(known->summary, summary)) {
    known->summary = std::move(summary);
    if (neighbors)
      known->neighbors = std::move(neighbors);
    return *known;
  }
  known.reset();
  UnicastTable table =
      parse_unicast_table(ask_(fmt::format("show bgp {} unicast json", name(family))), family);
  UnicastRoutes routes(std::move(table.best), external_peers(summary));
  known = std::make_unique<Known>(
      Known{std::move(summary), table.version, std::move(routes), table.unchosen, std::move(neighbors)});
  return *known;
}

/// Those whose unicast routes make the routes of `peer` feasible have said all they have.
bool Validator::said_all(const Known& known, const ShownPeer& peer) const {
  return std::all_of(known.summary.peers.begin(), known.summary.peers.end(), [&](const auto& named) {
    const auto& [address, other] = named;
    const bool itself = address == peer.address;
    const bool counts = itself || (mode_ == Validate::rfc9117 && other.remote_as == peer.remote_as);
    if (!counts)
      return true;
    if (!other.established)
      return !itself;
    if (other.uptime >= settle_)
      return true;
    if (!known.neighbors)
      return false;
    const auto neighbor = known.neighbors->find(address);
    return neighbor != known.neighbors->end() && neighbor->second.end_of_rib;
  });
}

Announcer Validator::announcer(Family family, Known& known, const ShownPeer& peer) const {
  if (parse_address(peer.address))
    return {peer.address, peer.remote_as};
  // An unnumbered peer is named after its interface, and shown with the address of the other end.
  if (!known.neighbors)
    known.neighbors = parse_unicast_neighbors(ask_("show bgp neighbors json"), family);
  const auto found = known.neighbors->find(peer.address);
  if (found == known.neighbors->end() || found->second.address.empty())
    throw Error(fmt::format("validate {} flowspec routes: FRR shows no address of neighbor {}", name(family),
                            peer.address));
  const std::string& address = found->second.address;
  const auto same = std::count_if(known.neighbors->begin(), known.neighbors->end(),
                                  [&](const auto& other) { return other.second.address == address; });
  if (same > 1)
    throw CannotValidate(cannot(
        family, fmt::format("{} and another neighbor both have the address {}", peer.address, address)));
  return {address, peer.remote_as};
}

Infeasible Validator::judge(const Shown& shown, std::span<const Entry> entries,
                            const std::set<std::string>& held, const Infeasible& before,
                            const std::set<std::string>& installed) {
  Infeasible result;
  const auto stays = [&](const std::string& id) {
    const auto found = before.find(id);
    if (found != before.end())
      result.insert(*found);
    return found != before.end();
  };
  std::vector<const Entry*> open;
  for (const Entry& entry : entries) {
    const std::string id = held.empty() ? std::string() : stable_id(entry.match);
    if (held.contains(id))
      stays(id);
    else
      open.push_back(&entry);
  }
  if (open.empty())
    return result;

  const ShownPeer* peer = who_announced(shown);
  Known* known = nullptr;
  Announcer announcer;
  bool settled = false;
  if (peer != nullptr) {
    check_external(shown.family, *peer);
    known = &look(shown.family);
    announcer = this->announcer(shown.family, *known, *peer);
    if (!known->routes.outside_confederation(announcer.address))
      throw CannotValidate(
          cannot(shown.family, fmt::format("{} is of our confederation, and {}", peer->address, hidden)));
    settled = peer->said_all && said_all(*known, *peer) && !known->unchosen;
  }
  for (const Entry* entry : open) {
    if (!settled) {
      const std::string id = stable_id(entry->match);
      if (stays(id) || installed.contains(id))
        continue;
    }
    if (auto why = known == nullptr ? std::optional<std::string>(nobody_there)
                                    : why_not_feasible(entry->match, announcer, known->routes, mode_))
      result.emplace(stable_id(entry->match), std::move(*why));
  }
  return result;
}

} // namespace flowspec
