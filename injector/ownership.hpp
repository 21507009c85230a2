// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is ours in a table: one chain, the chains named after it, and the bare jump to it at the head of each
// parent chain. Everything else is somebody else's and stays as it is.
#pragma once

#include "common/rule.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

struct Ownership {
  std::string chain = "FLOWSPEC";
  std::vector<std::string> parents{"FORWARD"};

  /// `chain` itself and "<chain>-...".
  bool owns(std::string_view name) const;
  /// `-j <chain>` and nothing more. A jump with conditions is an operator's own.
  Rule jump() const;
};

/// `current` as it should be: our chains are exactly `chains`, the jump is the first rule of each parent and
/// stands there once. A chain of ours that is not wanted goes, or stays empty when somebody else's rule
/// refers to it. Throws Error when a parent chain does not exist.
Ruleset with_ours(const Ruleset& current, const std::vector<Chain>& chains, const Ownership& ours);

} // namespace flowspec
