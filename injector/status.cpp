// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/status.hpp"

#include "injector/status_entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace flowspec {

namespace {

const TableNow* find(std::span<const TableNow> tables, Family family, std::string_view name) {
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const TableNow& table) {
    return table.rules.family == family && table.rules.table == name;
  });
  return found == tables.end() ? nullptr : &*found;
}

std::size_t rules_of_ours(const Ruleset& ruleset, const Ownership& ours) {
  std::size_t count = 0;
  for (const Chain& chain : ruleset.chains)
    count += ours.owns(chain.name) ? chain.rules.size() : 0;
  return count;
}

std::optional<std::string> complaint_about(const Hook& hook, const Ruleset& ruleset) {
  if (!hook.wanted)
    return std::nullopt;
  const Chain* parent = ruleset.find(hook.parent);
  if (parent == nullptr)
    return fmt::format("there is no chain {} for the jump to {}", hook.parent, hook.chain);
  const auto jump = std::find(parent->rules.begin(), parent->rules.end(), hook.jump());
  if (jump == parent->rules.end())
    return fmt::format("the jump from {} to {} is not there", hook.parent, hook.chain);
  if (!comes_first(hook, ruleset))
    return fmt::format("the jump to {} is rule {} of {}, behind rules of others", hook.chain,
                       jump - parent->rules.begin() + 1, hook.parent);
  return std::nullopt;
}

/// `wanted` against the kernel's table; that is none when nobody uses it.
StatusTable compare(const WantedTable& wanted, const TableNow* table, const Ownership& ours) {
  StatusTable result{wanted.family, wanted.table, 0, 0, 0, {}};
  if (table == nullptr) {
    for (const Chain& chain : wanted.chains)
      result.added += chain.rules.size();
    if (!wanted.chains.empty())
      result.complaints.emplace_back("nobody has a rule in it");
    return result;
  }
  result.rules = rules_of_ours(table->rules, ours);
  for (const Hook& hook : wanted.hooks)
    if (std::optional<std::string> complaint = complaint_about(hook, table->rules))
      result.complaints.push_back(std::move(*complaint));
  try {
    const Changes changes = plan(table->rules, wanted.chains, wanted.hooks, ours);
    result.added = changes.added();
    result.removed = changes.removed();
  } catch (const Error&) { // no chain for a jump: there is a complaint about it already
  }
  return result;
}

/// The tables of `family` that hold something of ours, or should.
std::vector<StatusTable> table_status(Family family, const StatusInput& input) {
  std::vector<StatusTable> result;
  const bool known = input.state.families.contains(family);
  for (const char* name : {"filter", "mangle"}) {
    const TableNow* table = find(input.tables, family, name);
    const auto& all = input.remembered.tables;
    const auto wanted = std::find_if(all.begin(), all.end(), [&](const WantedTable& each) {
      return each.family == family && each.table == name;
    });
    const bool there = table != nullptr && holds_ours(table->rules, input.ours);
    if (known && wanted != all.end() && (there || !wanted->chains.empty()))
      result.push_back(compare(*wanted, table, input.ours));
    else if (there)
      result.push_back({family, name, rules_of_ours(table->rules, input.ours), 0, 0, {}});
  }
  return result;
}

StatusFamily family_status(Family family, const FamilyMemory& memory, const StatusInput& input) {
  StatusFamily result;
  result.family = family;
  result.source = memory.source;
  result.polled = since(memory.polled, input.now);
  result.routes = input.remembered.routes.of(family);
  result.held = memory.held.size();
  for (const KnownPeer& peer : memory.peers) {
    StatusPeer shown{peer, std::nullopt, 0};
    if (peer.established())
      shown.uptime = since(peer.session_began, input.now);
    for (const HeldRoute& held : memory.held)
      if (std::find(held.peers.begin(), held.peers.end(), peer.address) != held.peers.end())
        ++shown.held;
    result.peers.push_back(std::move(shown));
  }
  return result;
}

template <class Value>
void append(std::vector<Value>& to, std::vector<Value> values) {
  std::move(values.begin(), values.end(), std::back_inserter(to));
}

} // namespace

std::string_view name(Standing standing) {
  switch (standing) {
  case Standing::active:
    return "active";
  case Standing::stale:
    return "stale";
  case Standing::unconfirmed:
    return "unconfirmed";
  case Standing::missing:
    return "missing";
  case Standing::changed:
    return "changed";
  case Standing::foreign:
    return "foreign";
  case Standing::unknown:
    break;
  }
  return "unknown";
}

Status status_of(const StatusInput& input) {
  Status status;
  status.chain = input.ours.chain;
  status.now = input.unix_now;
  status.last_pass = input.state.last_pass;
  status.last_success = input.state.last_success;
  status.last_failure = input.state.last_failure;
  status.totals = input.state.totals;
  status.rejected = input.remembered.rejected;
  status.remarks = input.remembered.remarks;
  status.aside = input.remembered.aside;
  if (input.state.families.empty())
    status.not_known = input.no_state.empty() ? "no pass has read routes yet" : std::string(input.no_state);
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    if (const auto known = input.state.families.find(family); known != input.state.families.end())
      status.families.push_back(family_status(family, known->second, input));
    const TableNow* filter = find(input.tables, family, "filter");
    const Hits hits = filter == nullptr ? Hits{} : entry_hits(filter->rules, filter->counters, input.ours);
    status.tracked += hits.tracked;
    status.spared += hits.spared;
    append(status.entries, status_entries(family, input, filter, hits));
    append(status.tables, table_status(family, input));
  }
  for (const StatusEntry& entry : status.entries)
    status.hits += entry.hits;
  return status;
}

} // namespace flowspec
