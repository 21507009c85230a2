// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree.hpp"

#include "injector/forward_order.hpp"
#include "injector/tree_cut.hpp"
#include "injector/tree_levels.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace flowspec {

namespace {

using Kind = TreeStep::Kind;

/// A branch of so few rules stands in the chain that would lead to it.
constexpr std::size_t no_chain_for = 2;

/// The mixing function of SplitMix64: the same on every machine.
std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  std::uint64_t z = (hash ^ value) + 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::uint64_t mixed(std::uint64_t hash, const Prefix& prefix) {
  for (const std::size_t half : {std::size_t{0}, std::size_t{8}}) {
    std::uint64_t value = 0;
    for (std::size_t byte = 0; byte < 8; ++byte)
      value = value << 8 | prefix.address.bytes[half + byte];
    hash = mixed(hash, value);
  }
  return mixed(hash, prefix.length);
}

std::uint64_t mixed(std::uint64_t hash, const TreeRegion& region) {
  return mixed(mixed(hash, region.destination), region.source);
}

/// What packets meet in a part of the tree.
struct Cost {
  double hits = 0;         ///< rules up to the end of each entry, the sum over the entries
  double through = 0;      ///< of a packet that goes on behind it, estimated
  std::size_t deepest = 0; ///< no packet meets more
};

/// The entries [first, last) of those that are being placed.
struct Part {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t size() const { return last - first; }
};

/// Where a part begins.
struct Spot {
  std::uint32_t chain = 0; ///< at the end of its steps
  TreeRegion region;
  std::uint64_t context = 0;         ///< of the names of what is below
  std::optional<std::uint32_t> next; ///< chain in which packets go on that it has not decided
};

struct Placed {
  Cost cost;
  bool open = true; ///< packets go on behind the last step of the spot's chain; else in the next one
};

class TreeBuilder {
 public:
  TreeBuilder(std::vector<TreeEntry> entries, const TreeShape& shape)
      : entries_(std::move(entries)), scratch_(entries_.size()), shape_(shape), levels_(entries_) {
    for (std::size_t place = 0; place < entries_.size(); ++place)
      entries_[place].place = static_cast<std::uint32_t>(place);
  }

  TreePlan plan(std::string_view name) {
    TreePlan plan;
    std::uint64_t hash = 0;
    for (const char character : name)
      hash = mixed(hash, static_cast<unsigned char>(character));
    const Family family = entries_.empty() ? Family::ipv4 : entries_.front().destination.family();
    const TreeRegion all{Prefix::any(family), Prefix::any(family)};
    const Part part{0, entries_.size()};
    const Cost straight = straight_cost(part);
    add_chain(hash, all);
    Placed placed = place(part, {0, all, hash, std::nullopt}, shape_.root_gain);
    if (two_have_one_hash()) {
      cut_back(part, 0, {1, 0});
      placed = list(part, {0, all, hash, std::nullopt});
    }
    const double count = entries_.empty() ? 1 : static_cast<double>(entries_.size());
    plan.rules = rules_of(part);
    plan.deepest = placed.cost.deepest;
    plan.walk = placed.cost.hits / count;
    plan.straight_walk = straight.hits / count;
    for (const TreeChain& chain : chains_)
      for (const TreeStep& step : chain.steps)
        plan.further += step.kind == Kind::entry ? 0U : 1U;
    plan.chains = in_order();
    return plan;
  }

 private:
  struct Mark {
    std::size_t chains = 0;
    std::size_t steps = 0; ///< of the spot's chain
  };

  std::span<const TreeEntry> of(const Part& part) const {
    return std::span<const TreeEntry>(entries_).subspan(part.first, part.size());
  }

  std::size_t rules_of(const Part& part) const {
    std::size_t rules = 0;
    for (const TreeEntry& entry : of(part))
      rules += entry.rules;
    return rules;
  }

  Cost straight_cost(const Part& part) const {
    Cost cost;
    for (const TreeEntry& entry : of(part)) {
      cost.deepest += entry.rules;
      cost.hits += static_cast<double>(cost.deepest);
    }
    cost.through = static_cast<double>(cost.deepest);
    return cost;
  }

  std::uint32_t add_chain(std::uint64_t context, const TreeRegion& region) {
    chains_.push_back({mixed(context, region), region.destination, region.source, {}});
    return static_cast<std::uint32_t>(chains_.size() - 1);
  }

  void add_step(std::uint32_t chain, Kind kind, std::uint32_t index) {
    chains_[chain].steps.push_back({kind, index});
  }

  /// One after another, in their order.
  Placed list(const Part& part, const Spot& spot) {
    for (const TreeEntry& entry : of(part))
      add_step(spot.chain, Kind::entry, entry.place);
    return {straight_cost(part), true};
  }

