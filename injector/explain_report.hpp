// SPDX-License-Identifier: GPL-2.0-or-later
//
// An explanation with the rules behind it, for people and for machines.
#pragma once

#include "common/ruleset.hpp"
#include "injector/explain.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// Our chains of one table.
struct TableChains {
  Family family = Family::ipv4;
  std::string table = "filter";
  const std::vector<Chain>& chains;
};

/// A rule of some entry, where it stands.
struct HeldRule {
  std::string table;
  std::string chain;
  std::size_t number = 0; ///< in its chain, from 1, as iptables counts
  std::string text;       ///< in iptables notation, without the chain

  bool operator==(const HeldRule&) const = default;
};

/// The rules that carry the comment of `entry`, in the order of the chains.
std::vector<HeldRule> rules_of(const Entry& entry, const TableChains& in);

/// What happens to the packet, the rules that see to it, and what came close. `rules` are those of the entry
/// that decides; `parent` is the chain to which a packet without an entry goes back.
std::string explain_text(const Explanation& explanation, std::span<const HeldRule> rules,
                         std::string_view parent = "FORWARD");

/// {"packet", "verdict", "told", "tracked_connection_passes", "entry", "rules", "depends", "near"}.
nlohmann::ordered_json explain_json(const Explanation& explanation, const Question& question,
                                    std::span<const HeldRule> rules);

} // namespace flowspec
