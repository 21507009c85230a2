// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_levels.hpp"

#include <algorithm>

namespace flowspec {

namespace {

/// The lowest level of its kind that is not below `highest` (from 1; 0: none), nor on the same level as one
/// of the other kind.
std::uint32_t level_behind(std::uint32_t highest, bool narrow) {
  const std::uint32_t own = narrow ? 0 : 1;
  if (highest == 0)
    return own;
  const std::uint32_t level = highest - 1;
  return level % 2 == own ? level : level + 1;
}

/// No narrow entry behind a wide one.
bool sorted(const std::vector<bool>& narrow) {
  return std::find(std::find(narrow.begin(), narrow.end(), false), narrow.end(), true) == narrow.end();
}

} // namespace

PrefixForest::PrefixForest(std::span<const TreeEntry> entries, Prefix TreeEntry::*dimension)
    : node_of_(entries.size()) {
  std::vector<const TreeEntry*> order;
  order.reserve(entries.size());
  for (const TreeEntry& entry : entries)
    order.push_back(&entry);
  std::sort(order.begin(), order.end(), [&](const TreeEntry* a, const TreeEntry* b) {
    return a->*dimension < b->*dimension; // by address, then by length
  });
  std::vector<const Prefix*> prefixes; // of the nodes
  for (const TreeEntry* entry : order) {
    const Prefix& prefix = entry->*dimension;
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
    node_of_[entry->place] = static_cast<std::uint32_t>(nodes_.size() - 1);
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

std::vector<std::uint32_t> Levels::of(std::span<const TreeEntry> part, const std::vector<bool>& narrow) {
  std::vector<std::uint32_t> levels(part.size());
  if (sorted(narrow)) {
    for (std::size_t at = 0; at < part.size(); ++at)
      levels[at] = narrow[at] ? 0 : 1;
    return levels;
  }
  if (forests_.empty()) {
    forests_.emplace_back(entries_, &TreeEntry::destination);
    forests_.emplace_back(entries_, &TreeEntry::source);
  }
  for (std::size_t at = 0; at < part.size(); ++at) {
    const std::uint32_t place = part[at].place;
    // Those that share packets do so in both dimensions: each alone gives a bound.
    const std::uint32_t highest = std::min(forests_[0].highest(place), forests_[1].highest(place));
    levels[at] = level_behind(highest, narrow[at]);
    for (PrefixForest& forest : forests_)
      forest.add(place, levels[at]);
  }
  for (const TreeEntry& entry : part)
    for (PrefixForest& forest : forests_)
      forest.forget(entry.place);
  return levels;
}

} // namespace flowspec
