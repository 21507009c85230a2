// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random FORWARD chains with chains of their own, of rules that flowspec has words for.
#pragma once

#include "common/ruleset.hpp"
#include "tests/support/generate.hpp"

#include <cstdint>

namespace flowspec::generate {

struct FirewallShape {
  std::uint32_t rules = 12; ///< at most so many in all chains together
  std::uint32_t chains = 4; ///< at most so many beside FORWARD
  /// Known connections are accepted first; some rules that accept ask for new ones.
  bool states = false;
};

/// FORWARD comes first, and has half of the rules or more. Chains call only those behind them.
Ruleset firewall(Random& random, Family family, const FirewallShape& shape);

} // namespace flowspec::generate
