// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a list of entries is taken apart.
#pragma once

#include "injector/tree_orders.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace flowspec {

/// The packets that get to a chain.
struct TreeRegion {
  Prefix destination;
  Prefix source;

  const Prefix& prefix(Dimension dimension) const {
    return dimension == Dimension::destination ? destination : source;
  }
  Prefix& prefix(Dimension dimension) { return dimension == Dimension::destination ? destination : source; }

  /// False only when no packet of the region can match the entry.
  bool overlaps(const TreeEntry& entry) const;
};

/// The packets of one prefix.
struct TreeBranch {
  Dimension dimension = Dimension::destination;
  Prefix prefix;
  PlaceSpan narrow;      ///< the entries that go into it
  std::size_t round = 0; ///< those of one round share no packets with each other
};

/// A packet goes into the first branch that has it. An entry is narrow when that is the same one for all its
/// packets; wide when it is only for some of them, or not the same; else no branch has any: it is outside.
struct Cut {
  std::vector<TreeBranch> branches;
  std::vector<PlaceSpan> wide;
  double walk = 0;          ///< estimate of what a packet then costs
  std::vector<Places> kept; ///< what spans are of, where that is not TreeOrders

  Dimension first() const { return branches.front().dimension; }
};

/// To go to another chain costs a packet about so many rules that stand one behind another.
constexpr double step_cost = 3;

/// The second choice has to be better by so much, or one entry more or less would turn it round again and
/// again.
constexpr double clearly = 0.85;

/// A branch of so few rules is none: they stand in the chain that would lead to it.
constexpr std::size_t no_chain_for = 2;

/// About what the best tree of so many rules costs a packet.
double expected_walk(double rules);

/// Chooses branches by their weight, so that about as many entries go into each, wherever they are.
class Cutter {
 public:
  /// The orders live as long as this; `leaf` entries need no branches.
  Cutter(const TreeOrders& orders, std::size_t leaf)
      : orders_(orders), leaf_(leaf), taken_(orders.entries().size()) {}

  /// The best cut of a part whose packets are those of `region`, or that of the destination when the other
  /// one is not clearly better; but none that begins with the dimension `but`. None when nothing is
  /// separated. It holds until the part is grouped.
  std::optional<Cut> cut_of(const Part& part, const TreeRegion& region,
                            std::optional<Dimension> but = std::nullopt);

 private:
  /// Branches of one dimension.
  struct Round {
    std::vector<TreeBranch> branches;
    std::vector<PlaceSpan> wide;
    double walk = 0;
  };
  using Sorted = std::array<PlaceSpan, 2>; ///< by dimension

  Round round_in(Dimension dimension, const Sorted& left, const TreeRegion& region, std::size_t most) const;
  Round best_round(const Sorted& left, const TreeRegion& region, std::size_t most,
                   std::optional<Dimension> but) const;
  double walk_of(const Round& round, std::size_t entries, const TreeRegion& region) const;
  std::size_t take(const Round& round);
  Sorted untaken(const Sorted& left, Cut& cut) const;

  const TreeOrders& orders_;
  std::size_t leaf_;
  std::vector<bool> taken_; ///< by place: not outside; all false but in cut_of()
};

} // namespace flowspec
