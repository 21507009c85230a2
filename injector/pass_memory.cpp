// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/pass_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace flowspec {

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

void PassMemory::load() {
  try {
    now_ = off_disk_.unsaved ? *std::exchange(off_disk_.unsaved, std::nullopt) : disk_.load();
  } catch (const Damaged& error) {
    note({std::nullopt, Cause::state, fmt::format("{}; it is begun anew", error.what())});
  } catch (const Error& error) {
    if (keep_)
      throw PassFailed(Cause::state, error.what());
    note({std::nullopt, Cause::state, error.what()});
  }
  for (const auto& [cause, count] : std::exchange(off_disk_.missed, {}))
    now_.totals.failures[cause] += count;
  for (const auto& [family, memory] : now_.families) {
    before_.families[family] = without_texts(memory);
    const auto saved = off_disk_.saved.find(family);
    if (saved == off_disk_.saved.end() || saved->second != memory.polled)
      texts_due_ = true; // somebody else's pass came between, with texts of its own
  }
}

void PassMemory::note(Failure failure) {
  ++now_.totals.failures[std::string(name(failure.cause))];
  failures_.push_back(std::move(failure));
}

void PassMemory::texts_are_old() {
  off_disk_.saved.clear();
  texts_due_ = true;
}

bool PassMemory::anything_held() const {
  return std::any_of(now_.families.begin(), now_.families.end(),
                     [](const auto& family) { return !family.second.held.empty(); });
}

void PassMemory::load_texts() {
  try {
    if (!has_texts())
      disk_.load_texts(now_);
  } catch (const Error& error) {
    if (keep_)
      throw PassFailed(Cause::state, error.what());
    now_.families.clear();
    note({std::nullopt, Cause::state, error.what()});
  }
}

bool PassMemory::has_texts() const {
  return std::any_of(now_.families.begin(), now_.families.end(), [](const auto& family) {
    return !family.second.routes.empty() || !family.second.held_routes.empty();
  });
}

void PassMemory::stage_texts() {
  if (!keep_ || !texts_due_)
    return;
  try {
    staging_ = std::async(std::launch::async, [this, families = now_.families] {
      State texts;
      texts.families = families;
      disk_.stage_texts(texts);
    });
  } catch (const std::system_error&) { // no thread to be had: save() writes them
  }
}

void PassMemory::release_texts() {
  if (!staging_.valid())
    return;
  try {
    staging_.get();
  } catch (const std::exception&) { // save() tries again, and says why
    return;
  }
  for (auto& [family, memory] : now_.families) {
    memory.routes = {};
    memory.held_routes = std::string();
  }
  texts_released_ = true;
}

void PassMemory::save_before_commit() {
  before_.marks = now_.marks;
  before_.totals = now_.totals;
  before_.last_pass = now_.last_pass;
  before_.last_success = now_.last_success;
  before_.gauges = now_.gauges;
  save(before_, false);
}

void PassMemory::save_at_end() {
  save(now_, texts_due_);
}

void PassMemory::save_failed(const std::string& why, std::int64_t unix_time, bool refused) {
  State& left = refused ? now_ : before_;
  left.marks = now_.marks;
  left.totals = now_.totals;
  left.gauges = now_.gauges;
  left.last_success = now_.last_success;
  left.last_pass = unix_time;
  left.last_failure = why;
  save(left, refused && texts_due_);
}

void PassMemory::wait() const {
  if (staging_.valid())
    staging_.wait();
}

/// What could not be saved is kept for the next pass of this process; not without its texts, of which those
/// on disk know nothing.
void PassMemory::save(const State& state, bool texts) {
  try {
    disk_.save(state, texts);
    off_disk_.unsaved.reset();
    if (texts)
      for (const auto& [family, memory] : state.families)
        off_disk_.saved[family] = memory.polled;
    else
      for (auto& [family, polled] : off_disk_.saved)
        if (const auto memory = state.families.find(family); memory != state.families.end())
          polled = memory->second.polled;
  } catch (const Error& error) {
    const auto said = [&](const Failure& failure) { return failure.why == error.what(); };
    if (std::none_of(failures_.begin(), failures_.end(), said))
      note({std::nullopt, Cause::state, error.what()});
    if (!texts_released_)
      off_disk_.unsaved = state;
  }
}

} // namespace flowspec
