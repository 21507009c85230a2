// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/sync.hpp"

#include "common/iptc.hpp"
#include "injector/ruleset_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace flowspec {

namespace {

/// Against a writer that replaces the table all the time; each try is a fresh read.
constexpr int max_tries = 20;

template <class Kind>
std::size_t count(const std::vector<Edit>& edits) {
  return static_cast<std::size_t>(std::count_if(
      edits.begin(), edits.end(), [](const Edit& edit) { return std::holds_alternative<Kind>(edit); }));
}

/// False when the table is not open, or not any more as it was.
bool commit_as_planned(const TableGoal& goal, const Changes& changes) {
  if (!goal.commit)
    return false;
  try {
    goal.commit(changes.edits);
    return true;
  } catch (const TableChanged&) {
    return false;
  }
}

} // namespace

std::size_t Changes::added() const {
  return count<InsertRule>(edits);
}
std::size_t Changes::removed() const {
  return count<DeleteRule>(edits);
}

Changes plan(const Ruleset& current, const std::vector<Chain>& chains, const std::vector<Hook>& hooks,
             const Ownership& ours) {
  Changes changes{current, with_ours(current, chains, hooks, ours), {}};
  changes.edits = diff(changes.before, changes.after);
  return changes;
}

Changes sync(const TableOpener& open, const std::vector<Chain>& chains, const std::vector<Hook>& hooks,
             const Ownership& ours) {
  for (int attempt = 1;; ++attempt) {
    const OpenTable table = open();
    Changes changes = plan(table.rules, chains, hooks, ours);
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

std::vector<Changes> sync_all(const std::vector<TableGoal>& goals, const Ownership& ours) {
  std::vector<Changes> planned;
  for (const TableGoal& goal : goals)
    planned.push_back(plan(goal.open().rules, goal.chains, goal.hooks, ours));
  return commit_all(goals, std::move(planned), ours);
}

std::vector<Changes> commit_all(const std::vector<TableGoal>& goals, std::vector<Changes> changes,
                                const Ownership& ours) {
  std::string done;
  for (std::size_t index = 0; index < goals.size(); ++index) {
    const TableGoal& goal = goals[index];
    if (changes[index].edits.empty())
      continue;
    try {
      if (!commit_as_planned(goal, changes[index])) {
        changes[index] = sync(goal.open, goal.chains, goal.hooks, ours);
        changes[index].planned_anew = true;
      }
    } catch (const Error& error) {
      if (done.empty())
        throw;
      throw Error(fmt::format("{}; changed before that: {}", error.what(), done));
    }
    done += fmt::format("{}{}", done.empty() ? "" : ", ", title(changes[index].after));
  }
  return changes;
}

std::string title(const Ruleset& ruleset) {
  return ruleset.family == Family::ipv4 ? ruleset.table : "IPv6 " + ruleset.table;
}

} // namespace flowspec
