// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/pass.hpp"

#include "common/lock_held.hpp"
#include "injector/feasible_routes.hpp"
#include "injector/hold.hpp"
#include "injector/metrics.hpp"
#include "injector/tampering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <new>
#include <system_error>
#include <utility>

namespace flowspec {

namespace {

using Clock = std::chrono::steady_clock;

/// Adds the time from its making to its end to a stage.
class Timed {
 public:
  explicit Timed(StageTimes::Seconds& stage) : stage_(stage) {}
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  ~Timed() { stage_ += Clock::now() - start_; }

 private:
  StageTimes::Seconds& stage_;
  Clock::time_point start_ = Clock::now();
};

/// The texts may be large.
FamilyMemory without_texts(const FamilyMemory& memory) {
  FamilyMemory rest;
  rest.source = memory.source;
  rest.from_frr = memory.from_frr;
  rest.polled = memory.polled;
  rest.table_version = memory.table_version;
  rest.routes_hash = memory.routes_hash;
  rest.peers = memory.peers;
  rest.held = memory.held;
  rest.infeasible = memory.infeasible;
  return rest;
}

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
        tables_(passes.world_.tables),
        feasible_(passes.validator_, passes.options_.poll.reading.operator_table) {}

  PassOutcome all() {
    load();
    try {
      ask();
      remember_or_refuse();
      if (reads_anew())
        shown_.clear();
      stage_texts();
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
  /// A state that is damaged is begun anew; one that cannot be read now is there all the same, and stays.
  void load() {
    try {
      state_ = passes_.unsaved_ ? *std::exchange(passes_.unsaved_, std::nullopt) : world_.load();
    } catch (const Damaged& error) {
      note({std::nullopt, Cause::state, fmt::format("{}; it is begun anew", error.what())});
    } catch (const Error& error) {
      if (doing_ == Doing::sync)
        throw PassFailed(Cause::state, error.what());
      note({std::nullopt, Cause::state, error.what()});
    }
    for (const auto& [cause, count] : std::exchange(passes_.missed_, {}))
      state_.totals.failures[cause] += count;
    for (const auto& [family, memory] : state_.families) {
      before_.families[family] = without_texts(memory);
      const auto saved = passes_.saved_.find(family);
      if (saved == passes_.saved_.end() || saved->second != memory.polled)
        texts_due_ = true; // somebody else's pass came between, with texts of its own
    }
  }

  void note(Failure failure) {
    ++state_.totals.failures[std::string(name(failure.cause))];
    outcome_.failures.push_back(std::move(failure));
  }

  void ask() {
    const Timed timed(outcome_.times.ask);
    if (world_.given) {
      given_ = world_.given([this](const Shown& unread) { about_to_read(unread); });
      return;
    }
    Polled polled =
        passes_.poller_.poll(depth_, state_, [this](const Shown& unread) { about_to_read(unread); });
    shown_ = std::move(polled.shown);
    if (reads_anew())
      passes_.poller_.forget();
    outcome_.in_full = polled.in_full;
    if (polled.in_full) { // whatever becomes of this pass, what was arranged and saved is old now
      passes_.arranged_.reset();
      passes_.saved_.clear();
    }
    for (Failure& failure : polled.failures)
      note(std::move(failure));
    if (shown_.empty() && polled.failures.empty())
      throw PassFailed(Cause::bad_answer, "ask FRR for flowspec routes: it has no flowspec peer");
    if (shown_.empty())
      throw_failures();
  }

  /// While the routes are read, so are the tables. With other routes than at the last pass they are opened to
  /// be changed: the usual pass takes the lock from nobody, nor does one in which FRR has yet to be asked.
  void about_to_read(const Shown& unread) {
    std::uint64_t& version = world_.given ? given_hashes_[unread.family] : versions_[unread.family];
    version = world_.given ? std::hash<std::string_view>{}(unread.text) : unread.table_version;
    if (doing_ == Doing::arrange || options_.from_empty)
      return;
    const auto before = before_.families.find(unread.family);
    const bool news = before == before_.families.end() ||
                      (world_.given ? before->second.routes_hash : before->second.table_version) != version;
    tables_.begin(unread.family, news && doing_ == Doing::sync && options_.validate == Validate::off);
  }

  /// What is installed, by looking.
  const Ruleset* look(Family family, const std::string& table) {
    if (doing_ == Doing::arrange || options_.from_empty)
      return nullptr;
    const Timed timed(outcome_.times.kernel);
    const Cause before = std::exchange(stage_, Cause::kernel);
    const Ruleset* found = tables_.look(family, table);
    stage_ = before;
    return found;
  }

  void remember_or_refuse() {
    validate();
    texts_loaded_ = !all_given_anew() && (outcome_.in_full || anything_held() || texts_due_ ||
                                          any_touched() || feasible_.any_news(state_));
    if (texts_loaded_)
      load_texts();
    for (Shown& given : given_)
      take_given(std::move(given));
    for (const std::shared_ptr<Shown>& shown : shown_) {
      const Ruleset* filter = look(shown->family, "filter");
      const Timed timed(outcome_.times.read);
      std::optional<FamilyMemory> known;
      if (const auto memory = state_.families.find(shown->family); memory != state_.families.end())
        known = memory->second;
      const auto decide = [&](std::optional<FamilyMemory> before, const Shown& now) {
        return keep_after(std::move(before), now, filter, nullptr);
      };
      RoutesRead* const spare = reads_anew() && shown.use_count() == 1 ? &shown->routes : nullptr;
      take(shown->family, options_.validate == Validate::off
                              ? keep_after(std::move(known), *shown, filter, spare)
                              : feasible_.keep(std::move(known), *shown, decide));
    }
    texts_due_ = texts_due_ || outcome_.in_full;
    decided_ = true;
    if (families_.empty())
      throw_failures();
  }

  /// A later pass of this process asks FRR for everything again: what was shown in this one need not be kept.
  bool reads_anew() const { return options_.command == Command::sync && doing_ == Doing::sync; }

  /// The texts are written while rules are made of the routes, so that they need no memory any more when
  /// libiptc needs it.
  void stage_texts() {
    if (!reads_anew() || !texts_due_)
      return;
    try {
      staging_ = std::async(std::launch::async, [this, families = state_.families] {
        State texts;
        texts.families = families;
        world_.stage_texts(texts);
      });
    } catch (const std::system_error&) { // no thread to be had: save() writes them
    }
  }

  void release_texts() {
    if (!staging_.valid())
      return;
    try {
      staging_.get();
    } catch (const std::exception&) { // save() tries again, and says why
      return;
    }
    for (auto& [family, memory] : state_.families) {
      memory.routes = {};
      memory.held_routes = std::string();
    }
    texts_released_ = true;
  }

  /// Of the texts that are known none is going to stay.
  bool all_given_anew() const {
    const auto is_given = [this](const auto& known) {
      return std::any_of(given_.begin(), given_.end(), [&](const Shown& given) {
        return given.family == known.first && !are_too_many(given);
      });
    };
    return !given_.empty() && std::all_of(state_.families.begin(), state_.families.end(), is_given);
  }

  bool anything_held() const {
    return std::any_of(state_.families.begin(), state_.families.end(),
                       [](const auto& family) { return !family.second.held.empty(); });
  }

  void load_texts() {
    try {
      if (!has_texts())
        world_.load_texts(state_);
    } catch (const Error& error) {
      if (doing_ == Doing::sync)
        throw PassFailed(Cause::state, error.what());
      state_.families.clear();
      note({std::nullopt, Cause::state, error.what()});
    }
  }

  /// As a state has that could not be saved.
  bool has_texts() const {
    return std::any_of(state_.families.begin(), state_.families.end(), [](const auto& family) {
      return !family.second.routes.empty() || !family.second.held_routes.empty();
    });
  }

  /// Nobody touched what is ours since the last pass, as far as that is known.
  bool is_as_left(const Ruleset& filter) {
    const TableMark* mark = mark_of(filter, state_);
    if (mark == nullptr)
      return true;
    const std::string now = digest(filter, filter_hooks(options_.compile), options_.ours);
    return std::find(mark->digests.begin(), mark->digests.end(), now) != mark->digests.end();
  }

  bool any_touched() {
    return !world_.given && std::any_of(shown_.begin(), shown_.end(), [this](const auto& shown) {
      const Ruleset* filter = look(shown->family, "filter");
      return filter != nullptr && !is_as_left(*filter);
    });
  }

  std::set<std::string> ids_in(const Ruleset* filter) const {
    return filter == nullptr ? std::set<std::string>() : installed_ids(*filter, options_.ours);
  }

  /// What somebody else put into our chains is nobody's route: ids that nothing is known of, in a table that
  /// is not as we left it.
  void leave_out_intruders(const FamilyMemory& known, const Ruleset& filter, const Shown& shown,
                           std::set<std::string>& installed) {
    if (!known.from_frr || is_as_left(filter))
      return;
    const OperatorTable operators = options_.poll.reading.operator_table;
    const auto before = route_texts(known.routes, shown.family, operators);
    const auto held = route_texts(known.held_routes, shown.family, operators);
    std::erase_if(installed,
                  [&](const std::string& id) { return !before.contains(id) && !held.contains(id); });
  }

  Kept keep_after(std::optional<FamilyMemory> known, const Shown& shown, const Ruleset* filter,
                  RoutesRead* spare) {
    std::set<std::string> installed = ids_in(filter);
    const auto decide = [&] {
      return keep(shown, known, installed, options_.poll.reading, options_.hold, world_.now(), spare);
    };
    Kept kept;
    try {
      if (known && filter != nullptr && texts_loaded_)
        leave_out_intruders(*known, *filter, shown, installed);
      kept = decide();
    } catch (const Error& error) { // what is shown has been read: the texts that were kept are damaged
      note(
          {std::nullopt, Cause::state, fmt::format("read what is held: {}; it is begun anew", error.what())});
      known.reset();
      state_.families.erase(shown.family);
      kept = decide();
    }
    if (kept.memory)
      kept.memory->source = world_.source;
    else
      kept.memory = std::move(known);
    return kept;
  }

  /// Families of which nobody can tell what is feasible are not gone on with: their rules stay as they are.
  void validate() {
    if (options_.validate != Validate::off && !world_.given)
      std::erase_if(shown_, [this](const auto& shown) { return !judged(*shown); });
  }

  bool judged(const Shown& shown) {
    const auto known = state_.families.find(shown.family);
    const Ruleset* filter = look(shown.family, "filter");
    std::optional<Failure> failure =
        feasible_.judge(shown, known == state_.families.end() ? nullptr : &known->second, ids_in(filter));
    if (failure)
      note(std::move(*failure));
    return !failure;
  }

  void take(Family family, Kept kept) {
    if (kept.look_again)
      outcome_.look_again = std::min(outcome_.look_again.value_or(*kept.look_again), *kept.look_again);
    if (kept.memory)
      state_.families[family] = std::move(*kept.memory);
    if (kept.refused)
      return note({family, Cause::refused, std::move(*kept.refused)});
    held_.push_back(state_.families[family].held);
    held_counts_.of(family) = held_.back().size();
    if (kept.holding.stale + kept.holding.unconfirmed > 0)
      outcome_.holding.push_back(std::move(kept.holding));
    routes_.append(std::move(kept.routes));
    families_.push_back(family);
  }

  bool are_too_many(const Shown& shown) const {
    return shown.routes.routes.of(shown.family) > options_.hold.max_routes;
  }

  /// The operator's own words: nobody's session has anything to do with them.
  void take_given(Shown shown) {
    if (are_too_many(shown))
      return note(
          {shown.family, Cause::refused,
           fmt::format("{} {} routes are given, more than --max-routes {}",
                       shown.routes.routes.of(shown.family), name(shown.family), options_.hold.max_routes)});
    FamilyMemory memory;
    memory.source = world_.source;
    memory.from_frr = false;
    memory.polled = world_.now();
    memory.routes = shown.text;
    memory.routes_hash = given_hashes_[shown.family];
    state_.families[shown.family] = std::move(memory);
    routes_.append(std::move(shown.routes));
    families_.push_back(shown.family);
  }

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

  void arrange_all() {
    const Timed timed(outcome_.times.compile);
    PrefixSet own = own_prefixes();
    std::map<Family, Infeasible> infeasible;
    for (const Family family : families_)
      if (const auto memory = state_.families.find(family);
          options_.validate != Validate::off && memory != state_.families.end())
        infeasible[family] = memory->second.infeasible;
    if (tables_.coming()) // which takes longer than the writing of texts, and needs the memory
      release_texts();
    CompileOptions compile = options_.compile;
    compile.reassembled = options_.conntrack == Conntrack::on ||
                          (options_.conntrack == Conntrack::find_out && world_.tracks_connections());
    std::optional<Arranged>& last = passes_.arranged_;
    const bool same = last && !outcome_.in_full && !world_.given && last->families == families_ &&
                      last->held == held_ && last->reassembled == compile.reassembled &&
                      last->infeasible == infeasible && last->own == own;
    if (!same) {
      Judged judged =
          judge(std::exchange(routes_.entries, {}), infeasible,
                {options_.policy.get(), options_.local_scope ? &own : nullptr, options_.explain_policy});
      // The entries of 100,000 routes take 50 MB, and libiptc wants room for as much.
      const bool counted =
          doing_ == Doing::sync && options_.format != Format::json && held_counts_.sum() == 0;
      Wanted wanted = arrange(std::exchange(judged.entries, {}), families_, compile);
      if (counted)
        wanted.installed = {};
      last = Arranged{families_,           held_,
                      compile.reassembled, std::move(infeasible),
                      std::move(own),      std::move(routes_),
                      std::move(judged),   std::move(wanted)};
    }
    outcome_.pass = Pass(last->findings, last->judged, last->wanted);
    outcome_.pass.held = held_counts_;
  }

  void compare() {
    for (const WantedTable& wanted : outcome_.pass.tables) {
      const Ruleset* now = look(wanted.family, wanted.table);
      if (now == nullptr && wanted.chains.empty())
        continue;
      const Timed timed(outcome_.times.kernel);
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
      before_.marks = state_.marks;
      before_.totals = state_.totals;
      before_.last_pass = state_.last_pass;
      before_.last_success = state_.last_success;
      before_.gauges = state_.gauges;
      for (std::size_t at = 0; at < planned.size(); ++at)
        if (const Changes& changes = outcome_.pass.changes[at]; changed(changes))
          set_mark(changes.after, {digest_of(changes.before), planned[at]}, before_);
      state_.marks = before_.marks;
      save(before_, false);
    }
    const Timed timed(outcome_.times.commit);
    release_texts();
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

  std::string digest_of(const Ruleset& table) const {
    const auto& tables = outcome_.pass.tables;
    const auto wanted = std::find_if(tables.begin(), tables.end(), [&](const WantedTable& of) {
      return of.family == table.family && of.table == table.table;
    });
    return digest(table, wanted->hooks, options_.ours);
  }

  /// What could not be saved is kept for the next pass of this process; not without its texts, of which those
  /// on disk know nothing.
  void save(const State& state, bool texts) {
    try {
      world_.save(state, texts);
      passes_.unsaved_.reset();
      if (texts)
        for (const auto& [family, memory] : state.families)
          passes_.saved_[family] = memory.polled;
      else
        for (auto& [family, polled] : passes_.saved_)
          if (const auto memory = state.families.find(family); memory != state.families.end())
            polled = memory->second.polled;
    } catch (const Error& error) {
      const auto said = [&](const Failure& failure) { return failure.why == error.what(); };
      if (std::none_of(outcome_.failures.begin(), outcome_.failures.end(), said))
        note({std::nullopt, Cause::state, error.what()});
      if (!texts_released_)
        passes_.unsaved_ = state;
    }
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
      save(state_, texts_due_);
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
    if (staging_.valid())
      staging_.wait();
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
      // Refused: what is known now says when to look again. Else what was known stays so.
      const bool refused = decided_ && families_.empty();
      State& left = refused ? state_ : before_;
      left.marks = state_.marks;
      left.totals = state_.totals;
      left.gauges = state_.gauges;
      left.last_success = state_.last_success;
      left.last_pass = world_.unix_time();
      left.last_failure = error.what();
      save(left, refused && texts_due_);
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
  State state_;
  std::vector<std::shared_ptr<Shown>> shown_;
  std::vector<Shown> given_;
  std::map<Family, std::uint64_t> given_hashes_; ///< of their texts
  std::map<Family, std::uint64_t> versions_;     ///< of FRR's tables
  OpenedTables tables_;
  RoutesRead routes_;
  std::vector<Family> families_;
  std::vector<std::vector<HeldRoute>> held_;
  RouteCounts held_counts_;
  FeasibleRoutes feasible_;
  std::vector<TableGoal> goals_;
  State before_;           ///< what was known before, without texts
  bool texts_due_ = false; ///< those on disk are not these
  bool texts_loaded_ = false;
  bool decided_ = false; ///< what to hold
  std::future<void> staging_;
  bool texts_released_ = false; ///< they are staged, and state_ has none
};

Passes::Passes(Options options, PassWorld world)
    : options_(std::move(options)), world_(std::move(world)),
      poller_(world_.ask, options_.families, options_.poll, world_.now),
      validator_(world_.ask, options_.validate, options_.poll.settle) {}

PassOutcome Passes::run(Depth depth, Doing doing) {
  return Run(*this, depth, doing).all();
}

} // namespace flowspec
