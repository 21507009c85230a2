// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/chain_edits.hpp"

#include <algorithm>
#include <stdexcept>

namespace flowspec {

std::size_t ChainEdits::steps(std::size_t rules) const {
  const auto from_nearer_end = [&](std::size_t index) {
    return index >= rules ? 0 : std::min(index, rules - index);
  };
  std::size_t sum = 0;
  for (const DeleteRule* edit : deletions) {
    sum += from_nearer_end(edit->index);
    rules -= rules > 0 ? 1 : 0;
  }
  for (const InsertRule* edit : insertions) {
    sum += from_nearer_end(edit->index);
    ++rules;
  }
  return sum;
}

std::unordered_map<std::string, ChainEdits> edits_by_chain(const std::vector<Edit>& edits) {
  std::unordered_map<std::string, ChainEdits> chains;
  for (const Edit& edit : edits) {
    if (const auto* deletion = std::get_if<DeleteRule>(&edit)) {
      ChainEdits& of = chains[deletion->chain];
      if (!of.insertions.empty() || (!of.deletions.empty() && of.deletions.back()->index <= deletion->index))
        of.in_order = false;
      of.deletions.push_back(deletion);
    } else if (const auto* insertion = std::get_if<InsertRule>(&edit)) {
      ChainEdits& of = chains[insertion->chain];
      if (!of.insertions.empty() && of.insertions.back()->index >= insertion->index)
        of.in_order = false;
      of.insertions.push_back(insertion);
    }
  }
  return chains;
}

std::vector<Filling> filling(std::size_t rules, const ChainEdits& edits) {
  std::vector<Filling> result;
  result.reserve(rules + edits.insertions.size());
  auto insertion = edits.insertions.begin();
  const auto insert = [&] {
    for (; insertion != edits.insertions.end() && (*insertion)->index == result.size(); ++insertion)
      result.emplace_back(*insertion);
  };
  auto deletion = edits.deletions.rbegin(); // from the head
  for (std::size_t rule = 0; rule < rules; ++rule) {
    if (deletion != edits.deletions.rend() && (*deletion)->index == rule) {
      ++deletion;
      continue;
    }
    insert();
    result.emplace_back(rule);
  }
  insert();
  if (insertion != edits.insertions.end() || deletion != edits.deletions.rend())
    throw std::out_of_range("an edit of a rule that is not there");
  return result;
}

} // namespace flowspec
