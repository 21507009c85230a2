// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/wanted.hpp"

#include "common/precedence.hpp"
#include "common/side_by_side.hpp"
#include "injector/entry_lists.hpp"
#include "injector/filter_chains.hpp"
#include "injector/layout.hpp"
#include "injector/mangle_chains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace flowspec {

namespace {

template <class Value>
void append(std::vector<Value>& to, std::vector<Value> more) {
  if (to.empty()) {
    to = std::move(more);
    return;
  }
  std::move(more.begin(), more.end(), std::back_inserter(to));
}

/// The entries of `family`, which leave the others behind.
std::vector<Entry> take(Family family, std::vector<Entry>& entries) {
  const auto is_own = [family](const Entry& entry) { return entry.match.family == family; };
  const auto count = static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), is_own));
  if (count == entries.size())
    return std::exchange(entries, {});
  std::vector<Entry> own;
  own.reserve(count);
  for (Entry& entry : entries)
    if (is_own(entry))
      own.push_back(std::move(entry));
  std::erase_if(entries, is_own);
  return own;
}

/// Numbers that are hashes already, in one block.
class HashSet {
 public:
  /// For at most `count`.
  explicit HashSet(std::size_t count) : places_(std::bit_ceil(2 * count + 1)) {}

  /// False when it is there already.
  bool insert(std::uint64_t hash) {
    if (hash == 0) // stands for none
      return !std::exchange(has_zero_, true);
    std::size_t at = hash & (places_.size() - 1);
    for (; places_[at] != 0; at = (at + 1) & (places_.size() - 1))
      if (places_[at] == hash)
        return false;
    places_[at] = hash;
    return true;
  }

 private:
  std::vector<std::uint64_t> places_;
  bool has_zero_ = false;
};

/// What compile() says of entries that stand one behind the other.
class CompiledEntries {
 public:
  void add(std::span<const Entry> entries, const CompileOptions& options) {
    rules_.reserve(entries.size());
    hashes_.reserve(entries.size());
    for (const Entry& entry : entries)
      add(entry, options);
  }

  std::uint64_t hash(std::size_t number) const { return hashes_[number]; } ///< match_hash
  /// Of one that is not rejected.
  void append_rules(std::size_t number, EntryRules& to) const { to.push_back(rules_, number); }
  /// What is no rule, of the few that have it: chains and remarks, or why it is rejected. To be moved from.
  std::variant<Compiled, Rejected>* special(std::size_t number) {
    const auto found = special_.find(number);
    return found == special_.end() ? nullptr : &found->second;
  }

 private:
  void add(const Entry& entry, const CompileOptions& options) {
    hashes_.push_back(match_hash(entry.match));
    std::variant<Compiled, Rejected> outcome = compile(entry, stable_id(entry.match), options);
    auto* compiled = std::get_if<Compiled>(&outcome);
    rules_.push_back(compiled == nullptr ? std::vector<Rule>() : std::exchange(compiled->rules, {}));
    if (compiled == nullptr || !compiled->chains.empty() || !compiled->remarks.empty())
      special_.emplace(hashes_.size() - 1, std::move(outcome));
  }

  EntryRules rules_;
  std::vector<std::uint64_t> hashes_;
  std::unordered_map<std::size_t, std::variant<Compiled, Rejected>> special_;
};

/// The entries of one family.
class Arrangement {
 public:
  Arrangement(Family family, std::vector<Entry> entries, const CompileOptions& options)
      : family_(family), entries_(std::move(entries)), options_(options) {
    sort_by_precedence(entries_);
    leave_out_strangers();
    lists_.lists.resize(rest_list(options_) + 1);
    hands_back_ = hands_back(options_);
    if (hands_back_)
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
    compile_all(wanted);
    WantedTable filter{family_, "filter", filter_chains(lists_, rules_, family_, options_),
                       filter_hooks(options_)};
    append(filter.chains, std::move(chains_));
    wanted.tables.push_back(std::move(filter));
    wanted.tables.push_back(mangle());
    wanted.enforced.of(family_) = lists_.entries.size();
    append(installed, std::move(lists_.entries));
  }

