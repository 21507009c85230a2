// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bytes of a route's match: as a speaker would send them, which its identity is computed from
// (canonical_nlri and match_hash in entry.hpp); and as its own speaker did, which precedence is.
#pragma once

#include "common/entry.hpp"
#include "common/numeric_tests.hpp"

#include <compare>
#include <cstdint>
#include <span>

namespace flowspec {

/// How two components of one type stand by their bytes: the lower first; equal as far as both go, the longer
/// first. Where nothing is known to have been announced, the bytes are those of canonical_nlri.
std::strong_ordering compare_bytes(const ValueSet& a, std::span<const std::uint8_t> announced_a,
                                   const ValueSet& b, std::span<const std::uint8_t> announced_b);
std::strong_ordering compare_bytes(const BitTests& a, std::span<const std::uint8_t> announced_a,
                                   const BitTests& b, std::span<const std::uint8_t> announced_b);

/// Adds the bytes of component `type`, announced as `tests` that are joined as `reading` says, when
/// canonical_nlri has others for it. FRR does not tell their widths: each value is taken to have the shortest
/// of 1, 2 and 4 octets.
void add_announced(AnnouncedBytes& to, std::uint8_t type, std::span<const NumericTest> tests,
                   const NumericReading& reading);
/// The same of one that was announced as `tests` and is held as `meant`.
void add_announced(AnnouncedBytes& to, std::uint8_t type, const BitTests& tests, const BitTests& meant);

} // namespace flowspec
