// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry_json.hpp"
#include "injector/status_report.hpp"

#include <algorithm>

namespace flowspec {

namespace {

using nlohmann::ordered_json;

ordered_json seconds_json(const std::optional<std::chrono::seconds>& span) {
  return span ? ordered_json(span->count()) : ordered_json(nullptr);
}
ordered_json text_json(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}
/// 0 stands for never.
ordered_json time_json(std::int64_t unix_time) {
  return unix_time == 0 ? ordered_json(nullptr) : ordered_json(unix_time);
}

ordered_json peer_json(const StatusPeer& shown) {
  return {{"address", shown.peer.address},
          {"state", shown.peer.state},
          {"uptime", seconds_json(shown.uptime)},
          {"received", shown.peer.prefixes_received},
          {"connections_established", shown.peer.connections_established},
          {"connections_dropped", shown.peer.connections_dropped},
          {"held", shown.held}};
}

ordered_json family_json(const StatusFamily& family) {
  ordered_json peers = ordered_json::array();
  for (const StatusPeer& peer : family.peers)
    peers.push_back(peer_json(peer));
  return {{"family", name(family.family)}, {"source", family.source}, {"read_ago", family.polled.count()},
          {"routes", family.routes},       {"held", family.held},     {"peers", std::move(peers)}};
}

ordered_json table_json(const StatusTable& table) {
  return {{"family", name(table.family)}, {"table", table.table},       {"rules", table.rules},
          {"to_add", table.added},        {"to_remove", table.removed}, {"complaints", table.complaints}};
}

/// How it stands, and then the entry as everywhere; without one, its rules.
ordered_json entry_json(const StatusEntry& entry) {
  ordered_json result = {{"number", entry.number},
                         {"state", name(entry.standing)},
                         {"packets", entry.hits.decided.packets},
                         {"bytes", entry.hits.decided.bytes},
                         {"dropped_packets", entry.hits.dropped.packets},
                         {"dropped_bytes", entry.hits.dropped.bytes},
                         {"age_seconds", seconds_json(entry.age)},
                         {"held_seconds", seconds_json(entry.held)},
                         {"from", entry.from}};
  if (entry.entry) {
    result["default_policy"] = is_default_policy(entry.entry->match);
    ordered_json about = to_json(*entry.entry);
    about.erase("age"); // as it was when FRR was asked
    result.update(about);
    return result;
  }
  result["id"] = text_json(entry.id);
  result["family"] = name(entry.family);
  if (entry.sequence)
    result["sequence"] = *entry.sequence;
  result["rules"] = entry.rules;
  return result;
}

ordered_json summary_json(const Status& status) {
  ordered_json states = ordered_json::object();
  for (const Standing standing : every_standing)
    states[std::string(name(standing))] =
        std::ranges::count(status.entries, standing, &StatusEntry::standing);
  std::size_t rules = 0;
  for (const StatusTable& table : status.tables)
    rules += table.rules;
  return {{"entries", status.entries.size()},
          {"states", std::move(states)},
          {"rules", rules},
          {"packets", status.hits.decided.packets},
          {"bytes", status.hits.decided.bytes},
          {"dropped_packets", status.hits.dropped.packets},
          {"dropped_bytes", status.hits.dropped.bytes},
          {"tracked_packets", status.tracked.packets},
          {"tracked_bytes", status.tracked.bytes},
          {"spared_packets", status.spared.packets},
          {"spared_bytes", status.spared.bytes},
          {"rejected", status.rejected.size()},
          {"set_aside", status.aside.size()}};
}

ordered_json sums_json(const Totals& totals) {
  return {{"passes_changed", totals.passes_changed},
          {"passes_unchanged", totals.passes_unchanged},
          {"failures", totals.failures},
          {"commits", totals.commits},
          {"repairs", totals.repairs},
          {"lock_waits", totals.lock_waits},
          {"lock_waited_seconds", std::chrono::duration<double>(totals.lock_waited).count()}};
}

template <class Value>
ordered_json list(const std::vector<Value>& values, ordered_json (*one)(const Value&)) {
  ordered_json result = ordered_json::array();
  for (const Value& value : values)
    result.push_back(one(value));
  return result;
}

} // namespace

ordered_json status_json(const Status& status) {
  return {{"chain", status.chain},
          {"now", status.now},
          {"last_pass", time_json(status.last_pass)},
          {"last_success", time_json(status.last_success)},
          {"last_failure", text_json(status.last_failure)},
          {"not_known", text_json(status.not_known)},
          {"summary", summary_json(status)},
          {"families", list(status.families, family_json)},
          {"tables", list(status.tables, table_json)},
          {"entries", list(status.entries, entry_json)},
          {"rejected", to_json(status.rejected)},
          {"set_aside", to_json(status.aside)},
          {"notes", to_json(status.remarks)},
          {"sums", sums_json(status.totals)}};
}

} // namespace flowspec
