// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/pass.hpp"

#include "common/lock_held.hpp"
#include "injector/metrics.hpp"
#include "injector/routes_to_enforce.hpp"
#include "injector/stage_clock.hpp"
#include "injector/tampering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace flowspec {

namespace {

/// A table in which nobody has a rule.
Ruleset empty_table(const WantedTable& wanted) {
  Ruleset table{wanted.family, wanted.table, {}};
  for (const Hook& hook : wanted.hooks)
    if (hook.wanted && table.find(hook.parent) == nullptr)
      table.chains.push_back({hook.parent, Verdict::accept, {}});
  return table;
}

} // namespace

/// One pass, stage by stage.
class Passes::Run {
 public:
  Run(Passes& passes, Depth depth, Doing doing)
      : passes_(passes), options_(passes.options_), world_(passes.world_), depth_(depth), doing_(doing),
        memory_(world_.disk, passes.off_disk_, outcome_.failures, doing == Doing::sync),
        state_(memory_.now()), tables_(world_.tables) {}

  PassOutcome all() {
    memory_.load();
    try {
      ask();
      decide();
      if (reads_anew())
        memory_.stage_texts();
      arrange_all();
      stage_ = Cause::kernel;
      if (doing_ != Doing::arrange)
        compare();
      if (doing_ == Doing::sync)
        commit();
    } catch (const std::exception& error) {
      throw failed(error);
    }
    finish();
    return std::move(outcome_);
  }

 private:
  void ask() {
    const StageClock clock(outcome_.times.ask);
    const auto about = [this](const Shown& unread) { about_to_read(unread); };
    if (world_.given) {
      given_ = world_.given(about);
      return memory_.texts_are_old();
    }
    Polled polled = passes_.poller_.poll(depth_, state_, about);
    shown_ = std::move(polled.shown);
    if (reads_anew())
      passes_.poller_.forget();
    outcome_.in_full = polled.in_full;
    if (polled.in_full) {
      passes_.arranged_.reset();
      memory_.texts_are_old();
    }
    for (Failure& failure : polled.failures)
      memory_.note(std::move(failure));
    if (shown_.empty() && polled.failures.empty())
      throw PassFailed(Cause::bad_answer, "ask FRR for flowspec routes: it has no flowspec peer");
    if (shown_.empty())
      throw_failures();
  }

  /// While the routes are read, so are the tables. With other routes than at the last pass they are opened to
  /// be changed: the usual pass takes the lock from nobody, nor does one in which FRR has yet to be asked.
  void about_to_read(const Shown& unread) {
    std::uint64_t version = unread.table_version;
    if (world_.given)
      version = given_hashes_[unread.family] = std::hash<std::string_view>{}(unread.text);
    if (doing_ == Doing::arrange || options_.from_empty)
      return;
    const auto& known = memory_.families_before();
    const auto before = known.find(unread.family);
    const bool news = before == known.end() ||
                      (world_.given ? before->second.routes_hash : before->second.table_version) != version;
    tables_.begin(unread.family, news && doing_ == Doing::sync && options_.validate == Validate::off);
  }

  /// What is installed, by looking.
  const Ruleset* look(Family family, const std::string& table) {
    if (doing_ == Doing::arrange || options_.from_empty)
      return nullptr;
    const StageClock clock(outcome_.times.kernel);
    const Cause before = std::exchange(stage_, Cause::kernel);
    const Ruleset* found = tables_.look(family, table);
    stage_ = before;
    return found;
  }

  void decide() {
    RoutesToEnforce routes(
        {options_, world_.source, world_.now, [this](Family family) { return look(family, "filter"); }},
        passes_.validator_, memory_, outcome_.times);
    decided_ = world_.given ? routes.of_given(std::move(given_), given_hashes_)
                            : routes.of_shown(std::move(shown_), reads_anew());
    outcome_.look_again = decided_->look_again;
    outcome_.holding = std::move(decided_->holding);
    if (decided_->families.empty())
      throw_failures();
  }

  /// A later pass of this process asks FRR for everything again: what was shown in this one need not be kept.
  bool reads_anew() const { return options_.command == Command::sync && doing_ == Doing::sync; }

  /// This machine's own prefixes, when only their routes are wanted. That it should have none is rather a
  /// machine that is not ready: all rules would go.
  PrefixSet own_prefixes() {
    if (!options_.local_scope)
      return {};
    const Cause before = std::exchange(stage_, Cause::kernel);
    PrefixSet own(options_.scope_prefixes.empty() ? world_.own_prefixes() : options_.scope_prefixes);
    stage_ = before;
    if (own.empty())
      throw PassFailed(Cause::refused, "--scope local: this machine has no prefix of its own now, and no "
                                       "route would be left; the rules stay as they are");
    return own;
  }

