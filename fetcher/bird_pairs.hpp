// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lists behind a component's words, as the {operator, value} pairs that BIRD makes of them.
#pragma once

#include "fetcher/bird_flow.hpp"
#include "fetcher/bird_values.hpp"

#include <cstdint>
#include <vector>

namespace flowspec {

/// "80,443,8000..8080" and "> 5 && < 10 || = 20". False when BIRD refuses it, with a complaint.
bool read_numbers(BirdValues& values, std::uint32_t max, std::vector<FlowPair>& pairs);

/// "0x03/0x0f && !0x10/0x10"
bool read_tcp_flags(BirdValues& values, std::vector<FlowPair>& pairs);

/// "is_fragment && !dont_fragment"
bool read_fragment(BirdValues& values, std::vector<FlowPair>& pairs);

} // namespace flowspec
