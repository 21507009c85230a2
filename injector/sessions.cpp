// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/sessions.hpp"

#include <algorithm>

namespace flowspec {

namespace {

using namespace std::chrono_literals;

/// FRR drops the routes of a session bit by bit, and for a while shows some that are gone.
constexpr Instant clearing_time = 5s;
/// FRR counts uptimes in seconds that have begun.
constexpr Instant uptime_error = 1s;

constexpr const char* removed = "removed";

template <class Peer>
const Peer* find(const std::vector<Peer>& peers, const std::string& address) {
  const auto found =
      std::find_if(peers.begin(), peers.end(), [&](const Peer& peer) { return peer.address == address; });
  return found == peers.end() ? nullptr : &*found;
}

/// `now`, as it is shown, has the session that was known. A bgpd that started again counts anew: then only
/// the time at which the session began tells.
bool same_session(const KnownPeer& known, const ShownPeer& now, Instant asked) {
  return now.established() && now.connections_established == known.connections_established &&
         now.connections_dropped == known.connections_dropped &&
         asked - now.uptime - uptime_error <= known.session_began;
}

bool session_ended(const KnownPeer& known, const ShownPeer* now, Instant asked) {
  if (known.established())
    return now == nullptr || !same_session(known, *now, asked);
  // One that came and went unseen.
  return now != nullptr && now->connections_dropped > known.connections_dropped;
}

KnownPeer next_peer(const KnownPeer* known, const ShownPeer& now, Instant asked, Instant read) {
  KnownPeer next{now.address,
                 now.state,
                 now.connections_established,
                 now.connections_dropped,
                 now.prefixes_received,
                 {},
                 known == nullptr ? Instant(0) : std::min(known->clearing_until, read + clearing_time)};
  if (now.established()) {
    // A clock that began later than the session: a peer on another machine's FRR.
    next.session_began = std::max(Instant(0), read - now.uptime + uptime_error);
    // Nothing is left of a session before the first; a bgpd that started again may be taken for the same one.
    const Instant unsure = now.connections_dropped == 0 ? 2 * uptime_error : clearing_time;
    next.clearing_until = std::max(next.clearing_until, next.session_began + unsure);
  }
  if (now.state == "Clearing" || (known != nullptr && session_ended(*known, &now, asked)))
    next.clearing_until = read + clearing_time;
  return next;
}

} // namespace

std::set<std::string> ended_sessions(const std::vector<KnownPeer>& known, Instant polled,
                                     const Shown& shown) {
  std::set<std::string> ended;
  for (const KnownPeer& peer : known)
    if (session_ended(peer, find(shown.peers, peer.address), shown.asked) || polled < peer.clearing_until)
      ended.insert(peer.address);
  return ended;
}

bool nobody_was_missed(const std::vector<KnownPeer>& known, const Shown& shown) {
  const auto is_shown = [&](const KnownPeer& peer) { return find(shown.peers, peer.address) != nullptr; };
  const auto has_told = [&](const ShownPeer& now) {
    if (now.said_all)
      return true;
    const KnownPeer* then = find(known, now.address);
    return then != nullptr && !then->established() && !now.established() &&
           then->connections_established == now.connections_established &&
           then->connections_dropped == now.connections_dropped;
  };
  return std::all_of(known.begin(), known.end(), is_shown) &&
         std::all_of(shown.peers.begin(), shown.peers.end(), has_told);
}

std::vector<KnownPeer> next_peers(const std::vector<KnownPeer>& known, const Shown& shown,
                                  const std::vector<HeldRoute>& held, Instant now) {
  std::vector<KnownPeer> next;
  for (const ShownPeer& peer : shown.peers)
    next.push_back(next_peer(find(known, peer.address), peer, shown.asked, now));
  const auto waited_for = [&held](const std::string& address) {
    return std::any_of(held.begin(), held.end(), [&](const HeldRoute& route) {
      return std::find(route.peers.begin(), route.peers.end(), address) != route.peers.end();
    });
  };
  for (KnownPeer peer : known) {
    if (find(shown.peers, peer.address) != nullptr)
      continue;
    if (peer.established())
      peer.clearing_until = now + clearing_time;
    peer.state = removed;
    peer.prefixes_received = 0;
    if (now < peer.clearing_until || waited_for(peer.address))
      next.push_back(std::move(peer));
  }
  return next;
}

} // namespace flowspec
