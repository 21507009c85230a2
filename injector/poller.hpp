// SPDX-License-Identifier: GPL-2.0-or-later
//
// FRR, asked again and again: all that it shows, or only whether anything can have changed.
#pragma once

#include "injector/daemon.hpp"
#include "injector/frr_source.hpp"
#include "injector/pass_outcome.hpp"

#include <map>
#include <memory>
#include <vector>

namespace flowspec {

struct Polled {
  std::vector<std::shared_ptr<Shown>> shown; ///< a family each, shared with the poller until forget()
  std::vector<Failure> failures;
  bool in_full = false; ///< routes of some family were read
};

class Poller {
 public:
  /// `families` as in Options: none means those that FRR has a flowspec peer for, or had one that is known.
  Poller(AskFrr ask, std::vector<Family> families, PollOptions options, std::function<Instant()> now);

  /// What FRR shows, after what is known. With Depth::summary, routes that cannot have changed since they
  /// were read are not read again. One family that cannot be asked says nothing of the other.
  Polled poll(Depth depth, const State& known, const AboutToRead& about_to_read = nullptr);

  /// The next poll reads all routes again; what was shown need not be kept for it.
  void forget() { last_.clear(); }

 private:
  std::shared_ptr<Shown> poll_family(Family family, Depth depth, const FamilyMemory* memory,
                                     const AboutToRead& about_to_read, bool& in_full);

  AskFrr ask_;
  std::vector<Family> families_;
  PollOptions options_;
  std::function<Instant()> now_;
  struct Last {
    FlowspecSummary summary;
    std::shared_ptr<Shown> shown;
    Instant moved_at; ///< when the table version was first seen
  };
  std::map<Family, Last> last_;
};

} // namespace flowspec