  /// As if nothing had been placed since `mark`.
  void cut_back(const Part& part, std::uint32_t chain, const Mark& mark) {
    chains_.resize(mark.chains);
    chains_[chain].steps.resize(mark.steps);
    std::sort(entries_.begin() + static_cast<std::ptrdiff_t>(part.first),
              entries_.begin() + static_cast<std::ptrdiff_t>(part.last),
              [](const TreeEntry& a, const TreeEntry& b) { return a.place < b.place; });
  }

  /// Taken apart by `take_apart` when a packet then meets less than `gain` of the rules, else as a list.
  template <class TakeApart>
  Placed gaining(const Part& part, const Spot& spot, double gain, TakeApart take_apart) {
    const Mark mark{chains_.size(), chains_[spot.chain].steps.size()};
    const Cost straight = straight_cost(part);
    const Placed placed = take_apart();
    const auto sum = [&](const Cost& cost) {
      return cost.hits / static_cast<double>(part.size()) + cost.through;
    };
    if (sum(placed.cost) < gain * sum(straight))
      return placed;
    cut_back(part, spot.chain, mark);
    return list(part, spot);
  }

  Placed place(const Part& part, const Spot& spot, double gain) {
    const std::size_t rules = rules_of(part);
    if (rules <= shape_.leaf || part.size() < 2)
      return list(part, spot);
    const Cuts cuts = cuts_of(of(part), spot.region, rules);
    if (cuts.count == 0)
      return list(part, spot);
    return gaining(part, spot, gain, [&] { return place_blocks(part, cuts, spot); });
  }

  /// The better cut with the levels of the entries.
  struct Blocks {
    Cut cut;
    std::vector<std::uint32_t> levels;
    double walk = 0;
  };

  Blocks blocks_by(const Cut& cut, const Part& part) {
    const std::span<const TreeEntry> entries = of(part);
    std::vector<bool> narrow(entries.size());
    for (std::size_t at = 0; at < entries.size(); ++at)
      narrow[at] = cut.narrow(entries[at]);
    Blocks blocks{cut, levels_.of(entries, narrow), cut.walk};
    const std::uint32_t last = *std::max_element(blocks.levels.begin(), blocks.levels.end());
    if (last < 2)
      return blocks;
    std::vector<double> rules(last + 1);
    for (std::size_t at = 0; at < entries.size(); ++at)
      rules[blocks.levels[at]] += entries[at].rules;
    blocks.walk = 0;
    for (const double size : rules)
      blocks.walk += expected_walk(size);
    return blocks;
  }

  Blocks better_blocks(const Cuts& cuts, const Part& part) {
    Blocks first = blocks_by(cuts.cuts[0], part);
    if (cuts.count < 2 || first.walk == cuts.cuts[0].walk)
      return first; // as was estimated without the order
    Blocks second = blocks_by(cuts.cuts[1], part);
    return second.walk < clearly * first.walk ? second : first;
  }

  /// Puts those with equal keys together, in their order; the ends of each key's.
  template <class Key>
  std::vector<std::size_t> group(const Part& part, std::size_t keys, Key key) {
    std::vector<std::size_t> ends(keys + 1, part.first);
    for (std::size_t at = part.first; at < part.last; ++at)
      ++ends[key(at) + 1];
    for (std::size_t at = 1; at <= keys; ++at)
      ends[at] += ends[at - 1] - part.first;
    for (std::size_t at = part.first; at < part.last; ++at)
      scratch_[ends[key(at)]++] = entries_[at];
    std::copy(scratch_.begin() + static_cast<std::ptrdiff_t>(part.first),
              scratch_.begin() + static_cast<std::ptrdiff_t>(part.last),
              entries_.begin() + static_cast<std::ptrdiff_t>(part.first));
    ends.pop_back();
    return ends;
  }

  static std::uint64_t context_of(const Spot& spot, std::size_t level) {
    return mixed(mixed(spot.context, spot.region), level);
  }

  /// Level by level: packets that one has not decided go on to the next.
  Placed place_blocks(const Part& part, const Cuts& cuts, const Spot& spot) {
    const Blocks blocks = better_blocks(cuts, part);
    const std::size_t levels = *std::max_element(blocks.levels.begin(), blocks.levels.end()) + std::size_t{1};
    const std::vector<std::size_t> ends =
        group(part, levels, [&](std::size_t at) { return blocks.levels[at - part.first]; });
    Placed all;
    Spot here = spot;
    std::size_t first = part.first;
    for (std::size_t level = 0; level < levels; ++level) {
      const Part block{first, ends[level]};
      first = block.last;
      if (block.size() == 0)
        continue;
      const bool last = block.last == part.last;
      here.context = level == 0 ? spot.context : context_of(spot, level);
      here.next = spot.next;
      if (!last) {
        std::size_t next = level + 1;
        while (ends[next] == block.last)
          ++next;
        here.next = add_chain(context_of(spot, next), spot.region);
      }
      const bool branches = level % 2 == 0 && rules_of(block) > shape_.leaf;
      const Placed placed =
          branches ? gaining(block, here, shape_.gain, [&] { return branch_out(block, blocks.cut, here); })
          : level % 2 == 0 ? list(block, here)
                           : place(block, here, shape_.gain);
      all.cost.hits += all.cost.through * static_cast<double>(block.size()) + placed.cost.hits;
      all.cost.through += placed.cost.through;
      all.cost.deepest += placed.cost.deepest;
      all.open = placed.open;
      if (placed.open && !last)
        chains_.pop_back(); // nothing came behind it: the next block follows here
      else if (!placed.open && !last)
        here.chain = *here.next;
    }
    if (all.open && here.chain != spot.chain) {
      all.open = false;
      add_rest(here, all.cost);
    }
    return all;
  }

