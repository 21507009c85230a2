// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rate in bytes a second as a hashlimit match. The kernel counts in steps of 16 bytes and keeps the cost of
// one step as a whole number, so not every rate can be held.
#pragma once

#include "common/rule.hpp"

#include <optional>
#include <string>

namespace flowspec {

struct RateLimit {
  HashlimitMatch match;        ///< holds for what is above the rate
  double held = 0;             ///< bytes a second that the kernel really lets through
  std::uint32_t burst = 1;     ///< seconds' worth that may pass at once after a pause
  bool single_packets = false; ///< the rate is so low that one packet a second passes, whatever its size
};

/// The limit nearest to `rate` (bytes a second, above 0). None for a rate so high that the kernel has no such
/// limit: nothing is to be limited. `bucket` names it: rules with the same name share one allowance, and a
/// bucket keeps its rate as long as any rule names it, so the name must change with the rate.
/// After a pause, what `burst` seconds allow may pass at once: at least 1, as the kernel has it, and no
/// more than iptables' text can say.
std::optional<RateLimit> rate_limit(double rate, Family family, const std::string& bucket,
                                    std::uint32_t burst = 1);

} // namespace flowspec
