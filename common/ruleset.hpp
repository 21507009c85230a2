// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules together: the chains of a table.
#pragma once

#include "common/rule_list.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

struct Chain {
  std::string name;
  std::optional<Verdict> policy; ///< of a built-in chain; none for a user's
  RuleList rules;

  bool operator==(const Chain&) const = default;
};

/// One table of one family.
struct Ruleset {
  Family family = Family::ipv4;
  std::string table = "filter";
  std::vector<Chain> chains;

  const Chain* find(std::string_view chain) const;
  Chain* find(std::string_view chain);
  bool operator==(const Ruleset&) const = default;
};

} // namespace flowspec
