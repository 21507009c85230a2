// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules of the running kernel, and when they are not what it filters by.
#pragma once

#include "common/ruleset.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

/// What the kernel says of this network; each throws Error when that cannot be found out.
struct KernelView {
  /// Somebody uses the filter table of iptables-legacy: to read one that nobody uses would make it.
  std::function<bool(Family)> table_in_use;
  std::function<Ruleset(Family)> read_filter_table;
  std::function<bool(Family)> nf_tables_hold_rules;
  /// Connections are tracked, whatever the filter table says.
  std::function<bool(Family)> tracks_connections;
};

struct LiveRules {
  std::vector<Ruleset> rulesets;    ///< the filter table of each family, IPv4 first
  std::vector<std::string> words;   ///< what a person should know about them
  std::vector<Family> tracked = {}; ///< whose connections are tracked, whatever the filter table says
};

/// The legacy filter tables of `family`, or of both; then IPv6 is left out where nobody uses its table.
/// Throws Error when FORWARD has no rule and accepts everything while nf_tables hold rules: that is how the
/// legacy tables of a host look whose rules are all there.
LiveRules live_rules(std::optional<Family> family, const KernelView& kernel);

} // namespace flowspec
