// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_builder.hpp"

#include "injector/tree_names.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace flowspec {

namespace {

using Kind = TreeStep::Kind;

constexpr std::uint32_t is_outside = 0xfffffffe;
constexpr std::uint32_t is_wide = 0xffffffff;

/// How many entries to look at for those that a branch of so many leaves packets to: time stays near-linear.
constexpr std::size_t entries_ahead(std::size_t entries) {
  return 2 * entries + 32;
}

std::uint64_t context_of(std::uint64_t context, const TreeRegion& region, std::size_t round,
                         std::size_t level) {
  return mixed(mixed(mixed(context, region), std::uint64_t{round}), std::uint64_t{level});
}

Cost straight_cost(const TreeOrders& orders, const Part& part) {
  Cost cost;
  for (const std::uint32_t place : orders.of(part)) {
    cost.deepest += orders[place].rules;
    cost.hits.rules += static_cast<double>(cost.deepest);
  }
  cost.through.rules = static_cast<double>(cost.deepest);
  return cost;
}

} // namespace

TreeBuilder::TreeBuilder(std::vector<TreeEntry> entries, const TreeShape& shape)
    : orders_(std::move(entries)), shape_(shape), levels_(orders_), cutter_(orders_, shape.leaf),
      group_(orders_.entries().size()), level_(group_.size()) {}

Cost TreeBuilder::build(std::string_view name) {
  const Family family = group_.empty() ? Family::ipv4 : orders_[0].destination.family();
  const TreeRegion all{Prefix::any(family), Prefix::any(family)};
  const std::uint64_t context = mixed(0, name);
  add_chain(context, all);
  return place({0, group_.size()}, {0, all, context, 0, nullptr}, shape_.root_gain).cost;
}

std::size_t TreeBuilder::rules_of(const Part& part) const {
  const PlaceSpan places = orders_.of(part);
  return std::accumulate(
      places.begin(), places.end(), std::size_t{0},
      [&](std::size_t rules, std::uint32_t place) { return rules + orders_[place].rules; });
}

std::uint32_t TreeBuilder::add_chain(std::uint64_t context, const TreeRegion& region) {
  chains_.push_back({mixed(context, region), region.destination, region.source, {}});
  led_to_.push_back(false);
  return static_cast<std::uint32_t>(chains_.size() - 1);
}

void TreeBuilder::add_step(std::uint32_t chain, Kind kind, std::uint32_t index) {
  chains_[chain].steps.push_back({kind, index});
  if (kind != Kind::entry)
    led_to_[index] = true;
}

void TreeBuilder::add_rest(std::uint32_t from, std::uint32_t to, Cost& cost) {
  add_step(from, Kind::rest, to);
  cost.append_step();
}

void TreeBuilder::add_rest(const Spot& spot, Cost& cost) {
  if (spot.next != nullptr)
    add_rest(spot.chain, spot.next->chain, cost);
}

/// One after another, in their order.
TreeBuilder::Placed TreeBuilder::list(const Part& part, const Spot& spot) {
  for (const std::uint32_t place : orders_.of(part))
    add_step(spot.chain, Kind::entry, place);
  return {straight_cost(orders_, part), true};
}

/// As if nothing had been placed since `mark`.
void TreeBuilder::cut_back(const Part& part, std::uint32_t chain, const Mark& mark) {
  chains_.resize(mark.chains);
  led_to_.resize(mark.chains);
  chains_[chain].steps.resize(mark.steps);
  orders_.restore(part);
}

/// Taken apart by `take_apart` when that costs a packet less than `gain` of what a list does, else as a list.
template <class TakeApart>
TreeBuilder::Placed TreeBuilder::gaining(const Part& part, const Spot& spot, double gain,
                                         TakeApart take_apart) {
  const Mark mark{chains_.size(), chains_[spot.chain].steps.size()};
  const Cost straight = straight_cost(orders_, part);
  const Placed placed = take_apart();
  if (placed.cost.sum(part.size()) < gain * straight.sum(part.size()))
    return placed;
  cut_back(part, spot.chain, mark);
  return list(part, spot);
}

/// Taken apart, it would be a list again with one entry less: half as many again as in a leaf are as well
/// one.
bool TreeBuilder::is_short(const Part& part) const {
  return part.size() < 2 || 2 * part.size() < 3 * shape_.leaf || rules_of(part) <= shape_.leaf;
}

TreeBuilder::Placed TreeBuilder::place(const Part& part, const Spot& spot, double gain) {
  if (is_short(part))
    return list(part, spot);
  std::optional<Cut> cut = cutter_.cut_of(part, spot.region);
  if (!cut)
    return list(part, spot);
  return gaining(part, spot, gain, [&] { return place_blocks(part, std::move(*cut), spot); });
}

