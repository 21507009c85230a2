// SPDX-License-Identifier: GPL-2.0-or-later
//
// In which order narrow and wide entries may be put, when all narrow ones of a level stand in branches.
#pragma once

#include "injector/tree.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace flowspec {

/// The distinct prefixes of one dimension of a list; each knows the next wider one.
class PrefixForest {
 public:
  /// The places are the numbers from 0 on, each once.
  PrefixForest(std::span<const TreeEntry> entries, Prefix TreeEntry::*dimension);

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
/// a higher one, and never on the same when one of them is narrow and the other is not. Narrow entries have
/// even levels, wide ones odd.
class Levels {
 public:
  /// All of the list, in any order; it lives as long as this, and may be put into another order.
  explicit Levels(std::span<const TreeEntry> entries) : entries_(entries) {}

  /// The level of each of `part`, whose entries are in their order; `narrow` says which are.
  std::vector<std::uint32_t> of(std::span<const TreeEntry> part, const std::vector<bool>& narrow);

 private:
  std::span<const TreeEntry> entries_;
  std::vector<PrefixForest> forests_; ///< made when they are needed
};

} // namespace flowspec
