// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/hold.hpp"

#include "injector/sessions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

/// Withdrawals of so few routes need no second look, whatever part of them all they are.
constexpr std::size_t few_withdrawals = 10;

using Entries = std::unordered_map<std::string, const Entry*>;

Entries by_id(const RoutesRead& routes) {
  Entries entries;
  for (const Entry& entry : routes.entries)
    entries.emplace(stable_id(entry.match), &entry);
  return entries;
}

/// Puts the entries of `held`, which know what is shown of the same match, in the place of those that are
/// shown, or behind them.
void enforce_held(RoutesRead held, RoutesRead& routes) {
  if (held.entries.empty())
    return;
  std::unordered_map<std::string, Entry*> shown;
  for (Entry& entry : routes.entries)
    shown.emplace(stable_id(entry.match), &entry);
  std::vector<Entry> further;
  for (Entry& entry : held.entries) {
    const auto found = shown.find(stable_id(entry.match));
    if (found != shown.end())
      *found->second = std::move(entry);
    else
      further.push_back(std::move(entry));
  }
  std::move(further.begin(), further.end(), std::back_inserter(routes.entries));
}

std::string states_of(const std::vector<ShownPeer>& peers) {
  std::string text;
  for (const ShownPeer& peer : peers)
    text += fmt::format("{}{} is {}", text.empty() ? "" : ", ", peer.address, peer.state);
  return text.empty() ? "it has none" : text;
}

/// A peer that has not said all, and may yet.
bool may_come(const ShownPeer& peer) {
  return peer.established() && !peer.said_all && peer.unheard.empty();
}

/// One decision over all routes of a family.
class Holder {
 public:
  Holder(const Shown& shown, const std::optional<FamilyMemory>& known, const std::set<std::string>& installed,
         const ReadingOptions& reading, const HoldOptions& options, Instant now)
      : shown_(shown), known_(known), installed_(installed), reading_(reading), options_(options), now_(now),
        current_(by_id(shown.routes)) {
    if (known_)
      sessions_ended_ = ended_sessions(known_->peers, known_->polled, shown_);
  }

  Kept decide(RoutesRead* spare) {
    gather_candidates();
    std::vector<HeldRoute> stale;
    std::vector<HeldRoute> going; // withdrawn
    for (HeldRoute& candidate : candidates_)
      sort_out(std::move(candidate), stale, going);
    confirm(going);
    Kept kept;
    kept.memory.emplace(memory());
    kept.holding = {shown_.family, stale.size(), going.size(), waited_for(stale)};
    kept.look_again = look_again(stale, going);
    for (const std::vector<HeldRoute>* routes : {&stale, &going})
      for (const HeldRoute& route : *routes)
        remember(route, *kept.memory);
    RoutesRead held =
        read_frr_routes(with_shown(kept.memory->held_routes, kept.memory->held), shown_.family, reading_);
    kept.routes = spare == nullptr ? shown_.routes : std::move(*spare);
    enforce_held(std::move(held), kept.routes);
    if (kept.routes.entries.size() > options_.max_routes)
      kept.refused = fmt::format("{} {} routes with those that are held, more than --max-routes {}",
                                 kept.routes.entries.size(), name(shown_.family), options_.max_routes);
    if (!unknown_.empty())
      kept.refused = refusal(going);
    keep_peers(*kept.memory);
    if (kept.routes.entries.size() >
        options_.max_routes) // nor may what is held grow with a session that flaps
      kept.memory.reset();
    return kept;
  }

 private:
  using Texts = std::unordered_map<std::string, RouteText>;

  const ShownPeer* shown_peer(const std::string& address) const {
    const auto found = std::find_if(shown_.peers.begin(), shown_.peers.end(),
                                    [&](const ShownPeer& peer) { return peer.address == address; });
    return found == shown_.peers.end() ? nullptr : &*found;
  }

  bool said_all(const std::string& address) const {
    const ShownPeer* peer = shown_peer(address);
    return peer != nullptr && peer->said_all;
  }

  bool anybody_there() const {
    return std::any_of(shown_.peers.begin(), shown_.peers.end(),
                       [](const ShownPeer& peer) { return peer.established(); });
  }

