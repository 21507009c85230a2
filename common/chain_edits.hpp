// SPDX-License-Identifier: GPL-2.0-or-later
//
// The edits of each chain by themselves, for who had rather fill a chain anew than change it rule by rule.
#pragma once

#include "common/edit.hpp"

#include <cstddef>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace flowspec {

/// What is done to the rules of one chain, in the order of the edits.
struct ChainEdits {
  std::vector<const DeleteRule*> deletions;
  std::vector<const InsertRule*> insertions;
  bool in_order = true; ///< as diff() has them: deletions from the end, then insertions from the head

  /// How many rules are walked over when every edit but those at the end is found from the nearer end of a
  /// chain that has `rules` at first.
  std::size_t steps(std::size_t rules) const;
};

/// By chain. What is pointed to is in `edits`.
std::unordered_map<std::string, ChainEdits> edits_by_chain(const std::vector<Edit>& edits);

/// A rule that stays, by the place that it had; or one that is new.
using Filling = std::variant<std::size_t, const InsertRule*>;

/// What a chain that has `rules` at first holds after `edits`. Requires that they are in order. Throws
/// std::out_of_range when one does not fit.
std::vector<Filling> filling(std::size_t rules, const ChainEdits& edits);

} // namespace flowspec
