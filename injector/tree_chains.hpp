// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules of a list of entries in chains: one after another, or as a tree.
#pragma once

#include "injector/layout.hpp"
#include "injector/list_chains.hpp"
#include "injector/tree.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace flowspec {

/// The tree of `list`, whose chain is called `name`; one chain alone where `layout` wants none, or where one
/// would be of no use.
TreePlan plan_list(const std::vector<std::size_t>& list, ListedEntries& all, std::string_view name,
                   Layout layout, TreeShape shape = {});

/// Adds the rules of the entries `list` behind those of `head`, and to `further` the chains that they go to
/// but those of single entries; a chain of a tree stands before all that it goes to.
void add_rules(Chain& head, const std::vector<std::size_t>& list, const TreePlan& plan,
               const ListedEntries& all, const CompileOptions& options, std::vector<Chain>& further);

/// What trees there are among chains that are ordered as above.
struct TreeFigures {
  std::size_t chains = 0;
  std::size_t further = 0; ///< rules that only lead from chain to chain
  std::size_t deepest = 0; ///< no packet meets more rules of one list, but those in chains of single entries

  bool any() const { return chains > 0; }
};
TreeFigures tree_figures(const std::vector<Chain>& chains);

} // namespace flowspec
