// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/error.hpp"
#include "common/shared_text.hpp"
#include "injector/frr_routes.hpp"
#include "injector/frr_summary.hpp"
#include "injector/state.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace flowspec {

/// Runs one command in FRR and gives what it printed. Throws NoAnswer when FRR cannot be asked.
using AskFrr = std::function<std::string(const std::string& command)>;

/// FRR could not be asked: no answer, or none in time.
class NoAnswer : public Error {
 public:
  using Error::Error;
};

struct PollOptions {
  ReadingOptions reading;
  /// A peer that has been Established for so long has said all it has; not every speaker sends an End-of-RIB.
  std::chrono::milliseconds settle{30'000};
};

/// A peer as it was before the routes were read.
struct ShownPeer : FlowspecPeer {
  bool said_all = false; ///< Established, heard, and its End-of-RIB came or it has settled
  std::string unheard;   ///< settled, and FRR still lets none of its routes in: why
};

/// What FRR showed of one family.
struct Shown {
  Family family = Family::ipv4;
  Instant asked{0}; ///< when the summary was asked for
  SharedText text;  ///< the routes as printed
  RoutesRead routes;
  std::uint64_t table_version = 0;
  std::vector<ShownPeer> peers;
};

/// With its text and table version, and without routes.
using AboutToRead = std::function<void(const Shown& unread)>;

/// Asks FRR for the flowspec routes of `family`: the summary, the routes, and the summary again. Throws Error
/// when the answer as such cannot be believed: a session went down meanwhile, or FRR has received routes and
/// shows none. Routes that FRR received and does not show are remarked on.
/// `about_to_read` hears of an answer that has come and is not read yet.
Shown poll_frr(const AskFrr& ask, Family family, const FlowspecSummary& before, const PollOptions& options,
               const AboutToRead& about_to_read = nullptr);

/// Its summary of `family`: what is cheap to ask for.
FlowspecSummary ask_summary(const AskFrr& ask, Family family);

} // namespace flowspec