  bool anybody_to_come() const { return std::any_of(shown_.peers.begin(), shown_.peers.end(), may_come); }

  /// A table without routes, and nobody has said that this is all.
  bool says_nothing() const {
    return shown_.routes.paths == 0 && std::none_of(shown_.peers.begin(), shown_.peers.end(),
                                                    [](const ShownPeer& peer) { return peer.said_all; });
  }

  /// Every route that might be held or might go, with the peers it is held for so far.
  void gather_candidates() {
    std::set<std::string> met;
    if (known_) {
      held_texts_ = route_texts(known_->held_routes, shown_.family, reading_.operator_table);
      for (HeldRoute held : known_->held)
        if (still_held(held) && met.insert(held.id).second) {
          held.since = std::min(held.since, now_);
          if (held.peers.empty()) // the second look cannot be had of whoever went meanwhile
            held.peers.assign(sessions_ended_.begin(), sessions_ended_.end());
          candidates_.push_back(std::move(held));
        }
    }
    if (known_ && (!sessions_ended_.empty() || any_gone(met)))
      shown_before_ =
          route_texts(known_->routes, shown_.family, reading_.operator_table, [&](const std::string& id) {
            return !sessions_ended_.empty() || !current_.contains(id) || met.contains(id);
          });
    const std::vector<std::string> ended(sessions_ended_.begin(), sessions_ended_.end());
    if (!ended.empty())
      gather_lost(ended, met);
    for (const std::string& id : installed_)
      if (!current_.contains(id) && met.insert(id).second)
        candidates_.push_back({id, now_, ended});
  }

  /// A route that was withdrawn is so until it is shown again; one that waits for a peer, until that peer has
  /// said all, whatever others say of the same match.
  bool still_held(const HeldRoute& held) const { return !current_.contains(held.id) || !held.peers.empty(); }

  std::size_t paths_shown(const std::string& id) {
    if (!shown_now_)
      shown_now_ = route_texts(shown_.text, shown_.family, reading_.operator_table);
    const auto found = shown_now_->find(id);
    return found == shown_now_->end() ? 0 : found->second.paths;
  }

  bool any_gone(const std::set<std::string>& met) const {
    return std::any_of(installed_.begin(), installed_.end(),
                       [&](const std::string& id) { return !current_.contains(id) && !met.contains(id); });
  }

  /// Routes that a session took with it: as a whole, or a path that others have too.
  void gather_lost(const std::vector<std::string>& ended, std::set<std::string>& met) {
    const RoutesRead before = read_frr_routes(known_->routes, shown_.family, reading_);
    for (const Entry& entry : before.entries) {
      const std::string id = stable_id(entry.match);
      const auto now = current_.find(id);
      const bool lost = now == current_.end() ||
                        (!ask_the_same(*now->second, entry) && shown_before_.at(id).paths > paths_shown(id));
      if (lost && met.insert(id).second)
        candidates_.push_back({id, now_, ended});
      else if (lost)
        wait_for(ended, id);
    }
  }

  /// One that is held already was shown by those too whose sessions ended now.
  void wait_for(const std::vector<std::string>& ended, const std::string& id) {
    const auto found = std::find_if(candidates_.begin(), candidates_.end(),
                                    [&](const HeldRoute& route) { return route.id == id; });
    for (const std::string& peer : ended)
      if (std::find(found->peers.begin(), found->peers.end(), peer) == found->peers.end())
        found->peers.push_back(peer);
  }

  const RouteText* text_of(const std::string& id) const {
    if (const auto held = held_texts_.find(id); held != held_texts_.end())
      return &held->second;
    const auto before = shown_before_.find(id);
    return before == shown_before_.end() ? nullptr : &before->second;
  }

  /// Everybody who has not said all.
  std::vector<std::string> silent_peers() const {
    std::vector<std::string> addresses;
    for (const ShownPeer& peer : shown_.peers)
      if (!peer.said_all)
        addresses.push_back(peer.address);
    return addresses;
  }

