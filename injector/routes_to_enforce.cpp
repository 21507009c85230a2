// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/routes_to_enforce.hpp"

#include "injector/sessions.hpp"
#include "injector/stage_clock.hpp"
#include "injector/tampering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace flowspec {

ToEnforce RoutesToEnforce::of_given(std::vector<Shown> given, const std::map<Family, std::uint64_t>& hashes) {
  if (!replaces_all(given))
    memory_.load_texts();
  for (Shown& family : given)
    take_given(std::move(family), hashes.at(family.family));
  return std::move(decided_);
}

bool RoutesToEnforce::are_too_many(const Shown& shown) const {
  return shown.routes.routes.of(shown.family) > options_.hold.max_routes;
}

/// Of the texts that are known none is going to stay.
bool RoutesToEnforce::replaces_all(const std::vector<Shown>& given) const {
  const auto is_given = [&](const auto& known) {
    return std::any_of(given.begin(), given.end(), [&](const Shown& shown) {
      return shown.family == known.first && !are_too_many(shown);
    });
  };
  return !given.empty() && std::all_of(state_.families.begin(), state_.families.end(), is_given);
}

void RoutesToEnforce::take_given(Shown given, std::uint64_t hash) {
  if (are_too_many(given))
    return memory_.note(
        {given.family, Cause::refused,
         fmt::format("{} {} routes are given, more than --max-routes {}",
                     given.routes.routes.of(given.family), name(given.family), options_.hold.max_routes)});
  FamilyMemory memory;
  memory.source = by_.source;
  memory.from_frr = false;
  memory.polled = by_.now();
  memory.routes = given.text;
  memory.routes_hash = hash;
  state_.families[given.family] = std::move(memory);
  decided_.routes.append(std::move(given.routes));
  decided_.families.push_back(given.family);
}

ToEnforce RoutesToEnforce::of_shown(std::vector<std::shared_ptr<Shown>> shown, bool last_use) {
  if (options_.validate != Validate::off)
    std::erase_if(shown, [this](const auto& family) { return !can_be_judged(*family); });
  texts_loaded_ = texts_wanted(shown);
  if (texts_loaded_)
    memory_.load_texts();
  for (const std::shared_ptr<Shown>& family : shown) {
    const Ruleset* filter = by_.filter(family->family);
    const StageClock clock(times_.read);
    std::optional<FamilyMemory> known;
    if (const auto memory = state_.families.find(family->family); memory != state_.families.end())
      known = memory->second;
    const auto decide = [&](std::optional<FamilyMemory> before, const Shown& now) {
      return keep_after(std::move(before), now, filter, nullptr);
    };
    RoutesRead* const spare = last_use && family.use_count() == 1 ? &family->routes : nullptr;
    take(family->family, options_.validate == Validate::off
                             ? keep_after(std::move(known), *family, filter, spare)
                             : feasible_.keep(std::move(known), *family, decide));
  }
  return std::move(decided_);
}

bool RoutesToEnforce::can_be_judged(const Shown& shown) {
  const auto known = state_.families.find(shown.family);
  std::optional<Failure> failure = feasible_.judge(
      shown, known == state_.families.end() ? nullptr : &known->second, ids_in(by_.filter(shown.family)));
  if (failure)
    memory_.note(std::move(*failure));
  return !failure;
}

/// The usual pass needs no texts of what was known.
bool RoutesToEnforce::texts_wanted(const std::vector<std::shared_ptr<Shown>>& shown) {
  const auto is_touched = [this](const auto& family) {
    const Ruleset* filter = by_.filter(family->family);
    return filter != nullptr && !is_as_left(*filter);
  };
  return memory_.texts_due() || memory_.anything_held() ||
         std::any_of(shown.begin(), shown.end(), is_touched) || feasible_.any_news(state_);
}

/// Nobody touched what is ours since the last pass, as far as that is known.
bool RoutesToEnforce::is_as_left(const Ruleset& filter) const {
  const TableMark* mark = mark_of(filter, state_);
  if (mark == nullptr)
    return true;
  const std::string now = digest(filter, filter_hooks(options_.compile), options_.ours);
  return std::find(mark->digests.begin(), mark->digests.end(), now) != mark->digests.end();
}

std::set<std::string> RoutesToEnforce::ids_in(const Ruleset* filter) const {
  return filter == nullptr ? std::set<std::string>() : installed_ids(*filter, options_.ours);
}

bool RoutesToEnforce::nothing_missed(const FamilyMemory& known, const Shown& shown) const {
  const auto said_all = [](const ShownPeer& peer) { return peer.said_all; };
  const bool all_there = std::all_of(shown.peers.begin(), shown.peers.end(), said_all);
  return (all_there || state_.last_failure.empty()) && nobody_was_missed(known.peers, shown);
}

/// What somebody else put into our chains is nobody's route: ids that nothing is known of, in a table that is
/// not as we left it. Only where nothing was missed: else the state may be older than the rules, because the
/// disk did not take a later one, or the last pass, which was refused, has changed it and not the rules.
void RoutesToEnforce::leave_out_intruders(const FamilyMemory& known, const Ruleset& filter,
                                          const Shown& shown, std::set<std::string>& installed) const {
  if (!known.from_frr || is_as_left(filter) || !nothing_missed(known, shown))
    return;
  const OperatorTable operators = options_.poll.reading.operator_table;
  const auto before = route_texts(known.routes, shown.family, operators);
  const auto held = route_texts(known.held_routes, shown.family, operators);
  std::erase_if(installed, [&](const std::string& id) { return !before.contains(id) && !held.contains(id); });
}

Kept RoutesToEnforce::keep_after(std::optional<FamilyMemory> known, const Shown& shown, const Ruleset* filter,
                                 RoutesRead* spare) {
  std::set<std::string> installed = ids_in(filter);
  const auto decide = [&] {
    return keep(shown, known, installed, options_.poll.reading, options_.hold, by_.now(), spare);
  };
  Kept kept;
  try {
    if (known && filter != nullptr && texts_loaded_)
      leave_out_intruders(*known, *filter, shown, installed);
    kept = decide();
  } catch (const Error& error) { // what is shown has been read: the texts that were kept are damaged
    memory_.note(
        {std::nullopt, Cause::state, fmt::format("read what is held: {}; it is begun anew", error.what())});
    known.reset();
    state_.families.erase(shown.family);
    kept = decide();
  }
  if (kept.memory)
    kept.memory->source = by_.source;
  else
    kept.memory = std::move(known);
  return kept;
}

void RoutesToEnforce::take(Family family, Kept kept) {
  if (kept.look_again)
    decided_.look_again = std::min(decided_.look_again.value_or(*kept.look_again), *kept.look_again);
  if (kept.memory)
    state_.families[family] = std::move(*kept.memory);
  if (kept.refused)
    return memory_.note({family, Cause::refused, std::move(*kept.refused)});
  decided_.held.push_back(state_.families[family].held);
  decided_.held_counts.of(family) = decided_.held.back().size();
  if (kept.holding.stale + kept.holding.unconfirmed > 0)
    decided_.holding.push_back(std::move(kept.holding));
  decided_.routes.append(std::move(kept.routes));
  decided_.families.push_back(family);
}

} // namespace flowspec