/// Notes each entry's group.
void TreeBuilder::group_by(const Cut& cut, const Part& part) {
  for (const std::uint32_t place : orders_.of(part))
    group_[place] = is_outside;
  for (const PlaceSpan wide : cut.wide)
    for (const std::uint32_t place : wide)
      group_[place] = is_wide;
  for (std::uint32_t branch = 0; branch < cut.branches.size(); ++branch)
    for (const std::uint32_t place : cut.branches[branch].narrow)
      group_[place] = branch;
}

TreeBuilder::Blocks TreeBuilder::blocks_by(Cut cut, const Part& part) {
  group_by(cut, part);
  Blocks blocks{std::move(cut), {}, 1};
  if (blocks.cut.wide.empty())
    return blocks;
  const PlaceSpan places = orders_.of(part);
  std::vector<bool> wide(places.size());
  for (std::size_t at = 0; at < places.size(); ++at)
    wide[at] = group_[places[at]] == is_wide;
  blocks.levels = levels_.of(places, wide);
  blocks.count = *std::max_element(blocks.levels.begin(), blocks.levels.end()) + std::size_t{1};
  return blocks;
}

double TreeBuilder::walk_of(const Blocks& blocks, const Part& part) const {
  std::vector<double> rules(blocks.count);
  for (std::size_t at = 0; at < part.size(); ++at)
    rules[blocks.levels.empty() ? 0 : blocks.levels[at]] += orders_[orders_.of(part)[at]].rules;
  return std::accumulate(rules.begin(), rules.end(), 0.0,
                         [](double walk, double size) { return walk + expected_walk(size); });
}

/// By the cut, or by the best one of the other dimension when the order makes many levels of the first.
TreeBuilder::Blocks TreeBuilder::better_blocks(Cut cut, const Part& part, const TreeRegion& region) {
  Blocks first = blocks_by(std::move(cut), part);
  if (first.count <= 2)
    return first;
  std::optional<Cut> other = cutter_.cut_of(part, region, first.cut.first());
  if (!other)
    return first;
  Blocks second = blocks_by(std::move(*other), part);
  if (walk_of(second, part) < clearly * walk_of(first, part))
    return second;
  group_by(first.cut, part);
  return first;
}

/// The end of each level.
std::vector<std::size_t> TreeBuilder::group_by_level(const Blocks& blocks, const Part& part) {
  if (blocks.count == 1)
    return {part.last};
  const PlaceSpan places = orders_.of(part);
  for (std::size_t at = 0; at < places.size(); ++at)
    level_[places[at]] = blocks.levels[at];
  return orders_.group(part, blocks.count, [&](std::uint32_t place) { return level_[place]; });
}

/// Those that are not empty, each with a chain of its own but the first.
std::vector<TreeBuilder::Level> TreeBuilder::levels_of(const Blocks& blocks, const Part& part,
                                                       const Spot& spot) {
  const std::vector<std::size_t> ends = group_by_level(blocks, part);
  std::vector<Level> levels;
  levels.reserve(blocks.count); // they are pointed to
  for (std::size_t level = 0; level < blocks.count; ++level) {
    const Part here{levels.empty() ? part.first : levels.back().part.last, ends[level]};
    if (here.size() > 0)
      levels.push_back({level, here, spot, {}});
  }
  const Later* next = spot.next;
  for (std::size_t at = levels.size(); at-- > 0;) {
    Level& here = levels[at];
    here.spot.next = next;
    if (at > 0) {
      here.spot.round = 0;
      here.spot.context = context_of(spot.context, spot.region, spot.round, here.number);
      here.spot.chain = add_chain(here.spot.context, spot.region);
    }
    here.later = {here.spot.chain, orders_.of(here.part), next};
    next = &here.later;
  }
  return levels;
}

/// Level by level: packets that one has not decided go on to the next that may.
TreeBuilder::Placed TreeBuilder::place_blocks(const Part& part, Cut cut, const Spot& spot) {
  const Blocks blocks = better_blocks(std::move(cut), part, spot.region);
  std::vector<Level> levels = levels_of(blocks, part, spot);
  Placed all;
  std::uint32_t chain = spot.chain; // the last one
  for (Level& here : levels) {
    if (here.spot.chain != chain && all.open) {
      if (led_to_[here.spot.chain])
        add_rest(chain, here.spot.chain, all.cost);
      else
        here.spot.chain = chain; // it follows at once
    }
    chain = here.spot.chain;
    const Placed placed = place_level(here, blocks.cut);
    all.cost.append(placed.cost, here.part.size());
    all.open = placed.open;
  }
  if (all.open && chain != spot.chain) {
    all.open = false;
    if (spot.next != nullptr)
      add_rest(chain, spot.next->chain, all.cost);
  }
  return all;
}

