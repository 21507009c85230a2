// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_levels.hpp"

#include <algorithm>

namespace flowspec {

namespace {

/// The lowest level of its kind that is not below `highest` (from 1; 0: none), nor on the same level as one
/// of the other kind.
std::uint32_t level_behind(std::uint32_t highest, bool wide) {
  const std::uint32_t own = wide ? 1 : 0;
  if (highest == 0)
    return own;
  const std::uint32_t level = highest - 1;
  return level % 2 == own ? level : level + 1;
}

/// None but wide entries behind a wide one.
bool in_order(const std::vector<bool>& wide) {
  return std::find(std::find(wide.begin(), wide.end(), true), wide.end(), false) == wide.end();
}

} // namespace

PrefixForest::PrefixForest(const TreeOrders& orders, Dimension dimension)
    : node_of_(orders.entries().size()) {
  std::vector<const Prefix*> prefixes; // of the nodes
  for (const std::uint32_t place : orders.sorted({0, node_of_.size()}, dimension)) {
    const Prefix& prefix = prefix_of(orders[place], dimension);
    if (prefixes.empty() || prefix != *prefixes.back()) {
      const auto number = static_cast<std::uint32_t>(nodes_.size());
      // The one before is wider, or is in the one that is, or in one that is wider than that ...
      std::uint32_t wider = number == 0 ? 0 : number - 1;
      while (number > 0 && !prefixes[wider]->contains(prefix) && nodes_[wider].wider != wider)
        wider = nodes_[wider].wider;
      const bool is_root = number == 0 || !prefixes[wider]->contains(prefix);
      nodes_.push_back({is_root ? number : wider, 0, 0});
      prefixes.push_back(&prefix);
    }
    node_of_[place] = static_cast<std::uint32_t>(nodes_.size() - 1);
  }
}

std::uint32_t PrefixForest::highest(std::uint32_t place) const {
  std::uint32_t node = node_of_[place];
  std::uint32_t result = nodes_[node].below;
  while (nodes_[node].wider != node) {
    node = nodes_[node].wider;
    result = std::max(result, nodes_[node].here);
  }
  return result;
}

void PrefixForest::add(std::uint32_t place, std::uint32_t level) {
  std::uint32_t node = node_of_[place];
  nodes_[node].here = std::max(nodes_[node].here, level + 1);
  nodes_[node].below = std::max(nodes_[node].below, level + 1);
  while (nodes_[node].wider != node) {
    node = nodes_[node].wider;
    nodes_[node].below = std::max(nodes_[node].below, level + 1);
  }
}

void PrefixForest::forget(std::uint32_t place) {
  std::uint32_t node = node_of_[place];
  nodes_[node].here = nodes_[node].below = 0;
  while (nodes_[node].wider != node) {
    node = nodes_[node].wider;
    nodes_[node].below = 0;
  }
}

std::vector<std::uint32_t> Levels::of(PlaceSpan part, const std::vector<bool>& wide) {
  std::vector<std::uint32_t> levels(part.size());
  if (in_order(wide)) {
    for (std::size_t at = 0; at < part.size(); ++at)
      levels[at] = wide[at] ? 1 : 0;
    return levels;
  }
  if (forests_.empty())
    for (const Dimension dimension : every_dimension)
      if (!orders_.sorted({0, orders_.entries().size()}, dimension).empty())
        forests_.emplace_back(orders_, dimension);
  for (std::size_t at = 0; at < part.size(); ++at) {
    // Those that share packets do so in both dimensions: each alone gives a bound.
    std::uint32_t highest = forests_.front().highest(part[at]);
    for (const PrefixForest& forest : forests_)
      highest = std::min(highest, forest.highest(part[at]));
    levels[at] = level_behind(highest, wide[at]);
    for (PrefixForest& forest : forests_)
      forest.add(part[at], levels[at]);
  }
  for (const std::uint32_t place : part)
    for (PrefixForest& forest : forests_)
      forest.forget(place);
  return levels;
}

} // namespace flowspec
