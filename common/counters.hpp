// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel has counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace flowspec {

/// What went through one rule.
struct Counters {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;

  bool operator==(const Counters&) const = default;
};

struct ChainCounters {
  std::string chain;
  std::vector<Counters> rules; ///< one for each rule, in order

  bool operator==(const ChainCounters&) const = default;
};

} // namespace flowspec
