// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is ours in a table: one chain, the chains named after it, and the bare jump to it at the head of each
// parent chain. Everything else is somebody else's and stays as it is.
#pragma once

#include "common/ruleset.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

struct Ownership {
  std::string chain = "FLOWSPEC";

  /// `chain` itself and "<chain>-...".
  bool owns(std::string_view name) const;
};

/// A bare jump from a chain that is not ours to one that is.
struct Hook {
  std::string parent;
  std::string chain;
  bool wanted = true; ///< comes_first in `parent`, and once; else nowhere in it

  /// `-j <chain>` and nothing more. A jump with conditions is an operator's own.
  Rule jump() const;
  bool operator==(const Hook&) const = default;
};

/// True when the jump is in its place: nothing stands before it in its parent but jumps to the chains of
/// other injectors. Each of several would move its own to the head for ever.
bool comes_first(const Hook& hook, const Ruleset& ruleset);

/// The jump that only we put into `parent`: to a chain of ours that is named after it.
Hook named_hook(const std::string& parent, const Ownership& ours);

/// `current` as it should be: our chains are exactly `chains`, and the hooks are as they say; a named_hook
/// that is none of them is gone. A chain of ours that is not wanted goes, or stays empty when somebody else's
/// rule refers to it. Throws Error when the parent of a wanted hook does not exist.
Ruleset with_ours(const Ruleset& current, const std::vector<Chain>& chains, const std::vector<Hook>& hooks,
                  const Ownership& ours);

/// True when `current` has a chain of ours.
bool holds_ours(const Ruleset& current, const Ownership& ours);

} // namespace flowspec
