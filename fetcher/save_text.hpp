// SPDX-License-Identifier: GPL-2.0-or-later
//
// What iptables-save and ip6tables-save print, from the legacy and the nf_tables variant.
#pragma once

#include "common/ruleset.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// Where a rule stands in the text.
struct SavedRule {
  std::size_t line = 0; ///< from 1
  std::string text;     ///< the rule as it stands there, without its counters

  bool operator==(const SavedRule&) const = default;
};

struct SavedTable {
  Ruleset ruleset;
  std::map<std::string, std::vector<SavedRule>, std::less<>> rules; ///< by chain, in the chain's order
  /// What iptables-save said of rules that it does not show: those of iptables-legacy, and other tables that
  /// nft has rules of its own in.
  std::vector<std::string> warnings;
  bool connections_tracked = false; ///< by a rule of whatever table
};

/// The filter table in `text`. A rule that Rule cannot hold is `unreadable`, with the part of it as the
/// reason. Throws Error, naming the line and the cause, for a text that is not all of what iptables-save
/// prints: no filter table or two of them, a table without COMMIT, a line of another kind, a rule of a chain
/// that was not declared; and for one that says itself that it does not show all of the filter table.
SavedTable parse_saved_table(std::string_view text, Family family);

/// The same without the places.
Ruleset parse_save(std::string_view text, Family family);

} // namespace flowspec
