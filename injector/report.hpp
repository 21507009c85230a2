// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a pass found and did, for people and for machines.
#pragma once

#include "injector/frr_routes.hpp"
#include "injector/sync.hpp"
#include "injector/wanted.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace flowspec {

/// One pass: what was read, what is wanted, what has to change for it.
struct Pass {
  std::size_t routes = 0;         ///< shown by FRR
  std::vector<Entry> installed;   ///< in the order in which packets meet them
  std::vector<Rejected> rejected; ///< routes without rules
  std::vector<Rejected> remarks;
  std::vector<Chain> chains; ///< ours, as they should be
  Changes changes;

  Pass(RoutesRead read, Wanted wanted);
};

/// Every edit on a line of its own in iptables notation, "+ " before what comes and "- " before what goes.
std::string edits_text(const Changes& changes);

/// The routes that were left out and what is to be said of the others, a line each; `prefix` begins each
/// line.
std::string findings_text(const Pass& pass, std::string_view prefix);

/// "filter: 3 rules to add, 1 to remove; 12 of 14 routes in 15 rules": the last line of a plan, or of a sync
/// when `done`.
std::string summary_text(const Pass& pass, bool done);

/// All of it, for --json.
nlohmann::ordered_json report_json(const Pass& pass, bool done);

/// The whole desired state as `iptables-restore --noflush` takes it, whatever of it is there already.
std::string restore_text(const Pass& pass, const Ownership& ours);

} // namespace flowspec
