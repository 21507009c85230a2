// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes the chains of a tree.
#pragma once

#include "injector/tree.hpp"
#include "injector/tree_cost.hpp"
#include "injector/tree_cut.hpp"
#include "injector/tree_later.hpp"
#include "injector/tree_levels.hpp"
#include "injector/tree_orders.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flowspec {

class TreeBuilder {
 public:
  TreeBuilder(std::vector<TreeEntry> entries, const TreeShape& shape);

  /// Once.
  Cost build(std::string_view name);
  /// What build() has made: the list's own first; there may be some to which nothing leads.
  std::vector<TreeChain>& chains() { return chains_; }

 private:
  /// Where a part begins.
  struct Spot {
    std::uint32_t chain = 0; ///< at the end of its steps
    TreeRegion region;
    std::uint64_t context = 0;   ///< of the names of what is below
    std::size_t round = 0;       ///< how often what begins in this chain was taken apart before
    const Later* next = nullptr; ///< where packets go on that it has not decided; null: nowhere
  };

  struct Placed {
    Cost cost;
    bool open = true; ///< packets go on behind the last step of the spot's chain; else to the spot's `next`
  };

  /// A cut with the levels of the entries.
  struct Blocks {
    Cut cut;
    std::vector<std::uint32_t> levels; ///< in the order of the part; empty: all 0
    std::size_t count = 1;             ///< of levels, some of which may be empty
  };

  /// Entries that stand on one level.
  struct Level {
    std::size_t number = 0; ///< that of wide ones is odd
    Part part;
    Spot spot;
    Later later; ///< it is this for those before it
  };

  /// The entries of a part that go into a branch.
  struct Share {
    std::uint32_t branch = 0; ///< of the cut
    Part part;
  };
  struct Shares {
    std::vector<Share> branches;
    Part outside;
  };

  struct Mark {
    std::size_t chains = 0;
    std::size_t steps = 0; ///< of the spot's chain
  };

  std::size_t rules_of(const Part& part) const;
  std::uint32_t add_chain(std::uint64_t context, const TreeRegion& region);
  void add_step(std::uint32_t chain, TreeStep::Kind kind, std::uint32_t index);
  void add_rest(std::uint32_t from, std::uint32_t to, Cost& cost);
  void add_rest(const Spot& spot, Cost& cost);

  Placed list(const Part& part, const Spot& spot);
  void cut_back(const Part& part, std::uint32_t chain, const Mark& mark);
  template <class TakeApart>
  Placed gaining(const Part& part, const Spot& spot, double gain, TakeApart take_apart);
  bool is_short(const Part& part) const;
  Placed place(const Part& part, const Spot& spot, double gain);

  void group_by(const Cut& cut, const Part& part);
  Blocks blocks_by(Cut cut, const Part& part);
  double walk_of(const Blocks& blocks, const Part& part) const;
  Blocks better_blocks(Cut cut, const Part& part, const TreeRegion& region);
  std::vector<std::size_t> group_by_level(const Blocks& blocks, const Part& part);
  std::vector<Level> levels_of(const Blocks& blocks, const Part& part, const Spot& spot);
  Placed place_blocks(const Part& part, Cut cut, const Spot& spot);
  Placed place_level(const Level& level, const Cut& cut);
  std::vector<bool> used_branches(const Part& part, const Cut& cut) const;
  Shares share_out(const Part& part, const Cut& cut);
  Placed branch_out(const Part& part, const Cut& cut, const Spot& spot);

  TreeOrders orders_;
  TreeShape shape_;
  Levels levels_;
  Cutter cutter_;
  Places group_; ///< by place: the branch, or is_wide, or is_outside
  Places level_; ///< by place
  std::vector<TreeChain> chains_;
  std::vector<bool> led_to_; ///< by chain
};

} // namespace flowspec
