// SPDX-License-Identifier: GPL-2.0-or-later
//
// A whole table in the kernel's bytes, as rules in our words.
#pragma once

#include "common/counters.hpp"
#include "common/ruleset.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// What the kernel gives of a table (linux/netfilter_ipv4/ip_tables.h: IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES;
/// of IPv6 likewise). The entries of a chain stand together. One of a user's begins behind an entry with the
/// target ERROR, which holds its name; a built-in one where its hook does. A chain's last entry is no rule,
/// but the policy or, in a user's, what ends it; the table's last one belongs to no chain.
struct TableBytes {
  Family family = Family::ipv4;
  std::string table = "filter";
  unsigned hooks = 0;                   ///< bit N: there is a chain for the hook N (linux/netfilter.h)
  std::array<std::uint32_t, 5> first{}; ///< where it begins in `entries`; NF_INET_NUMHOOKS of them
  std::span<const std::byte> entries;
};

/// All chains and rules: built-in chains in the kernel's order, then a user's by name. Whatever has no words
/// of ours is opaque or unreadable, never left out. Throws Error for bytes that are no table.
Ruleset rules_of(const TableBytes& table);

/// What every rule of rules_of() had counted: the same chains in the same order, the same number of rules in
/// each. The counters of policies are no part of it.
std::vector<ChainCounters> counters_of(const TableBytes& table);

} // namespace flowspec
