// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/atomic_file.hpp"
#include "common/entry_json.hpp"
#include "common/iptc.hpp"
#include "common/kernel_facts.hpp"
#include "common/printable.hpp"
#include "common/process.hpp"
#include "common/xtables_lock.hpp"
#include "injector/explain_report.hpp"
#include "injector/frr_source.hpp"
#include "injector/options.hpp"
#include "injector/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

using namespace flowspec;

namespace {

/// The last line of what a program said: vtysh puts less important ones before the cause.
std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of("\r\n ");
  if (end == std::string::npos)
    return "without a word";
  const std::size_t before = text.find_last_of('\n', end);
  return text.substr(before + 1, end - before); // npos + 1 is the beginning
}

AskFrr ask_vtysh(const Options& options) {
  return [&options](const std::string& command) {
    std::vector<std::string> argv{options.vtysh};
    if (options.pathspace)
      argv.insert(argv.end(), {"-N", *options.pathspace});
    argv.insert(argv.end(), {"-c", command});
    const Finished finished = run(argv, {.time = options.timeout});
    if (finished.exit_code != 0) {
      const std::string& words = finished.err.empty() ? finished.out : finished.err;
      throw Error(fmt::format("ask FRR ({}): exit status {}: {}", fmt::join(argv, " "), finished.exit_code,
                              last_line(words)));
    }
    return finished.out;
  };
}

std::string read_given(const std::string& path, Command command) {
  std::string text = read_file(path);
  // The other end of a pipe that failed leaves nothing too.
  if (command == Command::sync && path == "-" && text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error("read routes from standard input: nothing came; give an empty file to mean no routes");
  return text;
}

PolledRoutes read_files(const Options& options) {
  PolledRoutes polled;
  const auto read = [&](const std::optional<std::string>& path, Family family) {
    if (!path)
      return;
    polled.routes.append(read_frr_routes(read_given(*path, options.command), family, options.poll.reading));
    polled.families.push_back(family);
  };
  read(options.routes, Family::ipv4);
  read(options.routes6, Family::ipv6);
  return polled;
}

/// A table, with the lock for as long as it may be committed.
OpenTable open_table(Family family, const std::string& name, const Options& options) {
  auto lock = std::make_shared<XtablesLock>(options.lock_wait);
  auto table = std::make_shared<KernelTable>(family, name);
  return {table->read(), [lock, table](const std::vector<Edit>& edits) { table->commit(edits); }};
}

/// A table in which nobody has a rule.
Ruleset empty_table(const WantedTable& wanted) {
  Ruleset table{wanted.family, wanted.table, {}};
  for (const Hook& hook : wanted.hooks)
    if (hook.wanted && table.find(hook.parent) == nullptr)
      table.chains.push_back({hook.parent, Verdict::accept, {}});
  return table;
}

std::vector<Changes> changes_for(const std::vector<WantedTable>& tables, const Options& options) {
  std::vector<TableGoal> goals;
  for (const WantedTable& wanted : tables) {
    const bool in_use = !options.from_empty && table_in_use(wanted.family, wanted.table);
    if (wanted.chains.empty() && !in_use)
      continue; // to look into a table that nobody uses would be to make it
    goals.push_back({[&options, &wanted, in_use] {
                       return options.command == Command::plan && !in_use
                                  ? OpenTable{empty_table(wanted), {}}
                                  : open_table(wanted.family, wanted.table, options);
                     },
                     wanted.chains, wanted.hooks});
  }
  if (options.command == Command::sync)
    return sync_all(goals, options.ours);
  std::vector<Changes> changes;
  for (const TableGoal& goal : goals)
    changes.push_back(plan(goal.open().rules, goal.chains, goal.hooks, options.ours));
  return changes;
}

/// Tables of which nothing is ours, and nothing will be, are no news.
void drop_untouched(std::vector<Changes>& changes, const Ownership& ours) {
  std::erase_if(changes, [&](const Changes& of) {
    return of.after.table != "filter" && of.edits.empty() && !holds_ours(of.after, ours);
  });
}

bool changes_anything(const Pass& pass) {
  return std::any_of(pass.changes.begin(), pass.changes.end(),
                     [](const Changes& changes) { return !changes.edits.empty(); });
}

void print(const std::string& text, bool changed) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0)
    return;
  const char* const refused = "write to standard output: it does not take the report";
  if (!changed)
    throw Error(fmt::format("{}; nothing was changed", refused));
  // The exit status tells of the rules, and they are what they should be.
  fmt::print(stderr, "flowspec-injector: {}; the rules are changed, in full\n", refused);
}

