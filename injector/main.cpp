// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/atomic_file.hpp"
#include "common/entry_json.hpp"
#include "common/iptc.hpp"
#include "common/printable.hpp"
#include "common/process.hpp"
#include "common/xtables_lock.hpp"
#include "injector/frr_source.hpp"
#include "injector/options.hpp"
#include "injector/report.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <memory>

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

RoutesRead read_routes(const Options& options) {
  RoutesRead routes;
  if (options.routes)
    routes.append(
        read_frr_routes(read_given(*options.routes, options.command), Family::ipv4, options.poll.reading));
  if (options.routes6)
    routes.append(
        read_frr_routes(read_given(*options.routes6, options.command), Family::ipv6, options.poll.reading));
  if (!options.routes && !options.routes6)
    routes = poll_frr(ask_vtysh(options), Family::ipv4, options.poll);
  return routes;
}

/// What was not read says nothing: with IPv6 routes alone the IPv4 table is not looked at.
bool reads_ipv4(const Options& options) {
  return options.routes || !options.routes6;
}

/// The filter table, with the lock for as long as it may be committed.
OpenTable open_filter(const Options& options) {
  auto lock = std::make_shared<XtablesLock>(options.lock_wait);
  auto table = std::make_shared<KernelTable>(Family::ipv4, "filter");
  return {table->read(), [lock, table](const std::vector<Edit>& edits) { table->commit(edits); }};
}

/// A table in which nobody has a rule.
Ruleset empty_filter(const Ownership& ours) {
  Ruleset table;
  for (const std::string& parent : ours.parents)
    table.chains.push_back({parent, Verdict::accept, {}});
  return table;
}

void print(const Pass& pass, const Options& options) {
  const bool done = options.command == Command::sync;
  std::string text;
  switch (options.format) {
  case Format::text:
    text = (done ? "" : edits_text(pass.changes)) + findings_text(pass, "") + summary_text(pass, done);
    break;
  case Format::json:
    text = dump(report_json(pass, done));
    break;
  case Format::iptables_restore:
    text = restore_text(pass, options.ours);
    break;
  }
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0)
    return;
  const char* const refused = "write to standard output: it does not take the report";
  if (!done || pass.changes.edits.empty())
    throw Error(fmt::format("{}; nothing was changed", refused));
  // The exit status tells of the rules, and they are what they should be.
  fmt::print(stderr, "flowspec-injector: {}; the rules are changed, in full\n", refused);
}

int run_command(const Options& options) {
  RoutesRead routes = read_routes(options);
  Wanted wanted = arrange(std::move(routes.entries), options.compile);
  Pass pass(std::move(routes), std::move(wanted));
  if (!reads_ipv4(options))
    pass.chains.clear();
  else if (options.command == Command::sync)
    pass.changes = sync([&options] { return open_filter(options); }, pass.chains, options.ours);
  else
    pass.changes = plan(options.from_empty ? empty_filter(options.ours) : open_filter(options).rules,
                        pass.chains, options.ours);
  print(pass, options);
  if (options.strict && !pass.rejected.empty())
    return 3;
  return options.exit_code && !pass.changes.edits.empty() ? 4 : 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    const std::optional<Options> options = parse_options(argc, argv);
    return options ? run_command(*options) : 0;
  } catch (const UsageError& error) {
    fmt::print(stderr, "flowspec-injector: {}\n", one_line(error.what()));
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "flowspec-injector: {}\n", one_line(error.what()));
    return 1;
  }
}
