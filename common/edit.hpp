// SPDX-License-Identifier: GPL-2.0-or-later
//
// One step from the rules that are to the rules that should be. A list of them is carried out in order; rule
// numbers count from 0 and are those of the moment at which the step is taken.
#pragma once

#include "common/ruleset.hpp"

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace flowspec {

struct CreateChain {
  std::string chain;
  bool operator==(const CreateChain&) const = default;
};

/// The chain must be empty, and nothing may jump to it.
struct DeleteChain {
  std::string chain;
  bool operator==(const DeleteChain&) const = default;
};

/// Places `rule` before the one that has `index` now; index == number of rules appends.
struct InsertRule {
  std::string chain;
  std::size_t index = 0;
  PackedRule rule;
  bool operator==(const InsertRule&) const = default;
};

struct DeleteRule {
  std::string chain;
  std::size_t index = 0;
  PackedRule rule; ///< the one that goes, to be shown
  bool operator==(const DeleteRule&) const = default;
};

using Edit = std::variant<CreateChain, DeleteChain, InsertRule, DeleteRule>;

/// `ruleset` with `edits` carried out. Throws std::out_of_range when one does not fit.
Ruleset apply(const std::vector<Edit>& edits, Ruleset ruleset);

} // namespace flowspec