  void sort_out(HeldRoute route, std::vector<HeldRoute>& stale, std::vector<HeldRoute>& going) {
    if (text_of(route.id) == nullptr)
      return sort_out_unknown(std::move(route), going);
    const bool was_stale = !route.peers.empty();
    std::erase_if(route.peers, [this](const std::string& peer) { return said_all(peer); });
    if (route.peers.empty() && says_nothing())
      route.peers = silent_peers();
    const bool in_time = !options_.hold_time || now_ - route.since < *options_.hold_time;
    if (!route.peers.empty() && (in_time || (says_nothing() && anybody_to_come())))
      return stale.push_back(std::move(route));
    if (current_.contains(route.id))
      return; // what is shown of it takes its place
    going.push_back({std::move(route.id), was_stale ? now_ : route.since, {}});
  }

  /// Of an installed route that nothing is known of: it goes when everybody who could have announced it has
  /// said all.
  void sort_out_unknown(HeldRoute route, std::vector<HeldRoute>& going) {
    if (!installed_.contains(route.id))
      return;
    std::string silent;
    for (const ShownPeer& peer : shown_.peers)
      if (!peer.said_all && !over(peer))
        silent += fmt::format("{}{} {}", silent.empty() ? "" : ", ", peer.address, standing(&peer));
    if (silent.empty() && !anybody_there() && !options_.hold_time)
      silent = "nobody is there";
    if (!silent.empty()) {
      silent_ = std::move(silent);
      unknown_.insert(std::move(route.id));
    } else {
      going.push_back({std::move(route.id), route.peers.empty() ? route.since : now_, {}});
    }
  }

  /// Down, or unheard, for longer than anything is held.
  bool over(const ShownPeer& peer) const {
    return (!peer.established() || !peer.unheard.empty()) && options_.hold_time &&
           peer.uptime >= *options_.hold_time &&
           (peer.uptime.count() > 0 || options_.hold_time->count() == 0);
  }

  /// Leaves in `going` those that stay for a second look.
  void confirm(std::vector<HeldRoute>& going) {
    const std::size_t all = installed_.size();
    const bool many = going.size() > few_withdrawals &&
                      static_cast<double>(going.size()) > options_.max_withdraw * static_cast<double>(all);
    std::erase_if(
        going, [&](const HeldRoute& route) { return !many || now_ - route.since >= options_.confirm_after; });
    for (const HeldRoute& route : going)
      if (text_of(route.id) == nullptr) // it can stay only if everything does
        unknown_.insert(route.id);
  }

  std::string refusal(const std::vector<HeldRoute>& going) const {
    const std::string what =
        fmt::format("{} of {} installed {} routes are not in FRR's table, and nothing is "
                    "known of them",
                    unknown_.size(), installed_.size(), name(shown_.family));
    if (!silent_.empty())
      return fmt::format("{}, and peers that may have announced them have not said all: {}", what, silent_);
    return fmt::format("{}: {} would go at once, and a second look comes first", what, going.size());
  }

  /// `texts` and what is shown of the same matches: the strictest of all paths is taken.
  std::string with_shown(std::string texts, const std::vector<HeldRoute>& held) {
    for (const HeldRoute& route : held)
      if (current_.contains(route.id) && paths_shown(route.id) > 0)
        texts += shown_now_->at(route.id).text;
    return texts;
  }

  void remember(const HeldRoute& route, FamilyMemory& memory) const {
    memory.held.push_back(route);
    if (const RouteText* text = text_of(route.id))
      memory.held_routes += text->text;
  }

  FamilyMemory memory() const {
    FamilyMemory memory;
    memory.polled = now_;
    memory.table_version = shown_.table_version;
    memory.routes = shown_.text;
    return memory;
  }

  void keep_peers(FamilyMemory& memory) const {
    static const std::vector<KnownPeer> nobody;
    memory.peers = next_peers(known_ ? known_->peers : nobody, shown_, memory.held, now_);
  }

  static std::string standing(const ShownPeer* peer) {
    if (peer == nullptr)
      return "removed";
    if (!peer->unheard.empty())
      return fmt::format("{}, {}", peer->state, peer->unheard);
    return peer->established() ? "Established, no End-of-RIB yet" : peer->state;
  }

