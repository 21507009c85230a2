// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bytes of a route's match, as a speaker would send them: what precedence and identity are computed from
// (canonical_nlri and match_hash in entry.hpp).
#pragma once

#include "common/entry.hpp"

#include <compare>

namespace flowspec {

/// How two components of one type stand by their bytes as canonical_nlri has them: the lower bytes first;
/// equal as far as both go, the longer first.
std::strong_ordering compare_bytes(const ValueSet& a, const ValueSet& b);
std::strong_ordering compare_bytes(const BitTests& a, const BitTests& b);

} // namespace flowspec
