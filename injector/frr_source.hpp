// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "injector/frr_routes.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace flowspec {

/// Runs one command in FRR and gives what it printed. Throws Error when FRR cannot be asked.
using AskFrr = std::function<std::string(const std::string& command)>;

struct PollOptions {
  ReadingOptions reading;
  /// An empty table is believed of a peer that has been Established for so long; not every speaker sends an
  /// End-of-RIB.
  std::chrono::milliseconds settle{30'000};
};

/// Asks FRR for the flowspec routes of `family`: the summary, the routes, and the summary again. FRR drops
/// all flowspec routes with a session, so that few of them say little: throws Error when no flowspec peer is
/// Established, when a session went down meanwhile, and for an empty table unless one of those that are has
/// sent its End-of-RIB or has settled; also when the answer as such cannot be believed. Routes that FRR
/// received and does not show are remarked on.
RoutesRead poll_frr(const AskFrr& ask, Family family, const PollOptions& options);

/// What could be read, and of which families; why the others could not.
struct PolledRoutes {
  RoutesRead routes;
  std::vector<Family> families;
  struct Failure {
    Family family;
    std::string why;
  };
  std::vector<Failure> failures;
};

/// Polls each of `families`; none given: those for which FRR has a flowspec peer in its configuration, in
/// whatever state. One that cannot be read says nothing of the other. Throws Error when none can.
PolledRoutes poll_families(const AskFrr& ask, const std::vector<Family>& families,
                           const PollOptions& options);

} // namespace flowspec