  std::vector<std::string> waited_for(const std::vector<HeldRoute>& stale) const {
    std::set<std::string> addresses;
    for (const HeldRoute& route : stale)
      addresses.insert(route.peers.begin(), route.peers.end());
    std::vector<std::string> words;
    for (const std::string& address : addresses) {
      words.push_back(fmt::format("{} ({})", address, standing(shown_peer(address))));
    }
    return words;
  }

  std::optional<Instant> look_again(const std::vector<HeldRoute>& stale,
                                    const std::vector<HeldRoute>& going) const {
    std::optional<Instant> earliest;
    const auto at = [&](Instant when) { earliest = std::min(earliest.value_or(when), when); };
    if (options_.hold_time)
      for (const HeldRoute& route : stale)
        at(route.since + *options_.hold_time);
    for (const HeldRoute& route : going)
      at(route.since + options_.confirm_after);
    return earliest;
  }

  const Shown& shown_;
  const std::optional<FamilyMemory>& known_;
  const std::set<std::string>& installed_;
  const ReadingOptions& reading_;
  const HoldOptions& options_;
  Instant now_;
  Entries current_;                      ///< once their routes are taken only the ids hold
  std::set<std::string> sessions_ended_; ///< since what is known was shown
  Texts held_texts_;
  Texts shown_before_;
  std::optional<Texts> shown_now_;
  std::vector<HeldRoute> candidates_;
  std::set<std::string> unknown_; ///< installed, and no text says what
  std::string silent_;            ///< who might know them
};

} // namespace

Kept keep(const Shown& shown, const std::optional<FamilyMemory>& known,
          const std::set<std::string>& installed, const ReadingOptions& reading, const HoldOptions& options,
          Instant now, RoutesRead* spare) {
  const auto refuse = [](std::string why) {
    Kept kept;
    kept.refused = std::move(why);
    return kept;
  };
  const std::size_t routes = shown.routes.routes.of(shown.family);
  if (routes > options.max_routes)
    return refuse(fmt::format("FRR has {} {} routes, more than --max-routes {}", routes, name(shown.family),
                              options.max_routes));
  const bool known_to_frr = known && known->from_frr;
  const auto established = [](const ShownPeer& peer) { return peer.established(); };
  if (!known_to_frr && std::none_of(shown.peers.begin(), shown.peers.end(), established))
    return refuse(fmt::format("ask FRR for {} flowspec routes: no flowspec peer of its is Established ({})",
                              name(shown.family), states_of(shown.peers)));
  const auto said_all = [](const ShownPeer& peer) { return peer.said_all; };
  if (!known_to_frr && shown.routes.paths == 0 &&
      std::none_of(shown.peers.begin(), shown.peers.end(), said_all) &&
      std::any_of(shown.peers.begin(), shown.peers.end(), may_come)) // else there is nobody to wait for
    return refuse(
        fmt::format("ask FRR for {} flowspec routes: it has none, and no peer has sent its End-of-RIB "
                    "or has settled (--settle)",
                    name(shown.family)));
  if (known_to_frr)
    return Holder(shown, known, installed, reading, options, now).decide(spare);
  // What the operator gave is nobody's session's: it goes.
  std::set<std::string> of_frr = installed;
  if (known)
    for (const auto& [id, text] : route_texts(known->routes, shown.family, reading.operator_table))
      of_frr.erase(id);
  static const std::optional<FamilyMemory> nothing;
  return Holder(shown, nothing, of_frr, reading, options, now).decide(spare);
}

RoutesRead remembered(const FamilyMemory& memory, Family family, const ReadingOptions& reading) {
  RoutesRead routes = read_frr_routes(memory.routes, family, reading);
  if (memory.held_routes.empty())
    return routes;
  const auto shown = route_texts(memory.routes, family, reading.operator_table);
  std::string held = memory.held_routes;
  for (const HeldRoute& route : memory.held)
    if (const auto found = shown.find(route.id); found != shown.end())
      held += found->second.text;
  enforce_held(read_frr_routes(held, family, reading), routes);
  return routes;
}

} // namespace flowspec
