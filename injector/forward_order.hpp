// SPDX-License-Identifier: GPL-2.0-or-later
//
// An order in which packets meet what leads from one to the next.
#pragma once

#include <cstdint>
#include <vector>

namespace flowspec {

/// `next` says of each node, by number, where it leads to, in order. Those that can be reached from `root`,
/// each before all that it leads to; of two that one leads to, and that do not lead to each other, the first
/// one before the second.
std::vector<std::uint32_t> forward_order(const std::vector<std::vector<std::uint32_t>>& next,
                                         std::uint32_t root = 0);

} // namespace flowspec