TreeBuilder::Placed TreeBuilder::place_level(const Level& level, const Cut& cut) {
  if (level.number % 2 == 1)
    return place(level.part, level.spot, shape_.gain);
  if (rules_of(level.part) <= shape_.leaf)
    return list(level.part, level.spot);
  return gaining(level.part, level.spot, shape_.gain,
                 [&] { return branch_out(level.part, cut, level.spot); });
}

/// Which branches have steps for a part: those of more than a few rules; and where there are any of a later
/// round, which may have packets of theirs, all that have an entry.
std::vector<bool> TreeBuilder::used_branches(const Part& part, const Cut& cut) const {
  std::vector<std::size_t> rules(cut.branches.size());
  for (const std::uint32_t place : orders_.of(part))
    if (group_[place] != is_outside)
      rules[group_[place]] += orders_[place].rules;
  std::vector<bool> used(cut.branches.size());
  std::size_t last_round = 0;
  for (std::size_t branch = cut.branches.size(); branch-- > 0;) {
    const std::size_t round = cut.branches[branch].round;
    used[branch] = rules[branch] > no_chain_for || (rules[branch] > 0 && round < last_round);
    if (used[branch])
      last_round = std::max(last_round, round);
  }
  return used;
}

/// None of the part is wide.
TreeBuilder::Shares TreeBuilder::share_out(const Part& part, const Cut& cut) {
  const std::vector<bool> used = used_branches(part, cut);
  Shares shares;
  std::vector<std::size_t> number(used.size());
  for (std::uint32_t branch = 0; branch < used.size(); ++branch)
    if (used[branch]) {
      number[branch] = shares.branches.size();
      shares.branches.push_back({branch, {}});
    }
  const std::size_t outside = shares.branches.size();
  const std::vector<std::size_t> ends = orders_.group(part, outside + 1, [&](std::uint32_t place) {
    const std::uint32_t branch = group_[place];
    return branch == is_outside || !used[branch] ? outside : number[branch];
  });
  std::size_t first = part.first;
  for (std::size_t at = 0; at < outside; ++at) {
    shares.branches[at].part = {first, ends[at]};
    first = ends[at];
  }
  shares.outside = {first, part.last};
  return shares;
}

/// The steps to the branches, and behind these what is outside.
TreeBuilder::Placed TreeBuilder::branch_out(const Part& part, const Cut& cut, const Spot& spot) {
  const Shares shares = share_out(part, cut);
  if (shares.branches.empty())
    return list(part, spot);
  std::vector<Spot> spots;
  for (const Share& share : shares.branches) {
    const TreeBranch& branch = cut.branches[share.branch];
    TreeRegion region = spot.region;
    region.prefix(branch.dimension) = branch.prefix;
    const std::uint32_t chain = add_chain(spot.context, region);
    add_step(spot.chain, branch.dimension == Dimension::destination ? Kind::destination : Kind::source,
             chain);
    spots.push_back({chain, region, spot.context, 0, nullptr});
  }
  Placed all{{}, false};
  Walk into; // packets that go into a branch, as many as there are entries
  for (std::size_t at = 0; at < spots.size(); ++at) {
    const Part& share = shares.branches[at].part;
    const Ahead ahead(spots[at].region, spot.next, orders_, entries_ahead(share.size()));
    spots[at].next = ahead.next();
    Placed placed = place(share, spots[at], shape_.gain);
    if (placed.open)
      add_rest(spots[at], placed.cost);
    Cost cost{{}, {static_cast<double>(at + 1), 1}, at + 1};
    cost.append(placed.cost, share.size());
    all.cost.hits += cost.hits;
    all.cost.deepest = std::max(all.cost.deepest, cost.deepest);
    into += static_cast<double>(share.size()) * cost.through;
  }
  Spot behind = spot;
  ++behind.round;
  Cost past{{}, {static_cast<double>(spots.size()), 0}, spots.size()};
  const Placed placed = place(shares.outside, behind, shape_.gain);
  past.append(placed.cost, shares.outside.size());
  if (placed.open)
    add_rest(spot, past);
  all.cost.hits += past.hits;
  all.cost.deepest = std::max(all.cost.deepest, past.deepest);
  const auto count = static_cast<double>(part.size() - shares.outside.size());
  all.cost.through += 0.5 / count * into;
  all.cost.through += 0.5 * past.through;
  return all;
}

} // namespace flowspec
