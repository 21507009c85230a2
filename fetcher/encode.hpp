// SPDX-License-Identifier: GPL-2.0-or-later
//
// From sets of packets to routes that FRR takes.
#pragma once

#include "fetcher/piece.hpp"
#include "fetcher/publication.hpp"

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace flowspec {

/// The routes for `pieces`, in their order, each with its own bytes. `rules` are those that the pieces come
/// from: their `routes` are counted up. Throws Error, naming the rule, when it takes more than `max_routes`.
std::vector<Route> encode(std::deque<Piece> pieces, std::size_t max_routes, std::span<RuleReport> rules);

} // namespace flowspec