  /// What the rules are made of, beside the routes.
  MadeOf made_of() {
    MadeOf of;
    of.own = own_prefixes();
    of.families = decided_->families;
    of.held = std::move(decided_->held);
    for (const Family family : of.families)
      if (const auto memory = state_.families.find(family);
          options_.validate != Validate::off && memory != state_.families.end())
        of.infeasible[family] = memory->second.infeasible;
    of.reassembled = options_.conntrack == Conntrack::on ||
                     (options_.conntrack == Conntrack::find_out && world_.tracks_connections());
    return of;
  }

  void arrange_all() {
    const StageClock clock(outcome_.times.compile);
    MadeOf of = made_of();
    if (tables_.coming()) // which takes longer than the writing of texts, and needs the memory
      memory_.release_texts();
    std::optional<Arranged>& last = passes_.arranged_;
    if (!last || outcome_.in_full || world_.given || last->of != of)
      last = arranged(std::move(of));
    outcome_.pass = Pass(last->findings, last->judged, last->wanted);
    outcome_.pass.held = decided_->held_counts;
  }

  Arranged arranged(MadeOf of) {
    RoutesRead& routes = decided_->routes;
    CompileOptions compile = options_.compile;
    compile.reassembled = of.reassembled;
    Judged judged =
        judge(std::exchange(routes.entries, {}), of.infeasible,
              {options_.policy.get(), options_.local_scope ? &of.own : nullptr, options_.explain_policy});
    Wanted wanted = arrange(std::exchange(judged.entries, {}), of.families, compile);
    // The entries of 100,000 routes take 50 MB, and libiptc wants room for as much.
    if (doing_ == Doing::sync && options_.format != Format::json && decided_->held_counts.sum() == 0)
      wanted.installed = {};
    return {std::move(of), std::move(routes), std::move(judged), std::move(wanted)};
  }

  void compare() {
    for (const WantedTable& wanted : outcome_.pass.tables) {
      const Ruleset* now = look(wanted.family, wanted.table);
      if (now == nullptr && wanted.chains.empty())
        continue;
      const StageClock clock(outcome_.times.kernel);
      Changes changes =
          plan(now == nullptr ? empty_table(wanted) : *now, wanted.chains, wanted.hooks, options_.ours);
      // Tables of which nothing is ours, and nothing will be, are no news.
      if (wanted.table != "filter" && changes.edits.empty() && !holds_ours(changes.after, options_.ours))
        continue;
      compare_with_mark(changes, wanted.hooks);
      goals_.push_back({[this, &wanted] { return world_.tables.open(wanted.family, wanted.table); },
                        wanted.chains, wanted.hooks, tables_.take_commit(wanted.family, wanted.table)});
      outcome_.pass.changes.push_back(std::move(changes));
    }
  }

  void compare_with_mark(const Changes& changes, const std::vector<Hook>& hooks) {
    if (const TableMark* mark = mark_of(changes.before, state_))
      for (Tampering& found : tampering(changes, hooks, options_.ours, *mark))
        outcome_.tampering.push_back(std::move(found));
  }

  void commit() {
    const auto changed = [](const Changes& changes) { return !changes.edits.empty(); };
    const bool any = std::any_of(outcome_.pass.changes.begin(), outcome_.pass.changes.end(), changed);
    std::vector<std::string> planned;
    for (const Changes& changes : outcome_.pass.changes)
      planned.push_back(digest_of(changes.after));
    if (any) {
      // A pass that is killed leaves the one rules or the other, and both are ours. What is known of the
      // routes is what is known of those that are installed: it changes when they have.
      for (std::size_t at = 0; at < planned.size(); ++at)
        if (const Changes& changes = outcome_.pass.changes[at]; changed(changes))
          set_mark(changes.after, {left_as(changes.before), planned[at]}, state_);
      memory_.save_before_commit();
    }
    const StageClock clock(outcome_.times.commit);
    memory_.release_texts();
    if (options_.format == Format::text) { // others say more of what was there
      tables_.forget_rules();
      for (Changes& changes : outcome_.pass.changes)
        changes.before.chains.clear();
    }
    outcome_.pass.changes = commit_all(goals_, std::move(outcome_.pass.changes), options_.ours);
    goals_.clear(); // and with them the lock
    for (std::size_t at = 0; at < planned.size(); ++at) {
      const Changes& changes = outcome_.pass.changes[at];
      set_mark(changes.after, {changes.planned_anew ? digest_of(changes.after) : planned[at]}, state_);
      if (changed(changes))
        ++state_.totals.commits[title(changes.after)];
    }
    ++(any ? state_.totals.passes_changed : state_.totals.passes_unchanged);
    for (const Tampering& found : outcome_.tampering)
      ++state_.totals.repairs[found.kind];
  }

