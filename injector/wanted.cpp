// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/wanted.hpp"

#include "common/precedence.hpp"
#include "injector/entry_lists.hpp"
#include "injector/filter_chains.hpp"
#include "injector/layout.hpp"
#include "injector/mangle_chains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <utility>

namespace flowspec {

namespace {

template <class Value>
void append(std::vector<Value>& to, std::vector<Value> more) {
  std::move(more.begin(), more.end(), std::back_inserter(to));
}

/// The entries of one family.
class Arrangement {
 public:
  Arrangement(Family family, std::vector<Entry> entries, const CompileOptions& options)
      : family_(family), entries_(std::move(entries)), options_(options) {
    sort_by_precedence(entries_);
    leave_out_strangers();
    lists_.lists.resize(rest_list(options_) + 1);
    if (hands_back(options_))
      options_.accept = Verdict::return_;
    any_alteration_ = std::any_of(entries_.begin(), entries_.end(), asks_alteration);
    if (any_alteration_) {
      unmarkable_ = why_not_altered(Alteration::mark, options_);
      unmodifiable_ = why_not_altered(Alteration::dscp, options_);
      unsayable_in_mangle_.resize(lists_.lists.size());
    }
    options_.reassembled = options_.reassembled || tracks_connections();
  }

  void add_to(Wanted& wanted, std::vector<Entry>& installed) {
    append(wanted.aside, std::move(aside_));
    for (Entry& entry : entries_)
      add(std::move(entry), wanted);
    WantedTable filter{family_, "filter", filter_chains(lists_, rules_, family_, options_),
                       filter_hooks(options_)};
    append(filter.chains, std::move(chains_));
    wanted.tables.push_back(std::move(filter));
    wanted.tables.push_back(mangle());
    if (installed.empty())
      installed = std::move(lists_.entries);
    else
      append(installed, std::move(lists_.entries));
  }

 private:
  void leave_out_strangers() {
    const auto is_stranger = [this](const Entry& entry) { return lists_of(entry, options_).empty(); };
    for (const Entry& entry : entries_)
      if (is_stranger(entry))
        aside_.push_back(no_segment(entry));
    if (!aside_.empty())
      std::erase_if(entries_, is_stranger);
  }

  /// Our own rules make the kernel track connections, and that puts fragments together.
  bool tracks_connections() const {
    return options_.stateful == Stateful::always ||
           (options_.stateful == Stateful::default_drop &&
            std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
              return is_default_policy(entry.match) && entry.actions.discards();
            }));
  }

  /// Empty when the packets of these lists can be altered as `entry` asks.
  std::string why_not_altered_as(const Entry& entry, const std::vector<std::size_t>& lists) const {
    for (const std::size_t list : lists) {
      if (entry.actions.redirect && !unmarkable_[list].empty())
        return unmarkable_[list];
      if (entry.actions.dscp_mark && !unmodifiable_[list].empty())
        return unmodifiable_[list];
    }
    for (const std::size_t list : lists)
      if (!unsayable_in_mangle_[list].empty())
        return fmt::format("{} stands before it, which table mangle has no rules for",
                           unsayable_in_mangle_[list]);
    return {};
  }

  void add(Entry entry, Wanted& wanted) {
    const auto reject = [&](Reason reason, std::string detail) {
      wanted.rejected.push_back({to_string(entry.match), reason, std::move(detail)});
    };
    const std::vector<std::size_t> lists = lists_of(entry, options_);
    if (asks_alteration(entry))
      if (std::string why = why_not_altered_as(entry, lists); !why.empty())
        return reject(Reason::not_enforceable, std::move(why));
    std::variant<Compiled, Rejected> outcome = compile(entry, options_);
    if (auto* rejected = std::get_if<Rejected>(&outcome)) {
      wanted.rejected.push_back(std::move(*rejected));
      return;
    }
    auto& compiled = std::get<Compiled>(outcome);
    // Chains and buckets are named by a hash of 64 bits; somebody who announces two matches with one hash
    // must not mix their rules.
    if (!ids_.insert(stable_id(entry.match)).second)
      return reject(Reason::duplicate, "another route has the same identifier");
    if (any_alteration_ && !entry.actions.discards() &&
        !compile_alteration(entry, Alteration::dscp, options_))
      for (const std::size_t list : lists)
        unsayable_in_mangle_[list] = to_string(entry.match);
    for (const std::size_t list : lists)
      lists_.lists[list].push_back(lists_.entries.size());
    rules_.push_back(compiled.rules);
    append(chains_, std::move(compiled.chains));
    append(wanted.remarks, std::move(compiled.remarks));
    lists_.entries.push_back(std::move(entry));
  }

  WantedTable mangle() const {
    WantedTable table{family_, "mangle", {}, {}};
    const auto add_kind = [&](Alteration kind, const char* parent, const std::string& name) {
      std::vector<Chain> chains = alteration_chains(lists_, kind, family_, options_);
      table.hooks.push_back({parent, name, !chains.empty()});
      append(table.chains, std::move(chains));
    };
    add_kind(Alteration::mark, "PREROUTING", options_.chain + "-MARK");
    add_kind(Alteration::dscp, "POSTROUTING", options_.chain + "-DSCP");
    return table;
  }

  Family family_;
  std::vector<Entry> entries_;
  CompileOptions options_;
  std::vector<Rejected> aside_;
  EntryLists lists_;
  EntryRules rules_;          ///< of each of lists_.entries
  std::vector<Chain> chains_; ///< that those rules go to
  std::unordered_set<std::string> ids_;
  bool any_alteration_ = false;
  // By list; empty without any alteration.
  std::vector<std::string> unmarkable_;
  std::vector<std::string> unmodifiable_;
  std::vector<std::string> unsayable_in_mangle_; ///< an accepting entry whose packets no rules there
                                                 ///< can pick
};

} // namespace

Wanted arrange(std::vector<Entry> entries, std::span<const Family> families, const CompileOptions& options) {
  Wanted wanted;
  std::vector<Entry> installed;
  for (const Family family : families) {
    const auto others = std::stable_partition(
        entries.begin(), entries.end(), [&](const Entry& entry) { return entry.match.family == family; });
    std::vector<Entry> own;
    if (others == entries.end()) {
      own = std::exchange(entries, {});
    } else {
      own.assign(std::make_move_iterator(entries.begin()), std::make_move_iterator(others));
      entries.erase(entries.begin(), others);
    }
    Arrangement(family, std::move(own), options).add_to(wanted, installed);
  }
  wanted.installed = std::move(installed);
  return wanted;
}

} // namespace flowspec
