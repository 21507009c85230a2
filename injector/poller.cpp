// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/poller.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace flowspec {

namespace {

/// Nothing that FRR tells of its table and its sessions is different; uptimes always are.
bool says_the_same(const FlowspecSummary& a, const FlowspecSummary& b) {
  return a.table_version == b.table_version &&
         std::equal(a.peers.begin(), a.peers.end(), b.peers.begin(), b.peers.end(),
                    [](const FlowspecPeer& one, FlowspecPeer other) {
                      const bool same_session = !one.established() || other.uptime >= one.uptime;
                      other.uptime = one.uptime;
                      return same_session && one == other;
                    });
}

/// An End-of-RIB, or withdrawals to be looked at twice, may come without the summary telling. A peer that is
/// unheard may be so for ever: it is looked at again with the next full look.
bool waits(const Shown& shown, const FamilyMemory* memory) {
  const bool unsettled = std::any_of(shown.peers.begin(), shown.peers.end(), [](const ShownPeer& peer) {
    return peer.established() && !peer.said_all && peer.unheard.empty();
  });
  return unsettled || memory == nullptr ||
         std::any_of(memory->held.begin(), memory->held.end(),
                     [](const HeldRoute& route) { return route.peers.empty(); });
}

/// Paths of a route ask for different things. Mostly that is a change which has come by one of them and not
/// yet by the others: when these follow, FRR's table version, which is that of best paths, does not tell.
bool disagree(const Shown& shown) {
  return std::any_of(shown.routes.remarks.begin(), shown.routes.remarks.end(),
                     [](const Rejected& remark) { return remark.reason == Reason::conflicting_paths; });
}
/// Those that disagree for longer mean it.
constexpr std::chrono::seconds paths_follow_within{60};

bool had_peers(const FamilyMemory* memory) {
  return memory != nullptr && memory->from_frr && (!memory->peers.empty() || !memory->held.empty());
}

} // namespace

Poller::Poller(AskFrr ask, std::vector<Family> families, PollOptions options, std::function<Instant()> now)
    : ask_(std::move(ask)), families_(std::move(families)), options_(std::move(options)),
      now_(std::move(now)) {}

Polled Poller::poll(Depth depth, const State& known, const AboutToRead& about_to_read) {
  Polled polled;
  const std::vector both{Family::ipv4, Family::ipv6};
  for (const Family family : families_.empty() ? both : families_) {
    const auto memory = known.families.find(family);
    try {
      if (auto shown = poll_family(family, depth, memory == known.families.end() ? nullptr : &memory->second,
                                   about_to_read, polled.in_full))
        polled.shown.push_back(std::move(shown));
    } catch (const NoAnswer& error) {
      polled.failures.push_back({family, Cause::no_answer, error.what()});
      break; // nor will it answer for the other family, and each question takes time
    } catch (const Error& error) {
      polled.failures.push_back({family, Cause::bad_answer, error.what()});
    } catch (const std::bad_alloc&) {
      polled.failures.push_back({family, Cause::resources, "read FRR's routes: not enough memory"});
    }
  }
  return polled;
}

std::shared_ptr<Shown> Poller::poll_family(Family family, Depth depth, const FamilyMemory* memory,
                                           const AboutToRead& about_to_read, bool& in_full) {
  const Instant asked = now_();
  FlowspecSummary summary = ask_summary(ask_, family);
  if (families_.empty() && summary.peers.empty() && !had_peers(memory)) {
    last_.erase(family);
    return nullptr;
  }
  const auto last = last_.find(family);
  const bool moved = last == last_.end() || last->second.summary.table_version != summary.table_version;
  const Instant moved_at = moved ? asked : last->second.moved_at;
  if (depth == Depth::summary && last != last_.end() && says_the_same(last->second.summary, summary) &&
      !waits(*last->second.shown, memory) &&
      !(asked - moved_at < paths_follow_within && disagree(*last->second.shown))) {
    Shown& shown = *last->second.shown;
    shown.asked = asked;
    for (std::size_t index = 0; index < summary.peers.size(); ++index)
      static_cast<FlowspecPeer&>(shown.peers[index]) = summary.peers[index];
    last->second.summary = std::move(summary);
    return last->second.shown;
  }
  last_.erase(family);
  auto shown = std::make_shared<Shown>(poll_frr(ask_, family, summary, options_, about_to_read));
  shown->asked = asked;
  in_full = true;
  last_.emplace(family, Last{std::move(summary), shown, moved_at});
  return shown;
}

} // namespace flowspec
