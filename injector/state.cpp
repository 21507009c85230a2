// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/state.hpp"

#include "common/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

namespace flowspec {

namespace {

using nlohmann::json;

constexpr std::uint64_t format_number = 1;

// Writing

json to_document(const KnownPeer& peer) {
  return {{"address", peer.address},
          {"state", peer.state},
          {"connections_established", peer.connections_established},
          {"connections_dropped", peer.connections_dropped},
          {"prefixes_received", peer.prefixes_received},
          {"session_began", peer.session_began.count()},
          {"clearing_until", peer.clearing_until.count()}};
}

json to_document(const HeldRoute& held) {
  return {{"id", held.id}, {"since", held.since.count()}, {"peers", held.peers}};
}

json to_document(const TableMark& mark) {
  return {{"family", name(mark.family)}, {"table", mark.table}, {"digests", mark.digests}};
}

template <class Value>
json list(const std::vector<Value>& values) {
  json result = json::array();
  for (const Value& value : values)
    result.push_back(to_document(value));
  return result;
}

json to_document(const FamilyMemory& memory) {
  return {{"source", memory.source},           {"from_frr", memory.from_frr},
          {"polled", memory.polled.count()},   {"table_version", memory.table_version},
          {"routes_hash", memory.routes_hash}, {"peers", list(memory.peers)},
          {"held", list(memory.held)},         {"infeasible", memory.infeasible}};
}

json to_document(const Totals& totals) {
  return {{"passes_changed", totals.passes_changed},
          {"passes_unchanged", totals.passes_unchanged},
          {"failures", totals.failures},
          {"commits", totals.commits},
          {"repairs", totals.repairs},
          {"lock_waits", totals.lock_waits},
          {"lock_waited", totals.lock_waited.count()}};
}

/// JSON has no others.
json finite(const std::map<std::string, double>& gauges) {
  json result = json::object();
  for (const auto& [label, number] : gauges)
    if (std::isfinite(number))
      result[label] = number;
  return result;
}

// Reading: every member by a name and a kind, and nothing believed that is not so.

[[noreturn]] void damaged(std::string_view why) {
  throw Damaged(fmt::format("read the state: {}", why));
}

const json& member(const json& object, const char* key) {
  if (!object.is_object() || !object.contains(key))
    damaged(fmt::format("no \"{}\"", key));
  return object.at(key);
}

template <class Value>
Value read(const json& object, const char* key);

template <>
std::string read(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_string())
    damaged(fmt::format("\"{}\" is no text", key));
  return value.get<std::string>();
}

template <>
bool read(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_boolean())
    damaged(fmt::format("\"{}\" is neither true nor false", key));
  return value.get<bool>();
}

template <>
std::uint64_t read(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_number_unsigned())
    damaged(fmt::format("\"{}\" is no number", key));
  return value.get<std::uint64_t>();
}

/// Times are positive, and far from where sums of them would not fit.
template <>
std::int64_t read(const json& object, const char* key) {
  const auto value = read<std::uint64_t>(object, key);
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 4))
    damaged(fmt::format("\"{}\" is {}, which is no time", key, value));
  return static_cast<std::int64_t>(value);
}

template <>
Instant read(const json& object, const char* key) {
  return Instant(read<std::int64_t>(object, key));
}

template <class Value, class Read>
std::vector<Value> read_list(const json& object, const char* key, Read read_one) {
  const json& value = member(object, key);
  if (!value.is_array())
    damaged(fmt::format("\"{}\" is no list", key));
  std::vector<Value> result;
  for (const json& item : value)
    result.push_back(read_one(item));
  return result;
}

template <>
std::vector<std::string> read(const json& object, const char* key) {
  return read_list<std::string>(object, key, [key](const json& item) {
    if (!item.is_string())
      damaged(fmt::format("\"{}\" holds something that is no text", key));
    return item.get<std::string>();
  });
}

template <>
std::map<std::string, std::uint64_t> read(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_object())
    damaged(fmt::format("\"{}\" is no object", key));
  std::map<std::string, std::uint64_t> result;
  for (const auto& [label, sum] : value.items())
    result.emplace(label, read<std::uint64_t>(value, label.c_str()));
  return result;
}

template <>
std::map<std::string, std::string> read(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_object())
    damaged(fmt::format("\"{}\" is no object", key));
  std::map<std::string, std::string> result;
  for (const auto& [label, text] : value.items())
    result.emplace(label, read<std::string>(value, label.c_str()));
  return result;
}

