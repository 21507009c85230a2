// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which entries packets of a segment meet, by the route targets.
#pragma once

#include "injector/compile.hpp"

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace flowspec {

/// The entries of one family that have rules, and the lists (layout.hpp) that they stand in.
struct EntryLists {
  std::vector<Entry> entries;                  ///< in the order in which packets meet them
  std::vector<std::vector<std::size_t>> lists; ///< by number: places in `entries`, ascending
  /// By list and entry: what stands in that list in place of the entry's rules.
  std::map<std::pair<std::size_t, std::size_t>, std::vector<Rule>> own_rules = {};
};

/// The rules of each entry, by its number.
class EntryRules {
 public:
  void reserve(std::size_t entries) {
    rules_.reserve(entries);
    ends_.reserve(entries);
  }
  std::size_t size() const { return ends_.size(); }
  void push_back(const std::vector<Rule>& rules) {
    rules_.append(rules);
    ends_.push_back(rules_.size());
  }
  /// Those of one entry of another's.
  void push_back(const EntryRules& of, std::size_t entry) {
    of.append_to(rules_, entry);
    ends_.push_back(rules_.size());
  }
  std::size_t count(std::size_t entry) const { return ends_[entry] - first(entry); }
  /// Those of all entries, in their order.
  const RuleList& all() const { return rules_; }
  void append_to(RuleList& to, std::size_t entry) const {
    for (std::size_t rule = first(entry); rule < ends_[entry]; ++rule)
      to.push_back_bytes(rules_.bytes(rule));
  }

 private:
  std::size_t first(std::size_t entry) const { return entry == 0 ? 0 : ends_[entry - 1]; }

  RuleList rules_;
  std::vector<std::size_t> ends_; ///< of each entry, in `rules_`
};

/// Puts into `lists`, in place of what it holds, those that `entry` belongs to, ascending: those of the
/// segments that take it; when none does, those that CompileOptions::untargeted says. Empty: it is for nobody
/// here.
void find_lists(const Entry& entry, const CompileOptions& options, std::vector<std::size_t>& lists);

/// Why it is for nobody.
Rejected no_segment(const Entry& entry);

} // namespace flowspec
