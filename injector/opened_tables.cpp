// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/opened_tables.hpp"

#include <chrono>
#include <system_error>

namespace flowspec {

OpenTable OpenedTables::read(const Name& name) const {
  const auto& [family, table] = name;
  const auto to_change = to_change_.find(family);
  return to_change != to_change_.end() && to_change->second ? access_.open(family, table)
                                                            : OpenTable{access_.look(family, table), nullptr};
}

OpenedTables::Outcomes OpenedTables::read_all(const std::vector<Name>& names) const {
  Outcomes outcomes;
  for (const Name& name : names)
    try {
      outcomes.emplace_back(name, read(name));
    } catch (...) { // for whoever asks for this table
      outcomes.emplace_back(name, std::current_exception());
    }
  return outcomes;
}

void OpenedTables::begin(Family family, bool to_change) {
  if (coming_.valid()) // which reads to_change_
    collect();
  to_change_[family] = to_change;
  std::vector<Name> names;
  for (const char* table : {"filter", "mangle"})
    if (const Name name{family, table}; !tables_.contains(name) && access_.in_use(family, table))
      names.push_back(name);
  if (names.empty())
    return;
  try {
    coming_ = std::async(std::launch::async, [this, names] { return read_all(names); });
  } catch (const std::system_error&) { // no thread to be had: look() reads them
  }
}

bool OpenedTables::coming() const {
  return coming_.valid() && coming_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

void OpenedTables::wait() const {
  if (coming_.valid())
    coming_.wait();
}

void OpenedTables::collect() {
  if (coming_.valid())
    for (auto& [name, outcome] : coming_.get())
      tables_.emplace(name, std::move(outcome));
}

const Ruleset* OpenedTables::look(Family family, const std::string& table) {
  collect();
  const Name name{family, table};
  auto known = tables_.find(name);
  if (known == tables_.end()) {
    if (!access_.in_use(family, table))
      return nullptr;
    known = tables_.emplace(name, read(name)).first;
  }
  if (const auto* failed = std::get_if<std::exception_ptr>(&known->second))
    std::rethrow_exception(*failed);
  return &std::get<OpenTable>(known->second).rules;
}

void OpenedTables::forget_rules() {
  for (auto& [name, outcome] : tables_)
    if (auto* opened = std::get_if<OpenTable>(&outcome))
      opened->rules = {};
}

std::function<void(const std::vector<Edit>&)> OpenedTables::take_commit(Family family,
                                                                        const std::string& table) {
  const auto known = tables_.find({family, table});
  auto* opened = known == tables_.end() ? nullptr : std::get_if<OpenTable>(&known->second);
  return opened == nullptr ? nullptr : std::exchange(opened->commit, nullptr);
}

} // namespace flowspec
