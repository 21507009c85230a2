// SPDX-License-Identifier: GPL-2.0-or-later
//
// What packets meet in a part of a tree.
#pragma once

#include "injector/tree_cut.hpp"

#include <algorithm>
#include <cstddef>

namespace flowspec {

/// Of one packet, or the sum over some.
struct Walk {
  double rules = 0;
  double steps = 0; ///< from chain to chain

  Walk& operator+=(const Walk& more) {
    rules += more.rules;
    steps += more.steps;
    return *this;
  }
  friend Walk operator*(double factor, const Walk& walk) {
    return {factor * walk.rules, factor * walk.steps};
  }
  double cost() const { return rules + step_cost * steps; }
};

struct Cost {
  Walk hits;               ///< up to the end of each entry, the sum over the entries
  Walk through;            ///< of a packet that goes on behind all of them, estimated
  std::size_t deepest = 0; ///< no packet meets more rules

  /// Packets meet `next` behind this; it has so many entries.
  void append(const Cost& next, std::size_t entries) {
    hits += static_cast<double>(entries) * through;
    hits += next.hits;
    through += next.through;
    deepest += next.deepest;
  }

  /// One rule more for packets that go on; it leads them to another chain.
  void append_step() {
    through += Walk{1, 1};
    ++deepest;
  }

  /// Of a packet that one of so many entries decides, and of one that goes on.
  double sum(std::size_t entries) const {
    return hits.cost() / static_cast<double>(entries) + through.cost();
  }
};

} // namespace flowspec
