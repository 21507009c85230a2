// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/pass_events.hpp"

#include "injector/status_sentence.hpp"
#include "injector/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace flowspec {

namespace {

/// More single routes than these are in `status`.
constexpr std::size_t most_single_routes = 20;

std::string_view title(Family family) {
  return family == Family::ipv4 ? "IPv4" : "IPv6";
}

std::string edits_words(const Changes& changes) {
  return fmt::format("{} added, {} removed", counted(changes.added(), "rule"), changes.removed());
}

void add_changed(const Pass& pass, std::vector<Event>& events) {
  bool changed = false;
  for (const Changes& changes : pass.changes) {
    if (changes.edits.empty())
      continue;
    changed = true;
    events.push_back({Level::info,
                      "changed",
                      fmt::format("{}: {}; now {}", title(changes.after), edits_words(changes), extent(pass)),
                      {{"family", std::string(name(changes.after.family))},
                       {"table", changes.after.table},
                       {"added", std::to_string(changes.added())},
                       {"removed", std::to_string(changes.removed())},
                       {"routes", std::to_string(pass.enforced.sum())}}});
  }
  if (!changed)
    events.push_back({Level::debug, "unchanged", extent(pass), {}});
}

/// "192.0.2.1" of "192.0.2.1 (Active)".
std::vector<std::string> addresses(const std::vector<std::string>& peers) {
  std::vector<std::string> result;
  result.reserve(peers.size());
  for (const std::string& peer : peers)
    result.push_back(peer.substr(0, peer.find(' ')));
  std::sort(result.begin(), result.end());
  return result;
}

std::size_t hash_of(const Rejected& rejected) {
  const std::hash<std::string> hash;
  std::size_t sum = static_cast<std::size_t>(rejected.reason);
  for (const std::string* text : {&rejected.subject, &rejected.detail})
    sum = sum * 1'099'511'628'211U ^ hash(*text);
  return sum;
}

/// "3 never-matches, 2 ambiguous-operators".
std::string by_reason(const std::vector<Rejected>& all) {
  std::map<std::string_view, std::size_t> counts;
  for (const Rejected& rejected : all)
    ++counts[name(rejected.reason)];
  std::string text;
  for (const auto& [reason, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, reason);
  return text;
}

} // namespace

std::vector<Event> PassEvents::of(const PassOutcome& outcome, Instant now) {
  std::vector<Event> events;
  if (!std::exchange(ready_, true))
    events.push_back(
        {Level::notice, "ready", fmt::format("the first pass is done: {}", extent(outcome.pass)), {}});
  add_tampering(outcome, now, events);
  add_changed(outcome.pass, events);
  add_holding(outcome, events);
  add_rejected(outcome.pass, events);
  add_aside(outcome.pass, events);
  return events;
}

void PassEvents::add_tampering(const PassOutcome& outcome, Instant now, std::vector<Event>& events) {
  if (unsaid_tampering_ > 0 && tampering_lines_.over(now))
    events.push_back({Level::warning,
                      "tampering",
                      fmt::format("{} more that had no line of their own, so many they were",
                                  std::exchange(unsaid_tampering_, 0)),
                      {}});
  for (const Tampering& tampering : outcome.tampering) {
    if (!tampering_lines_.spend(now)) {
      ++unsaid_tampering_;
      continue;
    }
    const auto& tables = outcome.pass.changes;
    const auto repair = std::find_if(tables.begin(), tables.end(), [&](const Changes& changes) {
      return changes.after.family == tampering.family && changes.after.table == tampering.table;
    });
    const bool repaired = repair != tables.end() && !repair->edits.empty();
    const std::string table = (tampering.family == Family::ipv4 ? "" : "IPv6 ") + tampering.table;
    events.push_back(
        {Level::warning,
         "tampering",
         fmt::format("{}: {}; {}", table, tampering.what,
                     repaired ? "put back: " + edits_words(*repair) : "nothing had to be put back"),
         {{"kind", tampering.kind},
          {"family", std::string(name(tampering.family))},
          {"table", tampering.table}}});
  }
}

void PassEvents::add_holding(const PassOutcome& outcome, std::vector<Event>& events) {
  std::map<Family, Held> all;
  for (const Holding& of : outcome.holding)
    all[of.family] = {of.stale, of.unconfirmed, addresses(of.peers)};
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const Held& now = all[family];
    const Held& before = held_[family];
    const auto add = [&](Level level, const char* name_of_event, const std::string& message,
                         std::size_t count) {
      events.push_back({level,
                        name_of_event,
                        fmt::format("{}: {}", title(family), message),
                        {{"family", std::string(name(family))}, {"routes", std::to_string(count)}}});
    };
    if (now.stale > 0 && (now.stale != before.stale || now.peers != before.peers))
      add(Level::warning, "held",
          fmt::format("{} held for {}", counted(now.stale, "route"), fmt::join(now.peers, ", ")), now.stale);
    if (now.stale == 0 && before.stale > 0)
      add(Level::notice, "released", fmt::format("{} held no more", counted(before.stale, "route")),
          before.stale);
    if (now.unconfirmed > 0 && now.unconfirmed != before.unconfirmed)
      add(Level::warning, "unconfirmed",
          fmt::format("{} withdrawn at once; what is installed stays until a second look",
                      counted(now.unconfirmed, "route")),
          now.unconfirmed);
  }
  held_ = std::move(all);
}

void PassEvents::add_aside(const Pass& pass, std::vector<Event>& events) {
  std::string now = by_reason(pass.aside);
  if (now == aside_)
    return;
  events.push_back({Level::info,
                    "set-aside",
                    pass.aside.empty()
                        ? "no route is left out any more"
                        : fmt::format("{} left out: {}", counted(pass.aside.size(), "route"), now),
                    {{"routes", std::to_string(pass.aside.size())}}});
  aside_ = std::move(now);
}

void PassEvents::add_rejected(const Pass& pass, std::vector<Event>& events) {
  std::vector<std::size_t> hashes;
  hashes.reserve(pass.rejected.size());
  for (const Rejected& rejected : pass.rejected)
    hashes.push_back(hash_of(rejected));
  std::vector<std::size_t> sorted = hashes;
  std::sort(sorted.begin(), sorted.end());
  if (sorted == rejected_)
    return;
  if (pass.rejected.empty())
    events.push_back({Level::info, "rejected", "no route is rejected any more", {{"routes", "0"}}});
  else
    events.push_back(
        {Level::info,
         "rejected",
         fmt::format("{} rejected: {}", counted(pass.rejected.size(), "route"), by_reason(pass.rejected)),
         {{"routes", std::to_string(pass.rejected.size())}}});
  std::size_t single = 0;
  for (std::size_t index = 0; index < hashes.size() && single < most_single_routes; ++index) {
    if (std::binary_search(rejected_.begin(), rejected_.end(), hashes[index]))
      continue;
    ++single;
    const Rejected& rejected = pass.rejected[index];
    events.push_back({Level::debug,
                      "rejected-route",
                      to_string(rejected),
                      {{"reason", std::string(name(rejected.reason))}}});
  }
  rejected_ = std::move(sorted);
}

} // namespace flowspec
