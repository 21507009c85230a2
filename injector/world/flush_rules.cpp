// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry_json.hpp"
#include "common/kernel_facts.hpp"
#include "injector/flush.hpp"
#include "injector/world/commands.hpp"
#include "injector/world/pass_world.hpp"
#include "injector/world/state_files.hpp"

#include <algorithm>

namespace flowspec {

std::vector<Changes> remove_ours(const Options& options) {
  std::chrono::milliseconds waited{0};
  const std::vector<WantedTable> tables = nothing_wanted(options.compile);
  std::vector<TableGoal> goals;
  for (const WantedTable& table : tables)
    if (table_in_use(table.family, table.table)) // to look into one that nobody uses would be to make it
      goals.push_back({[&] { return open_table(table.family, table.table, options.lock_wait, waited); },
                       table.chains, table.hooks});
  return sync_all(goals, options.ours);
}

int flush_rules(const Options& options) {
  const StateFiles files(options.state_dir, options.ours.chain);
  const std::unique_ptr<FileLock> turn = files.lock(options.lock_wait);
  const std::vector<Changes> changes = remove_ours(options);
  const bool changed =
      std::any_of(changes.begin(), changes.end(), [](const Changes& of) { return !of.edits.empty(); });
  print(options.format == Format::json ? dump(flush_json(changes, options.ours))
                                       : flush_text(changes, options.ours),
        changed);
  files.remove();
  return 0;
}

} // namespace flowspec
