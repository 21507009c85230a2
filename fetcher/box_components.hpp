// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sets of packets as the components of flowspec routes.
#pragma once

#include "common/entry.hpp"
#include "fetcher/packet_box.hpp"

#include <cstddef>
#include <vector>

namespace flowspec {

/// Matches that FRR takes, which together hold the packets of `box`, apart from its connection states and
/// interfaces, which no component says. Empty only when the box holds nothing. Every packet of the family is
/// said as every destination: flowspec has no route without components, and the one with every destination
/// and every source stands for the chain's policy. Throws std::length_error when it takes more than `most`;
/// each set of Box::ports but one doubles them.
std::vector<Components> components_of(const Box& box, std::size_t most = 1000000);

} // namespace flowspec
