// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry_json.hpp"
#include "common/kernel_facts.hpp"
#include "common/own_prefixes.hpp"
#include "common/table_snapshot.hpp"
#include "injector/hold.hpp"
#include "injector/status.hpp"
#include "injector/status_report.hpp"
#include "injector/wanted.hpp"
#include "injector/world/commands.hpp"
#include "injector/world/current_status.hpp"
#include "injector/world/pass_world.hpp"
#include "injector/world/state_files.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <thread>

namespace flowspec {

namespace {

/// The routes that the last pass left, arranged as it did.
Pass remembered_pass(const State& state, const Options& options) {
  RoutesRead routes;
  std::vector<Family> families;
  for (const auto& [family, memory] : state.families) {
    routes.append(remembered(memory, family, options.poll.reading));
    families.push_back(family);
  }
  CompileOptions compile = options.compile;
  compile.reassembled = options.conntrack == Conntrack::on ||
                        (options.conntrack == Conntrack::find_out && may_track_connections());
  std::map<Family, Infeasible> infeasible;
  if (options.validate != Validate::off)
    for (const auto& [family, memory] : state.families)
      infeasible[family] = memory.infeasible;
  PrefixSet own; // without any, a pass leaves all as it is
  if (options.local_scope)
    own = PrefixSet(options.scope_prefixes.empty() ? own_prefixes() : options.scope_prefixes);
  Judged judged = judge(std::exchange(routes.entries, {}), infeasible,
                        {options.policy.get(), own.empty() ? nullptr : &own, false});
  Wanted wanted = arrange(std::exchange(judged.entries, {}), families, compile);
  return {std::move(routes), std::move(judged), std::move(wanted)};
}

std::vector<TableNow> tables_in_use() {
  std::vector<TableNow> tables;
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const char* name : {"filter", "mangle"})
      if (table_in_use(family, name)) {
        const TableSnapshot table(family, name);
        tables.push_back({table.read(), table.counters()});
      }
  return tables;
}

} // namespace

Status current_status(const Options& options) {
  const StateFiles files(options.state_dir, options.ours.chain);
  State state;
  Pass remembered;
  std::string no_state;
  try {
    state = files.load();
    files.load_texts(state);
    remembered = remembered_pass(state, options);
    if (state.last_pass == 0)
      no_state = fmt::format("no pass has left anything in {}", options.state_dir);
  } catch (const Error& error) {
    no_state = error.what();
    state = {};
    remembered = {};
  }
  const std::vector<TableNow> tables = tables_in_use();
  return status_of({state, no_state, remembered, tables, options.ours, monotonic_now(), unix_now()});
}

int show_status(const Options& options) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const auto text = [&] {
    const Status status = current_status(options);
    return options.format == Format::json ? dump(status_json(status)) : status_text(status, terminal);
  };
  if (!options.watch) {
    print(text());
    return 0;
  }
  for (;;) {
    const std::string now = text();
    print((terminal ? "\033[H\033[2J\033[3J" : "") + now);
    std::this_thread::sleep_for(*options.watch);
  }
}

} // namespace flowspec
