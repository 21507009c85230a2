// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/forward_order.hpp"

#include <algorithm>
#include <cstddef>

namespace flowspec {

std::vector<std::uint32_t> forward_order(const std::vector<std::vector<std::uint32_t>>& next,
                                         std::uint32_t root) {
  struct Visit {
    std::uint32_t node;
    std::size_t left; ///< of what it leads to; the last one goes first, and so ends behind the others
  };
  std::vector<bool> seen(next.size());
  std::vector<std::uint32_t> order;
  std::vector<Visit> visits{{root, next[root].size()}};
  seen[root] = true;
  while (!visits.empty()) {
    Visit& visit = visits.back();
    if (visit.left == 0) {
      order.push_back(visit.node);
      visits.pop_back();
      continue;
    }
    const std::uint32_t node = next[visit.node][--visit.left];
    if (seen[node])
      continue;
    seen[node] = true;
    visits.push_back({node, next[node].size()});
  }
  std::reverse(order.begin(), order.end());
  return order;
}

} // namespace flowspec
