// SPDX-License-Identifier: GPL-2.0-or-later
//
// What outlives a pass: whom FRR had a session with, what is held for them, and what has been counted. The
// rules themselves are not here: the kernel is read at every pass.
#pragma once

#include "common/error.hpp"
#include "common/family.hpp"
#include "common/shared_text.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// Since the machine started (CLOCK_MONOTONIC): nobody sets this clock.
using Instant = std::chrono::milliseconds;

/// A flowspec peer at the last pass that could be believed.
struct KnownPeer {
  std::string address;
  std::string state; ///< "Established", "Active" ...; "removed" when FRR's configuration has it no more
  std::uint64_t connections_established = 0;
  std::uint64_t connections_dropped = 0;
  std::uint64_t prefixes_received = 0;
  Instant session_began{0}; ///< when Established
  /// Until then the table may still show routes of a session that ended.
  Instant clearing_until{0};

  bool established() const { return state == "Established"; }
  bool operator==(const KnownPeer&) const = default;
};

/// A route that FRR shows no more and that stays installed.
struct HeldRoute {
  std::string id; ///< stable_id of its match
  Instant since{0};
  /// Whose sessions ended when it vanished: it stays until each of them is back and has said all, or the hold
  /// time is over. Empty: it was withdrawn, by so many at once that a second look comes first.
  std::vector<std::string> peers;

  bool operator==(const HeldRoute&) const = default;
};

/// What is known of the routes of one family.
struct FamilyMemory {
  std::string source;   ///< "FRR (vtysh)", "FRR (socket)", or the name of a file
  bool from_frr = true; ///< else the operator gave the routes: nobody's session has anything to do with them
  Instant polled{0};
  std::uint64_t table_version = 0;
  std::uint64_t routes_hash = 0; ///< of `routes` that the operator gave: whether they are likely to be others
  std::vector<KnownPeer> peers;
  std::vector<HeldRoute> held;
  std::map<std::string, std::string>
      infeasible;          ///< stable_id of routes that are not installed for it, and why
  SharedText routes;       ///< all that were shown, as FRR printed them; in a file of its own
  std::string held_routes; ///< those that are held, as FRR once printed them; in a file of its own

  bool operator==(const FamilyMemory&) const = default;
};

/// Our chains and jumps of one table as a pass left them.
struct TableMark {
  Family family = Family::ipv4;
  std::string table;
  /// Digests: what was there, and what a commit was about to make of it.
  std::vector<std::string> digests;

  bool operator==(const TableMark&) const = default;
};

/// Sums since the state began.
struct Totals {
  std::uint64_t passes_changed = 0;
  std::uint64_t passes_unchanged = 0;
  std::map<std::string, std::uint64_t> failures; ///< by cause
  std::map<std::string, std::uint64_t> commits;  ///< by table: "filter", "IPv6 mangle"
  std::map<std::string, std::uint64_t> repairs;  ///< by kind of tampering
  std::uint64_t lock_waits = 0;
  std::chrono::milliseconds lock_waited{0};

  bool operator==(const Totals&) const = default;
};

struct State {
  std::map<Family, FamilyMemory> families;
  std::vector<TableMark> marks;
  Totals totals;
  std::int64_t last_pass = 0;    ///< Unix time; 0: never
  std::int64_t last_success = 0; ///< Unix time of the last pass without a failure; 0: never
  std::string last_failure;      ///< why the last pass failed; empty when it did not
  /// What the last pass without a failure measured, under the names and labels of its metrics:
  /// {"flowspec_routes{family=\"ipv4\",state=\"active\"}", 12}.
  std::map<std::string, double> gauges;

  bool operator==(const State&) const = default;
};

/// What was read is no state, or one of another machine start, network or chain.
class Damaged : public Error {
 public:
  using Error::Error;
};

/// For which machine start and network a state was written; of another it says nothing.
struct Origin {
  std::string boot; ///< the kernel's boot_id
  std::string network;
  std::string chain;

  bool operator==(const Origin&) const = default;
};

/// All but the texts of routes, as JSON of one line.
std::string state_text(const State& state, const Origin& origin);

/// What state_text wrote, without the texts of routes. Throws Damaged for anything else, whatever the bytes,
/// and for a state of another origin.
State parse_state(std::string_view text, const Origin& origin);

} // namespace flowspec
