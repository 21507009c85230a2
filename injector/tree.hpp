// SPDX-License-Identifier: GPL-2.0-or-later
//
// A list of entries as a tree of chains that decides every packet as the list does.
//
// Every step into another chain is a goto: what returns in a leaf leaves the whole tree, and a packet that no
// entry takes comes to the end of a last chain, which is the end of the list. No rule is there twice: what is
// too wide for a branch stands in a chain of its own, to which the branches go on whose packets it may match.
#pragma once

#include "common/prefix.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace flowspec {

/// What the tree has to know of an entry. A prefix of length 0 is none; an offset must be 0.
struct TreeEntry {
  Prefix destination;
  Prefix source;
  std::uint16_t rules = 1; ///< one or more, which stay together, in their order; compile() makes no more
  std::uint32_t place = 0; ///< in the list
};

/// One or more rules of a chain.
struct TreeStep {
  enum class Kind : std::uint8_t {
    entry,       ///< the rules of entry `index`
    destination, ///< packets to the destination of chain `index` go there
    source,      ///< packets from the source of chain `index` go there
    rest,        ///< all that are left go to chain `index`; the last step
  };
  Kind kind = Kind::entry;
  std::uint32_t index = 0;

  bool operator==(const TreeStep&) const = default;
};

struct TreeChain {
  /// Of the list's name and the decisions that lead here: it does not depend on what else is in the tree.
  std::uint64_t hash = 0;
  Prefix destination; ///< only such packets get here; length 0: any
  Prefix source;
  std::vector<TreeStep> steps;

  bool operator==(const TreeChain&) const = default;
};

struct TreePlan {
  /// The first one is the list's own. A chain stands before all that it goes to. One chain alone is the list
  /// as it is.
  std::vector<TreeChain> chains;
  std::size_t rules = 0;    ///< of the entries
  std::size_t further = 0;  ///< that only lead from chain to chain
  std::size_t deepest = 0;  ///< no packet meets more rules than this
  double walk = 0;          ///< rules that a packet meets on the average, of those that some entry decides
  double straight_walk = 0; ///< and without a tree

  bool splits() const { return chains.size() > 1; }
};

struct TreeShape {
  /// So many rules are never taken apart, nor half as many entries again.
  std::size_t leaf = 16;
  /// A branch is taken apart when that costs a packet less than this part of what a list does.
  double gain = 0.75;
  double root_gain = 0.75; ///< of the whole list
};

/// `entries` are in their order, all of one family; `name` is that of the list's chain. Near-linear in their
/// number. One chain alone when nothing is gained, or when two chains would have one hash.
TreePlan plan_tree(std::vector<TreeEntry> entries, std::string_view name, const TreeShape& shape = {});

} // namespace flowspec