std::string report(const Pass& pass, const Options& options) {
  const bool done = options.command == Command::sync;
  switch (options.format) {
  case Format::json:
    return dump(report_json(pass, done));
  case Format::iptables_restore:
    return restore_text(pass, Family::ipv4, options.ours);
  case Format::ip6tables_restore:
    return restore_text(pass, Family::ipv6, options.ours);
  case Format::text:
    break;
  }
  std::string text;
  if (!done)
    for (const Changes& changes : pass.changes)
      text += edits_text(changes);
  return text + findings_text(pass, "") + summary_text(pass, done);
}

bool has(const std::vector<Family>& families, Family family) {
  return std::find(families.begin(), families.end(), family) != families.end();
}

/// Of the packet that was asked about; `left_out` routes have no part in it.
std::string explanation(const Wanted& wanted, const std::vector<Family>& families, std::size_t left_out,
                        const Options& options) {
  const Family family = options.question->family;
  if (!has(families, family))
    throw Error(fmt::format("explain what becomes of an {0} packet: no {0} routes were read", name(family)));
  const Explanation explained =
      explain(wanted.installed, *options.question, options.compile.stateful, options.near_misses);
  std::vector<HeldRule> rules;
  if (explained.place.entry != nullptr)
    for (const WantedTable& table : wanted.tables)
      if (table.family == family)
        for (HeldRule& rule : rules_of(*explained.place.entry, {table.family, table.table, table.chains}))
          rules.push_back(std::move(rule));
  if (options.format == Format::json)
    return dump(explain_json(explained, *options.question, rules));
  const std::string text = explain_text(explained, rules, options.compile.parents.front());
  return left_out == 0
             ? text
             : text + fmt::format("note: routes without rules: {}; plan says which and why\n", left_out);
}

void say(const std::string& what) {
  fmt::print(stderr, "flowspec-injector: {}\n", one_line(what));
}

/// Of a family that FRR has no peer for nothing is known, so what stands of it goes on standing.
void mention_unasked(const PolledRoutes& polled, const Options& options) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const bool failed = std::any_of(polled.failures.begin(), polled.failures.end(),
                                    [&](const auto& failure) { return failure.family == family; });
    if (!has(polled.families, family) && !failed && table_in_use(family, "filter") &&
        holds_ours(open_table(family, "filter", options).rules, options.ours))
      say(fmt::format("FRR has no {0} flowspec peer: the {0} rules that are there stay as they are",
                      name(family)));
  }
}

int explain_packet(const PolledRoutes& polled, const Wanted& wanted, const Options& options) {
  const std::size_t left_out = polled.routes.rejected.size() + wanted.rejected.size();
  print(explanation(wanted, polled.families, left_out, options), false);
  return 0;
}

void check_format(const std::vector<Family>& families, Format format) {
  const bool v6 = format == Format::ip6tables_restore;
  const Family family = v6 ? Family::ipv6 : Family::ipv4;
  if ((v6 || format == Format::iptables_restore) && !has(families, family))
    throw Error(fmt::format("write the {0} rules: no {0} routes were read", name(family)));
}

int run_command(Options options) {
  const bool from_files = options.routes || options.routes6;
  PolledRoutes polled =
      from_files ? read_files(options) : poll_families(ask_vtysh(options), options.families, options.poll);
  options.compile.reassembled = options.conntrack == Conntrack::on ||
                                (options.conntrack == Conntrack::find_out && may_track_connections());
  Wanted wanted = arrange(std::move(polled.routes.entries), polled.families, options.compile);
  if (options.command == Command::explain)
    return explain_packet(polled, wanted, options);
  check_format(polled.families, options.format);
  for (const PolledRoutes::Failure& failure : polled.failures)
    say(fmt::format("{}; the {} rules stay as they are", failure.why, name(failure.family)));
  if (!from_files && options.families.empty() && !options.from_empty)
    mention_unasked(polled, options);
  Pass pass(std::move(polled.routes), std::move(wanted));
  pass.changes = changes_for(pass.tables, options);
  drop_untouched(pass.changes, options.ours);
  print(report(pass, options), options.command == Command::sync && changes_anything(pass));
  if (!polled.failures.empty())
    return 1;
  if (options.strict && !pass.rejected.empty())
    return 3;
  return options.exit_code && changes_anything(pass) ? 4 : 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    std::optional<Options> options = parse_options(argc, argv);
    return options ? run_command(std::move(*options)) : 0;
  } catch (const UsageError& error) {
    fmt::print(stderr, "flowspec-injector: {}\n", one_line(error.what()));
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "flowspec-injector: {}\n", one_line(error.what()));
    return 1;
  }
}
