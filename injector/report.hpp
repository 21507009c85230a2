// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a pass found and did, for people and for machines.
#pragma once

#include "injector/frr_routes.hpp"
#include "injector/judge.hpp"
#include "injector/sync.hpp"
#include "injector/wanted.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace flowspec {

/// One pass: what was read, what is wanted, what has to change for it.
struct Pass {
  RouteCounts routes;             ///< shown by FRR
  RouteCounts held;               ///< installed although FRR does not show them
  RouteCounts enforced;           ///< those that have rules
  SharedList<Entry> installed;    ///< they, in the order in which packets meet them, IPv4 first; none when
                                  ///< only their number is of interest
  std::vector<Rejected> rejected; ///< routes without rules
  std::vector<Rejected> remarks;
  /// Routes that are left out because the configuration says so: validation, policy, scope, segments.
  std::vector<Rejected> aside;
  std::map<std::string, std::size_t> rejected_by_term; ///< of the policy
  std::vector<PolicyTrace> traces;                     ///< when they were asked for
  std::vector<WantedTable> tables;                     ///< what should be ours
  std::vector<Changes> changes;                        ///< of the tables that were looked at

  Pass() = default;
  Pass(RoutesRead read, Judged judged, Wanted wanted);
};

/// Every edit on a line of its own in iptables notation, "+ " before what comes and "- " before what goes;
/// behind that "ip6tables " for IPv6, and "-t mangle " for that table.
std::string edits_text(const Changes& changes);

/// The routes that were left out and what is to be said of the others, a line each; `prefix` begins each
/// line.
std::string findings_text(const Pass& pass, std::string_view prefix);

/// What was left out on purpose, a line for each route that is not feasible, and for each term or setting
/// that leaves routes out.
std::string aside_text(const std::vector<Rejected>& aside, std::string_view prefix);

/// What each term of the policy did to each route.
std::string traces_text(const std::vector<PolicyTrace>& traces);

/// "filter: 3 rules to add, 1 to remove; 12 of 14 routes in 15 rules": the last lines of a plan, one a table,
/// or of a sync when `done`.
std::string summary_text(const Pass& pass, bool done);

/// All of it, for --json.
nlohmann::ordered_json report_json(const Pass& pass, bool done);

/// The whole desired state of `family` as `iptables-restore --noflush` takes it, whatever of it is there
/// already.
std::string restore_text(const Pass& pass, Family family, const Ownership& ours);

} // namespace flowspec
