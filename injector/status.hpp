// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is enforced now, and how it stands: the routes that the last pass left, held against what the kernel
// has and has counted.
#pragma once

#include "injector/entry_hits.hpp"
#include "injector/report.hpp"
#include "injector/state.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// How an entry stands. The names are stable: they are JSON values.
enum class Standing {
  active,
  stale,       ///< a session ended, and FRR shows it no more: it is held
  unconfirmed, ///< withdrawn, with so many others that a second look comes first
  missing,     ///< the kernel has no rule of it
  changed,     ///< the rules that the kernel has of it are not those that belong there
  foreign,     ///< rules in our chains that no known route asks for
  unknown,     ///< rules of ours, and nothing is known of the routes of that family
};
constexpr Standing every_standing[] = {Standing::active,  Standing::stale,   Standing::unconfirmed,
                                       Standing::missing, Standing::changed, Standing::foreign,
                                       Standing::unknown};
std::string_view name(Standing standing);

struct StatusEntry {
  std::size_t number = 0; ///< from 1, in its family
  Family family = Family::ipv4;
  std::string id;             ///< empty: a rule without a comment of ours
  std::optional<Entry> entry; ///< none: foreign or unknown
  std::optional<std::uint64_t> sequence;
  std::vector<std::string> rules; ///< of what has no entry: "-A FLOWSPEC ..." in iptables notation
  EntryHits hits;
  std::optional<std::chrono::seconds> age; ///< since it was announced last
  Standing standing = Standing::active;
  std::optional<std::chrono::seconds> held; ///< stale and unconfirmed, rules or no rules: for so long
  /// Stale: the peers that it is held for. Else the peer that it comes from, when it can be no other; else
  /// what the routes were read from.
  std::vector<std::string> from;
};

struct StatusPeer {
  KnownPeer peer;
  std::optional<std::chrono::seconds> uptime; ///< when Established
  std::size_t held = 0;                       ///< routes that are held for it
};

/// What is known of the routes of one family.
struct StatusFamily {
  Family family = Family::ipv4;
  std::string source;
  std::chrono::seconds polled{0}; ///< so long ago
  std::size_t routes = 0;         ///< shown then, used or not
  std::size_t held = 0;           ///< installed although they were not shown, or not so
  std::vector<StatusPeer> peers;
};

struct StatusTable {
  Family family = Family::ipv4;
  std::string table;
  std::size_t rules = 0;               ///< in our chains
  std::size_t added = 0;               ///< rules that a pass would place now, jumps with them
  std::size_t removed = 0;             ///< and take away
  std::vector<std::string> complaints; ///< in words: "the jump from FORWARD to FLOWSPEC is not there"
};

struct Status {
  std::string chain;
  std::int64_t now = 0; ///< Unix time
  std::int64_t last_pass = 0;
  std::int64_t last_success = 0;
  std::string last_failure;
  std::string not_known; ///< why nothing is known of routes and peers; empty when something is
  std::vector<StatusFamily> families;
  std::vector<StatusEntry> entries; ///< in the order in which packets meet them, IPv4 first
  std::vector<StatusTable> tables;
  EntryHits hits;   ///< of all entries
  Counters tracked; ///< passed as packets of tracked connections
  Counters spared;  ///< passed by all entries: from or to a protected prefix
  std::vector<Rejected> rejected;
  std::vector<Rejected> remarks;
  std::vector<Rejected> aside; ///< left out because the configuration says so
  Totals totals;
};

/// A table as the kernel has it.
struct TableNow {
  Ruleset rules;
  std::vector<ChainCounters> counters; ///< KernelTable::counters of the same snapshot
};

struct StatusInput {
  const State& state;               ///< nothing in it when none could be read
  std::string_view no_state;        ///< why not: "there is no file /run/flowspec/FLOWSPEC.json"
  const Pass& remembered;           ///< of the routes in `state`, read and arranged; without changes
  std::span<const TableNow> tables; ///< those that are in use
  const Ownership& ours;
  Instant now{0};
  std::int64_t unix_now = 0;
};

Status status_of(const StatusInput& input);

} // namespace flowspec
