// SPDX-License-Identifier: GPL-2.0-or-later
//
// What every FRR from 7.4 on takes, and shows so that only one meaning is left. One route beyond this resets
// the BGP session and with it withdraws every other route.
#pragma once

#include "common/entry.hpp"

#include <cstddef>
#include <vector>

namespace flowspec::frr {

/// {operator, value} pairs in one component: a single value takes one, a range two.
constexpr std::size_t most_pairs = 5;
/// Bytes of one route.
constexpr std::size_t most_bytes = 239;

/// How many pairs `set` takes.
std::size_t pairs(const ValueSet& set);

/// True when FRR takes a route with this match, and the text that FRR prints for it, which hides AND from OR,
/// has only this meaning.
bool takes(const Components& match);

/// Matches that FRR takes, which together hold the same packets as `match`. One packet may be in two of them,
/// by its source port in one and its destination port in the other; routes made of them must do the same.
/// Only numeric components are split: the result is empty when a bitmask component is too long, and when
/// `match` holds nothing or has no component. Throws std::length_error when it takes more than `most`.
std::vector<Components> split(const Components& match, std::size_t most = 1000000);

} // namespace flowspec::frr
