// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where in a tree packets go on that a chain has not decided.
#pragma once

#include "injector/tree_cut.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flowspec {

/// A chain, and what comes behind it.
struct Later {
  std::uint32_t chain = 0;
  PlaceSpan entries; ///< of the chain and those that it leads to: all that packets of a region may match
  const Later* next = nullptr;
};

/// What of that may still match a packet when it is known to be of a narrower region.
class Ahead {
 public:
  /// `next` and the entries live as long as this. It looks at no more than `most` entries; of chains with
  /// more it takes for granted that some match.
  Ahead(const TreeRegion& region, const Later* next, const TreeOrders& orders, std::size_t most);
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  /// Null when packets go nowhere: none matches anything behind.
  const Later* next() const { return laters_.empty() ? nullptr : laters_.data(); }

 private:
  std::vector<Later> laters_;
  std::vector<Places> kept_;
};

} // namespace flowspec
