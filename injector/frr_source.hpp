// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "injector/frr_routes.hpp"

#include <functional>
#include <string>

namespace flowspec {

/// Runs one command in FRR and gives what it printed. Throws Error when FRR cannot be asked.
using AskFrr = std::function<std::string(const std::string& command)>;

/// Asks FRR for the flowspec routes of `family`: the summary first, then the routes. Throws Error when the
/// answer cannot be believed, and when no flowspec peer is Established: FRR drops all flowspec routes with a
/// session, and an empty table then says nothing. Routes that FRR received and does not show are remarked on.
RoutesRead poll_frr(const AskFrr& ask, Family family, const ReadingOptions& options);

} // namespace flowspec
