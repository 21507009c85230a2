// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is to be logged of a pass that succeeded: what it changed, and what is news against the pass before.
#pragma once

#include "common/event.hpp"
#include "injector/line_budget.hpp"
#include "injector/pass_outcome.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace flowspec {

/// Remembers what has been said. Failures are not said here.
class PassEvents {
 public:
  /// In this order: "ready" (the first time), "tampering", "changed" for each table or else "unchanged"
  /// (debug), "held" and "released" and "unconfirmed" of each family, "rejected" with single routes for
  /// debug, "set-aside".
  std::vector<Event> of(const PassOutcome& outcome, Instant now);

 private:
  /// What of a Holding is news: BGP's state machine changes the states of peers all the time.
  struct Held {
    std::size_t stale = 0;
    std::size_t unconfirmed = 0;
    std::vector<std::string> peers; ///< addresses

    bool operator==(const Held&) const = default;
  };

  void add_tampering(const PassOutcome& outcome, Instant now, std::vector<Event>& events);
  void add_holding(const PassOutcome& outcome, std::vector<Event>& events);
  void add_rejected(const Pass& pass, std::vector<Event>& events);
  void add_aside(const Pass& pass, std::vector<Event>& events);

  bool ready_ = false;
  std::map<Family, Held> held_;
  std::vector<std::size_t> rejected_; ///< their hashes, sorted: there may be 100 000 of them
  std::string aside_;                 ///< what was left out, in words
  LineBudget tampering_lines_{10, std::chrono::minutes(1)};
  std::size_t unsaid_tampering_ = 0;
};

} // namespace flowspec
