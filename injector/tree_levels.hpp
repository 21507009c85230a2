// SPDX-License-Identifier: GPL-2.0-or-later
//
// In which order wide entries and others may be put.
#pragma once

#include "injector/tree_orders.hpp"

#include <cstdint>
#include <vector>

namespace flowspec {

/// The distinct prefixes of one dimension of a list; each knows the next wider one.
class PrefixForest {
 public:
  PrefixForest(const TreeOrders& orders, Dimension dimension);

  /// The highest level of what was added and may share packets with the entry at `place`, counted from 1;
  /// 0: none.
  std::uint32_t highest(std::uint32_t place) const;
  void add(std::uint32_t place, std::uint32_t level);
  /// Forgets what was added with this place.
  void forget(std::uint32_t place);

 private:
  struct Node {
    std::uint32_t wider = 0; ///< the node itself when there is none
    std::uint32_t here = 0;  ///< highest level with just this prefix
    std::uint32_t below = 0; ///< and with any that it contains
  };
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> node_of_; ///< by place
};

/// Entries by level: an entry stands on the level of every earlier one that may match a packet of its, or on
/// a higher one, and never on the same when one of them is wide and the other is not. Wide entries have odd
/// levels, others even ones.
class Levels {
 public:
  /// Of nothing but its entries; they live as long as this.
  explicit Levels(const TreeOrders& orders) : orders_(orders) {}

  /// The level of each of `part`, whose entries are in their order; `wide` says which are.
  std::vector<std::uint32_t> of(PlaceSpan part, const std::vector<bool>& wide);

 private:
  const TreeOrders& orders_;
  std::vector<PrefixForest>
      forests_; ///< made when they are needed; of the dimensions in which there are prefixes
};

} // namespace flowspec
