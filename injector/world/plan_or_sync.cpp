// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry_json.hpp"
#include "common/file_lock.hpp"
#include "common/kernel_facts.hpp"
#include "common/lock_held.hpp"
#include "injector/pass.hpp"
#include "injector/report.hpp"
#include "injector/world/commands.hpp"
#include "injector/world/metrics_file.hpp"
#include "injector/world/pass_world.hpp"
#include "injector/world/state_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace flowspec {

namespace {

bool changes_anything(const Pass& pass) {
  return std::any_of(pass.changes.begin(), pass.changes.end(),
                     [](const Changes& changes) { return !changes.edits.empty(); });
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
  std::string text = traces_text(pass.traces);
  if (!done)
    for (const Changes& changes : pass.changes)
      text += edits_text(changes);
  return text + findings_text(pass, "") + summary_text(pass, done);
}

bool was_read(const Pass& pass, Family family) {
  return std::any_of(pass.tables.begin(), pass.tables.end(),
                     [family](const WantedTable& table) { return table.family == family; });
}

void check_format(const Pass& pass, Format format) {
  const bool v6 = format == Format::ip6tables_restore;
  const Family family = v6 ? Family::ipv6 : Family::ipv4;
  if ((v6 || format == Format::iptables_restore) && !was_read(pass, family))
    throw Error(fmt::format("write the {0} rules: no {0} routes were read", name(family)));
}

/// Of a family that FRR has no peer for nothing is known, so what stands of it goes on standing.
void mention_unasked(const PassOutcome& outcome, const PassWorld& world, const Options& options) {
  if (world.given || !options.families.empty() || options.from_empty)
    return;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const bool failed = std::any_of(outcome.failures.begin(), outcome.failures.end(),
                                    [&](const Failure& failure) { return failure.family == family; });
    if (!was_read(outcome.pass, family) && !failed && world.tables.in_use(family, "filter") &&
        holds_ours(world.tables.look(family, "filter"), options.ours))
      say(fmt::format("FRR has no {0} flowspec peer: the {0} rules that are there stay as they are",
                      name(family)));
  }
}

/// What a person should know besides the report.
void mention(const PassOutcome& outcome, const Options& options) {
  for (const Failure& failure : outcome.failures)
    say(failure.family ? fmt::format("{}; the {} rules stay as they are", failure.why, name(*failure.family))
                       : failure.why);
  for (const Tampering& found : outcome.tampering)
    say(fmt::format(
        "table {}, since the last pass: {}; {}", title(Ruleset{found.family, found.table, {}}), found.what,
        options.command == Command::sync ? "it is as it should be again" : "sync would put that right"));
  for (const Holding& holding : outcome.holding) {
    if (holding.stale > 0)
      say(fmt::format("{} {} routes that FRR does not show stay installed: the session ended with {}",
                      holding.stale, name(holding.family), fmt::join(holding.peers, ", ")));
    if (holding.unconfirmed > 0)
      say(fmt::format(
          "{} {} routes were withdrawn, many at once: they stay for a second look, {:.3g} s after "
          "the first (--confirm-after)",
          holding.unconfirmed, name(holding.family),
          std::chrono::duration<double>(options.hold.confirm_after).count()));
  }
}

bool waits_for_a_second_look(const PassOutcome& outcome) {
  return std::any_of(outcome.holding.begin(), outcome.holding.end(),
                     [](const Holding& holding) { return holding.unconfirmed > 0; });
}

int exit_status(const PassOutcome& outcome, const Options& options) {
  const auto& failures = outcome.failures;
  if (std::any_of(failures.begin(), failures.end(), [](const Failure& failure) { return failure.family; }))
    return 1;
  if (options.strict && !(outcome.pass.rejected.empty() && failures.empty()))
    return 3;
  return options.exit_code && changes_anything(outcome.pass) ? 4 : 0;
}

/// A pass in its turn; without a place for the state there are no turns, and the pass says so.
PassOutcome one_pass(Passes& passes, const Options& options) {
  if (options.command != Command::sync)
    return passes.run(Depth::full, Doing::plan);
  std::unique_ptr<FileLock> turn;
  try {
    turn = StateFiles(options.state_dir, options.ours.chain).lock(options.lock_wait);
  } catch (const LockHeld&) {
    throw;
  } catch (const Error&) { // to save the state will fail in the same way
  }
  return passes.run(Depth::full, Doing::sync);
}

void report_pass(const PassOutcome& outcome, const PassWorld& world, const Options& options, bool last) {
  check_format(outcome.pass, options.format);
  mention(outcome, options);
  if (!last) // the report comes once
    return;
  mention_unasked(outcome, world, options);
  print(report(outcome.pass, options), options.command == Command::sync && changes_anything(outcome.pass));
}

/// What the state knows of it.
void write_metrics_of_failure(const PassWorld& world, const Options& options) {
  try {
    write_metrics(world.disk.load(), options);
  } catch (const Error& error) { // the failure itself is what the user has to hear of
    say(error.what());
  }
}

} // namespace

int plan_or_sync(const Options& options) {
  const PassWorld world = pass_world(options);
  Passes passes(options, world);
  const bool sync = options.command == Command::sync;
  try {
    PassOutcome outcome = one_pass(passes, options);
    const bool again = sync && waits_for_a_second_look(outcome);
    report_pass(outcome, world, options, !again || options.format == Format::text);
    if (again) {
      std::this_thread::sleep_for(options.hold.confirm_after);
      outcome = one_pass(passes, options);
      report_pass(outcome, world, options, true);
    }
    if (sync)
      write_metrics(outcome.state, options);
    return exit_status(outcome, options);
  } catch (const PassFailed&) {
    if (sync)
      write_metrics_of_failure(world, options);
    throw;
  }
}

} // namespace flowspec