  void add_rest(const Spot& spot, Cost& cost) {
    if (!spot.next)
      return;
    add_step(spot.chain, Kind::rest, *spot.next);
    cost.through += 1;
    ++cost.deepest;
  }

  /// Narrow entries, by their branches.
  Placed branch_out(const Part& part, const Cut& cut, const Spot& spot) {
    const std::vector<std::size_t> ends =
        group(part, most_branches, [&](std::size_t at) { return cut.branch(entries_[at]); });
    const Kind kind = cut.dimension == Dimension::destination ? Kind::destination : Kind::source;
    struct Branch {
      Part part;
      Spot spot;
      std::size_t before = 0; ///< rules that a packet meets up to the one that leads there
    };
    std::vector<Branch> branches;
    Placed all;
    std::size_t met = 0;
    std::size_t first = part.first;
    for (const std::size_t end : ends) {
      const Part of{first, end};
      first = end;
      if (of.size() == 0)
        continue;
      if (const std::size_t rules = rules_of(of); rules <= no_chain_for) {
        all.cost.hits += static_cast<double>(met * of.size()) + list(of, spot).cost.hits;
        met += rules;
        continue;
      }
      TreeRegion region = spot.region;
      (kind == Kind::destination ? region.destination : region.source) =
          Prefix::masked(prefix_of(entries_[of.first], cut.dimension).address, cut.length);
      const std::uint32_t chain = add_chain(spot.context, region);
      add_step(spot.chain, kind, chain);
      branches.push_back({of, {chain, region, spot.context, spot.next}, ++met});
    }
    all.open = branches.empty();
    all.cost.deepest = met;
    double through = 0; // of packets that go into a branch, as many as there are entries
    for (Branch& branch : branches) {
      Placed placed = place(branch.part, branch.spot, shape_.gain);
      if (placed.open)
        add_rest(branch.spot, placed.cost);
      const auto count = static_cast<double>(branch.part.size());
      all.cost.hits += static_cast<double>(branch.before) * count + placed.cost.hits;
      through += (static_cast<double>(branch.before) + placed.cost.through) * count;
      all.cost.deepest = std::max(all.cost.deepest, branch.before + placed.cost.deepest);
    }
    Cost past{0, static_cast<double>(met), met};
    if (!all.open)
      add_rest(spot, past);
    all.cost.deepest = std::max(all.cost.deepest, past.deepest);
    const auto count = static_cast<double>(part.size());
    all.cost.through = branches.empty() ? past.through : (through / count + past.through) / 2;
    return all;
  }

  bool two_have_one_hash() const {
    std::vector<std::uint64_t> hashes;
    hashes.reserve(chains_.size());
    for (const TreeChain& chain : chains_)
      hashes.push_back(chain.hash);
    std::sort(hashes.begin(), hashes.end());
    return std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end();
  }

  /// The chains, each before those that it goes to.
  std::vector<TreeChain> in_order() {
    std::vector<std::vector<std::uint32_t>> next(chains_.size());
    for (std::size_t at = 0; at < chains_.size(); ++at)
      for (const TreeStep& step : chains_[at].steps)
        if (step.kind != Kind::entry)
          next[at].push_back(step.index);
    std::vector<std::uint32_t> number(chains_.size());
    std::vector<TreeChain> ordered;
    ordered.reserve(chains_.size());
    for (const std::uint32_t chain : forward_order(next)) {
      number[chain] = static_cast<std::uint32_t>(ordered.size());
      ordered.push_back(std::move(chains_[chain]));
    }
    for (TreeChain& chain : ordered)
      for (TreeStep& step : chain.steps)
        if (step.kind != Kind::entry)
          step.index = number[step.index];
    return ordered;
  }

  std::vector<TreeEntry> entries_;
  std::vector<TreeEntry> scratch_;
  TreeShape shape_;
  Levels levels_;
  std::vector<TreeChain> chains_;
};

} // namespace

TreePlan plan_tree(std::vector<TreeEntry> entries, std::string_view name, const TreeShape& shape) {
  return TreeBuilder(std::move(entries), shape).plan(name);
}

} // namespace flowspec
