// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/sync.hpp"

#include "common/iptc.hpp"
#include "injector/ruleset_diff.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

/// Against a writer that replaces the table all the time; each try is a fresh read.
constexpr int max_tries = 20;

template <class Kind>
std::size_t count(const std::vector<Edit>& edits) {
  return static_cast<std::size_t>(std::count_if(
      edits.begin(), edits.end(), [](const Edit& edit) { return std::holds_alternative<Kind>(edit); }));
}

} // namespace

std::size_t Changes::added() const {
  return count<InsertRule>(edits);
}
std::size_t Changes::removed() const {
  return count<DeleteRule>(edits);
}

Changes plan(const Ruleset& current, const std::vector<Chain>& chains, const Ownership& ours) {
  Changes changes{current, with_ours(current, chains, ours), {}};
  changes.edits = diff(changes.before, changes.after);
  return changes;
}

Changes sync(const TableOpener& open, const std::vector<Chain>& chains, const Ownership& ours) {
  for (int attempt = 1;; ++attempt) {
    const OpenTable table = open();
    Changes changes = plan(table.rules, chains, ours);
    if (changes.edits.empty())
      return changes;
    try {
      table.commit(changes.edits);
      return changes;
    } catch (const TableChanged& changed) {
      if (attempt == max_tries)
        throw Error(fmt::format("{} (tried {} times)", changed.what(), max_tries));
    }
  }
}

} // namespace flowspec