template <>
std::map<std::string, double> read(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_object())
    damaged(fmt::format("\"{}\" is no object", key));
  std::map<std::string, double> result;
  for (const auto& [label, number] : value.items()) {
    if (!number.is_number())
      damaged(fmt::format("\"{}\" is no number", label));
    result.emplace(label, number.get<double>());
  }
  return result;
}

KnownPeer read_peer(const json& object) {
  return {read<std::string>(object, "address"),
          read<std::string>(object, "state"),
          read<std::uint64_t>(object, "connections_established"),
          read<std::uint64_t>(object, "connections_dropped"),
          read<std::uint64_t>(object, "prefixes_received"),
          read<Instant>(object, "session_began"),
          read<Instant>(object, "clearing_until")};
}

HeldRoute read_held(const json& object) {
  return {read<std::string>(object, "id"), read<Instant>(object, "since"),
          read<std::vector<std::string>>(object, "peers")};
}

FamilyMemory read_memory(const json& object) {
  FamilyMemory memory;
  memory.source = read<std::string>(object, "source");
  memory.from_frr = read<bool>(object, "from_frr");
  memory.polled = read<Instant>(object, "polled");
  memory.table_version = read<std::uint64_t>(object, "table_version");
  if (object.contains("routes_hash")) // older versions did not know of it
    memory.routes_hash = read<std::uint64_t>(object, "routes_hash");
  memory.peers = read_list<KnownPeer>(object, "peers", read_peer);
  memory.held = read_list<HeldRoute>(object, "held", read_held);
  if (object.contains("infeasible")) // older versions did not know of it
    memory.infeasible = read<std::map<std::string, std::string>>(object, "infeasible");
  return memory;
}

TableMark read_mark(const json& object) {
  const auto family = read<std::string>(object, "family");
  if (family != name(Family::ipv4) && family != name(Family::ipv6))
    damaged(fmt::format("\"{}\" is no family", family));
  return {family == name(Family::ipv4) ? Family::ipv4 : Family::ipv6, read<std::string>(object, "table"),
          read<std::vector<std::string>>(object, "digests")};
}

Totals read_totals(const json& object) {
  using Sums = std::map<std::string, std::uint64_t>;
  return {read<std::uint64_t>(object, "passes_changed"),
          read<std::uint64_t>(object, "passes_unchanged"),
          read<Sums>(object, "failures"),
          read<Sums>(object, "commits"),
          read<Sums>(object, "repairs"),
          read<std::uint64_t>(object, "lock_waits"),
          read<Instant>(object, "lock_waited")};
}

void check_origin(const json& document, const Origin& origin) {
  if (read<std::uint64_t>(document, "format") != format_number)
    damaged("it was written by another version");
  if (read<std::string>(document, "chain") != origin.chain)
    damaged(fmt::format("it is of chain {}", read<std::string>(document, "chain")));
  if (read<std::string>(document, "boot") != origin.boot)
    damaged("the machine has started since it was written");
  if (read<std::string>(document, "network") != origin.network)
    damaged("it is of another network namespace");
}

} // namespace

std::string state_text(const State& state, const Origin& origin) {
  json families = json::object();
  for (const auto& [family, memory] : state.families)
    families[std::string(name(family))] = to_document(memory);
  const json document = {{"format", format_number},
                         {"boot", origin.boot},
                         {"network", origin.network},
                         {"chain", origin.chain},
                         {"families", std::move(families)},
                         {"marks", list(state.marks)},
                         {"totals", to_document(state.totals)},
                         {"last_pass", state.last_pass},
                         {"last_success", state.last_success},
                         {"last_failure", state.last_failure},
                         {"gauges", finite(state.gauges)}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

State parse_state(std::string_view text, const Origin& origin) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object())
    damaged("it is not one JSON object");
  check_origin(document, origin);
  State state;
  const json& families = member(document, "families");
  for (const Family family : {Family::ipv4, Family::ipv6})
    if (families.is_object() && families.contains(name(family)))
      state.families.emplace(family, read_memory(families.at(std::string(name(family)))));
  state.marks = read_list<TableMark>(document, "marks", read_mark);
  state.totals = read_totals(member(document, "totals"));
  state.last_pass = read<std::int64_t>(document, "last_pass");
  state.last_success = read<std::int64_t>(document, "last_success");
  state.last_failure = read<std::string>(document, "last_failure");
  state.gauges = read<std::map<std::string, double>>(document, "gauges");
  return state;
}

} // namespace flowspec
