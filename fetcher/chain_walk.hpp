// SPDX-License-Identifier: GPL-2.0-or-later
//
// The way of packets through a chain and the chains that it calls: which rule decides which of them.
#pragma once

#include "common/rejected.hpp"
#include "common/ruleset.hpp"
#include "fetcher/packet_box.hpp"
#include "fetcher/publication.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// One rule on the way. A chain that is called from two places is walked twice.
struct Visit {
  const Chain* chain = nullptr;
  std::size_t index = 0;    ///< in the chain, from 0
  std::uint64_t number = 0; ///< of this visit, from 1: earlier ones have lower numbers

  Rule rule() const { return chain->rules[index]; }
};

/// Who is told what the walk finds. What comes first decides: packets named in two calls belong to the first.
/// A rule that is left out is taken as if it were not there.
class WalkListener {
 public:
  virtual ~WalkListener() = default;

  /// Before anything else of this visit.
  virtual void visit(const Visit& visit) = 0;
  /// `packets` get the verdict, ACCEPT or DROP.
  virtual void decide(const Visit& visit, std::span<const Box> packets, Verdict verdict) = 0;
  /// `packets` share the allowance of `limit`; what is above it is dropped and the rest accepted.
  virtual void limit(const Visit& visit, std::span<const Box> packets, const HashlimitMatch& limit) = 0;
  /// No box says which of the packets in `among` the rule decides.
  virtual void leave_out(const Visit& visit, std::span<const Box> among, std::string why, Gap gap) = 0;
  /// The rule hands packets on, as it should.
  virtual void pass(const Visit& visit) = 0;
  /// This visit of the rule needs nothing.
  virtual void skip(const Visit& visit, Reason reason, std::string why) = 0;
  /// False when nobody can be told which packets these are, whatever becomes of them.
  virtual bool can_name(const Box& packets) const = 0;
  /// True when every packet is decided: the walk ends.
  virtual bool done() const = 0;
};

struct WalkLimits {
  std::size_t most_boxes = 10000; ///< at once; more make the walk fail
  bool reassembled = false;       ///< fragments are put together before the chain sees them
};

/// Walks `base`, a built-in chain of `ruleset`, from its first rule. What comes to its end gets the policy
/// and is not told. Throws Error, naming the rule, when chains call each other in a circle or too deep, and
/// when the walk takes too much.
void walk(const Ruleset& ruleset, const Chain& base, const WalkLimits& limits, WalkListener& listener);

/// "FORWARD 3": the rule of a visit, for messages.
std::string place(const Visit& visit);

} // namespace flowspec