 private:
  void leave_out_strangers() {
    if (options_.segments.empty())
      return;
    const auto is_stranger = [this](const Entry& entry) {
      find_lists(entry, options_, own_lists_);
      return own_lists_.empty();
    };
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
  std::string why_not_altered_as(const Entry& entry) const {
    for (const std::size_t list : own_lists_) {
      if (entry.actions.redirect && !unmarkable_[list].empty())
        return unmarkable_[list];
      if (entry.actions.dscp_mark && !unmodifiable_[list].empty())
        return unmodifiable_[list];
    }
    for (const std::size_t list : own_lists_)
      if (!unsayable_in_mangle_[list].empty())
        return fmt::format("{} stands before it, which table mangle has no rules for",
                           unsayable_in_mangle_[list]);
    return {};
  }

  /// The entries move up into the places of those that have no rules.
  void compile_all(Wanted& wanted) {
    ids_.emplace(entries_.size());
    rules_.reserve(entries_.size());
    const std::size_t half = entries_.size() < compiled_in_halves ? entries_.size() : entries_.size() / 2;
    const std::span<const Entry> all = entries_;
    CompiledEntries front, back;
    if (half == all.size())
      front.add(all, options_);
    else
      side_by_side([&] { front.add(all.first(half), options_); },
                   [&] { back.add(all.subspan(half), options_); });
    std::size_t count = 0;
    for (std::size_t at = 0; at < entries_.size(); ++at) {
      CompiledEntries& part = at < half ? front : back;
      if (!add(entries_[at], count, part, at < half ? at : at - half, wanted))
        continue;
      if (at != count)
        entries_[count] = std::move(entries_[at]);
      ++count;
    }
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(count), entries_.end());
    lists_.entries = std::move(entries_);
    ids_.reset();
  }

  /// False when it has no rules; else it is the one with this number. It is at `place` of `part`.
  bool add(const Entry& entry, std::size_t number, CompiledEntries& part, std::size_t place, Wanted& wanted) {
    const auto reject = [&](Reason reason, std::string detail) {
      wanted.rejected.push_back({to_string(entry.match), reason, std::move(detail)});
      return false;
    };
    find_lists(entry, options_, own_lists_);
    if (asks_alteration(entry))
      if (std::string why = why_not_altered_as(entry); !why.empty())
        return reject(Reason::not_enforceable, std::move(why));
    std::variant<Compiled, Rejected>* const special = part.special(place);
    if (auto* rejected = special == nullptr ? nullptr : std::get_if<Rejected>(special)) {
      wanted.rejected.push_back(std::move(*rejected));
      return false;
    }
    std::vector<Compiled> of_lists;
    if (hands_back_ && entry.actions.rate && !entry.actions.discards() && !compile_for_lists(entry, of_lists))
      return reject(Reason::duplicate, "another route has the same identifier");
    // Chains and buckets are named by a hash of 64 bits; somebody who announces two matches with one hash
    // must not mix their rules.
    if (!ids_->insert(part.hash(place)))
      return reject(Reason::duplicate, "another route has the same identifier");
    if (any_alteration_ && !entry.actions.discards() && !mangle_has_rules_for(entry))
      for (const std::size_t list : own_lists_)
        unsayable_in_mangle_[list] = to_string(entry.match);
    for (const std::size_t list : own_lists_)
      lists_.lists[list].push_back(number);
    part.append_rules(place, rules_);
    for (std::size_t at = 0; at < of_lists.size(); ++at) {
      lists_.own_rules.emplace(std::pair(own_lists_[at], number), std::move(of_lists[at].rules));
      append(chains_, std::move(of_lists[at].chains));
    }
    if (special != nullptr) {
      auto& compiled = std::get<Compiled>(*special);
      if (of_lists.empty())
        append(chains_, std::move(compiled.chains));
      append(wanted.remarks, std::move(compiled.remarks));
    }
    return true;
  }

  /// A packet that several lists judge would be charged twice by one bucket, and a full one would then let
  /// nearly nothing pass: each of `own_lists_` has its own. False when a chain is called as another one.
  bool compile_for_lists(const Entry& entry, std::vector<Compiled>& compiled) {
    const std::string id = stable_id(entry.match);
    for (const std::size_t list : own_lists_) {
      compiled.push_back(std::get<Compiled>(compile(entry, id, options_, list_name(list, options_))));
      for (const Chain& chain : compiled.back().chains)
        if (!rate_chains_.insert(chain.name).second)
          return false;
    }
    return true;
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
  EntryRules rules_;                   ///< of each of lists_.entries
  std::vector<Chain> chains_;          ///< that those rules go to
  std::optional<HashSet> ids_;         ///< of the entries that are compiled
  std::vector<std::size_t> own_lists_; ///< of the entry that is looked at
  bool hands_back_ = false;            ///< some packet may be judged by several lists
  std::set<std::string> rate_chains_;  ///< of single lists
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
    Arrangement(family, take(family, entries), options).add_to(wanted, installed);
  }
  wanted.installed = std::move(installed);
  return wanted;
}

} // namespace flowspec
