// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fewer routes for the same verdicts.
#pragma once

#include "fetcher/piece.hpp"

#include <deque>

namespace flowspec {

/// Pieces of which the first that holds a packet says the same of it as in `pieces`. Only neighbours with the
/// same actions, route target and connection states become one: when one holds the other, or when they differ
/// in a single condition. A piece made of several has the sequence number of the first of them.
std::deque<Piece> merged(std::deque<Piece> pieces);

} // namespace flowspec
