// SPDX-License-Identifier: GPL-2.0-or-later
//
// A set of TCP flags as flowspec's bitmask operators (RFC 8955 section 4.2.1.2).
#pragma once

#include "common/bit_tests.hpp"
#include "fetcher/packet_box.hpp"

#include <vector>

namespace flowspec {

/// Lists of at most frr::most_pairs tests: a value is in `patterns` exactly when one of the lists holds for
/// it. None for the empty set; requires that `patterns` is not every value.
std::vector<BitTests> tcp_flag_tests(const FlagPatterns& patterns);

/// The same for positions in a datagram, as one list; requires 0 < positions < position::every.
BitTests fragment_tests(std::uint8_t positions);

} // namespace flowspec