  /// How the last pass left the table, as far as that is known: should this one not come to commit, what
  /// somebody else has done to it since is still to be found.
  std::string left_as(const Ruleset& before) const {
    const std::string now = digest_of(before);
    const TableMark* mark = mark_of(before, state_);
    return mark == nullptr || std::ranges::count(mark->digests, now) > 0 ? now : mark->digests.front();
  }

  std::string digest_of(const Ruleset& table) const {
    const auto& tables = outcome_.pass.tables;
    const auto wanted = std::find_if(tables.begin(), tables.end(), [&](const WantedTable& of) {
      return of.family == table.family && of.table == table.table;
    });
    return digest(table, wanted->hooks, options_.ours);
  }

  void count_lock() {
    const std::chrono::milliseconds waited = world_.lock_waited();
    outcome_.times.lock = waited;
    state_.totals.lock_waited += waited;
    if (waited.count() > 0)
      ++state_.totals.lock_waits;
  }

  void finish() {
    if (doing_ == Doing::sync) {
      count_lock();
      state_.last_pass = world_.unix_time();
      state_.last_failure.clear();
      for (const Failure& failure : outcome_.failures)
        if (failure.family)
          state_.last_failure += (state_.last_failure.empty() ? "" : "; ") + failure.why;
      if (state_.last_failure.empty())
        state_.last_success = state_.last_pass;
    }
    for (const auto& [family, memory] : state_.families)
      outcome_.peers[family] = memory.peers;
    if (doing_ == Doing::sync) {
      for (const auto& [family, memory] : state_.families)
        outcome_.state.families[family] = without_texts(memory);
      outcome_.state.gauges = std::move(state_.gauges); // what a family that failed keeps
      state_.gauges = gauges_of(outcome_);
      memory_.save_at_end();
    }
    for (auto& [family, memory] : state_.families)
      memory = without_texts(memory);
    outcome_.state = std::move(state_);
  }

  [[noreturn]] void throw_failures() const {
    std::string words; // each once: mostly both families failed for the same reason
    for (const Failure& failure : outcome_.failures)
      if (failure.family && words.find(failure.why) == std::string::npos)
        words += (words.empty() ? "" : "; ") + failure.why;
    const auto first = std::find_if(outcome_.failures.begin(), outcome_.failures.end(),
                                    [](const Failure& failure) { return failure.family.has_value(); });
    throw AlreadyCounted(first->cause, words);
  }

  /// A failure whose parts note() has counted.
  class AlreadyCounted : public PassFailed {
    using PassFailed::PassFailed;
  };

  /// What `error` means for the pass, once the state knows of it.
  PassFailed failed(const std::exception& error) {
    tables_.wait();
    memory_.wait();
    Cause cause = stage_;
    if (const auto* of_pass = dynamic_cast<const PassFailed*>(&error))
      cause = of_pass->cause();
    else if (dynamic_cast<const LockHeld*>(&error) != nullptr)
      cause = Cause::lock;
    else if (dynamic_cast<const Error*>(&error) == nullptr)
      cause = Cause::resources;
    if (doing_ == Doing::sync) {
      if (dynamic_cast<const AlreadyCounted*>(&error) == nullptr)
        ++state_.totals.failures[std::string(name(cause))];
      count_lock();
      memory_.save_failed(error.what(), world_.unix_time(), decided_ && decided_->families.empty());
    }
    return {cause, dynamic_cast<const Error*>(&error) != nullptr
                       ? std::string(error.what())
                       : fmt::format("not enough memory for this pass ({})", error.what())};
  }

  Passes& passes_;
  const Options& options_;
  const PassWorld& world_;
  Depth depth_;
  Doing doing_;
  Cause stage_ = Cause::bad_answer; ///< of what fails now
  PassOutcome outcome_;
  PassMemory memory_;
  State& state_; ///< that of memory_
  std::vector<std::shared_ptr<Shown>> shown_;
  std::vector<Shown> given_;
  std::map<Family, std::uint64_t> given_hashes_; ///< of their texts
  OpenedTables tables_;
  std::optional<ToEnforce> decided_;
  std::vector<TableGoal> goals_;
};

Passes::Passes(Options options, PassWorld world)
    : options_(std::move(options)), world_(std::move(world)),
      poller_(world_.ask, options_.families, options_.poll, world_.now),
      validator_(world_.ask, options_.validate, options_.poll.settle) {}

PassOutcome Passes::run(Depth depth, Doing doing) {
  return Run(*this, depth, doing).all();
}

} // namespace flowspec
