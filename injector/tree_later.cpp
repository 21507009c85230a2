// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_later.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flowspec {

Ahead::Ahead(const TreeRegion& region, const Later* next, const TreeOrders& orders, std::size_t most) {
  for (; next != nullptr; next = next->next) {
    PlaceSpan entries = next->entries;
    if (entries.size() <= most) {
      most -= entries.size();
      Places kept;
      std::copy_if(entries.begin(), entries.end(), std::back_inserter(kept),
                   [&](std::uint32_t place) { return region.overlaps(orders[place]); });
      if (kept.empty())
        continue;
      entries = kept_.emplace_back(std::move(kept)); // where it stays when others are added
    }
    laters_.push_back({next->chain, entries, nullptr});
  }
  for (std::size_t at = 1; at < laters_.size(); ++at)
    laters_[at - 1].next = &laters_[at];
}

} // namespace flowspec
