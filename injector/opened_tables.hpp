// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/ruleset.hpp"
#include "injector/sync.hpp"

#include <exception>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace flowspec {

/// How tables of the kernel are come by.
struct TableAccess {
  std::function<bool(Family, const std::string& table)> in_use;  ///< somebody uses the legacy table
  std::function<Ruleset(Family, const std::string& table)> look; ///< reads it, without a lock
  std::function<OpenTable(Family, const std::string& table)> open;
};

/// The tables of one pass, each read once. One that nobody uses is not looked into, since that would make it.
class OpenedTables {
 public:
  explicit OpenedTables(const TableAccess& access) : access_(access) {}

  /// Begins to read the tables of `family` while something else is done; at once those
  /// of one family only.
  /// `to_change`: with the lock, which then is held as long as somebody has a commit of theirs; else it is
  /// left to whoever wants it.
  void begin(Family family, bool to_change);

  /// What begin() began has not ended yet.
  bool coming() const;
  void wait() const;
  /// As it is, none when nobody uses it. Throws what reading it threw.
  const Ruleset* look(Family family, const std::string& table);

  /// Of all tables what they hold; what is to be committed may need the room.
  void forget_rules();

  /// Of a table that was read to be changed, and once; else none.
  std::function<void(const std::vector<Edit>&)> take_commit(Family family, const std::string& table);

 private:
  using Name = std::pair<Family, std::string>;
  using Outcome = std::variant<OpenTable, std::exception_ptr>;
  using Outcomes = std::vector<std::pair<Name, Outcome>>;

  OpenTable read(const Name& name) const;
  Outcomes read_all(const std::vector<Name>& names) const;
  void collect();

  const TableAccess& access_;
  std::map<Family, bool> to_change_;
  std::map<Name, Outcome> tables_;
  std::future<Outcomes> coming_;
};

} // namespace flowspec
