// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/wanted.hpp"

#include "common/precedence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <unordered_set>
#include <utility>

namespace flowspec {

namespace {

/// More pairs than this are not looked at: what does not overlap then costs rules, and changes nothing.
constexpr std::size_t most_pairs = 4'000'000;

bool disjoint(const std::optional<Prefix>& a, const std::optional<Prefix>& b) {
  return a && b && a->offset == 0 && b->offset == 0 && !a->contains(*b) && !b->contains(*a);
}

/// True when no packet matches both, as far as addresses and protocols tell.
bool disjoint(const Components& a, const Components& b) {
  return disjoint(a.destination, b.destination) || disjoint(a.source, b.source) ||
         (a.protocol && b.protocol && (*a.protocol & *b.protocol).empty());
}

/// Packets that no entry may touch go back to the parent chain before any is looked at.
std::vector<Rule> protecting_rules(Family family, const CompileOptions& options) {
  std::vector<Rule> rules;
  for (const Prefix& prefix : options.protect) {
    if (prefix.family() != family)
      continue;
    for (const auto side : {&Rule::destination, &Rule::source}) {
      Rule rule;
      rule.*side = prefix;
      rule.matches.emplace_back(CommentMatch{"flowspec protected"});
      rule.target = Verdict::return_;
      rules.push_back(std::move(rule));
    }
  }
  return rules;
}

void append(std::vector<Chain>& to, std::vector<Chain> chains) {
  std::move(chains.begin(), chains.end(), std::back_inserter(to));
}
void append(std::vector<Rule>& to, std::vector<Rule> rules) {
  std::move(rules.begin(), rules.end(), std::back_inserter(to));
}

/// Which entries table mangle has to know: those that alter, and those before them that keep packets from
/// what stands behind. What an entry discards never gets so far, or is discarded all the same.
std::vector<bool> needed_in_mangle(const std::vector<Entry>& entries, Alteration kind,
                                   const CompileOptions& options) {
  std::vector<bool> needed(entries.size());
  std::vector<const Entry*> behind;
  std::size_t pairs = 0;
  for (std::size_t index = entries.size(); index-- > 0;) {
    const Entry& entry = entries[index];
    const bool meets_others = [&] {
      if (entry.actions.discards() || behind.empty())
        return false;
      if ((pairs += behind.size()) > most_pairs)
        return true;
      return std::any_of(behind.begin(), behind.end(),
                         [&](const Entry* other) { return !disjoint(entry.match, other->match); });
    }();
    if (!meets_others && !alteration(entry, kind, options))
      continue;
    needed[index] = true;
    behind.push_back(&entry);
  }
  return needed;
}

/// The chain of one kind of alteration, by first match like the filter's; none when nobody asks for it.
std::vector<Chain> alteration_chains(const std::vector<Entry>& entries, Alteration kind,
                                     const std::string& name, const CompileOptions& options) {
  const std::vector<bool> needed = needed_in_mangle(entries, kind, options);
  if (std::find(needed.begin(), needed.end(), true) == needed.end())
    return {};
  std::vector<Chain> chains{{name, std::nullopt, protecting_rules(entries.front().match.family, options)}};
  if (options.stateful == Stateful::always)
    chains.front().rules.push_back(established_rule(Verdict::return_));
  for (std::size_t index = 0; index < entries.size(); ++index) {
    if (!needed[index])
      continue;
    std::optional<Compiled> compiled = compile_alteration(entries[index], kind, options);
    append(chains.front().rules, std::move(compiled.value().rules));
    append(chains, std::move(compiled->chains));
  }
  return chains;
}

/// The entries of one family.
class Arrangement {
 public:
  Arrangement(Family family, std::vector<Entry> entries, const CompileOptions& options)
      : family_(family), entries_(std::move(entries)), options_(options) {
    sort_by_precedence(entries_);
    any_alteration_ = std::any_of(entries_.begin(), entries_.end(), asks_alteration);
    options_.reassembled = options_.reassembled || tracks_connections();
  }

  void add_to(Wanted& wanted) {
    WantedTable filter{family_, "filter", {{options_.chain, std::nullopt, {}}}, {}};
    for (const std::string& parent : options_.parents)
      filter.hooks.push_back({parent, options_.chain});
    for (const char* former : {"INPUT", "FORWARD", "OUTPUT"}) // as configured at another time
      if (std::find(options_.parents.begin(), options_.parents.end(), former) == options_.parents.end())
        filter.hooks.push_back({former, options_.chain, false});
    filter.chains.front().rules = protecting_rules(family_, options_);
    if (options_.stateful == Stateful::always)
      filter.chains.front().rules.push_back(established_rule(options_.accept));
    for (Entry& entry : entries_)
      add(std::move(entry), filter, wanted);
    wanted.tables.push_back(std::move(filter));
    wanted.tables.push_back(mangle());
    std::move(installed_.begin(), installed_.end(), std::back_inserter(wanted.installed));
  }

 private:
  /// Our own rules make the kernel track connections, and that puts fragments together.
  bool tracks_connections() const {
    return options_.stateful == Stateful::always ||
           (options_.stateful == Stateful::default_drop &&
            std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
              return is_default_policy(entry.match) && entry.actions.discards();
            }));
  }

  /// INPUT and OUTPUT alone see what table mangle would not.
  bool forwards() const {
    return std::any_of(options_.parents.begin(), options_.parents.end(),
                       [](const std::string& parent) { return parent != "INPUT" && parent != "OUTPUT"; });
  }

  void add(Entry entry, WantedTable& filter, Wanted& wanted) {
    const auto reject = [&](Reason reason, std::string detail) {
      wanted.rejected.push_back({to_string(entry.match), reason, std::move(detail)});
    };
    if (asks_alteration(entry) && !forwards())
      return reject(Reason::not_enforceable, "marks and redirects are for forwarded packets, and no --parent "
                                             "sees those");
    if (!unsayable_in_mangle_.empty() && asks_alteration(entry))
      return reject(
          Reason::not_enforceable,
          fmt::format("{} stands before it, which table mangle has no rules for", unsayable_in_mangle_));
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
      unsayable_in_mangle_ = to_string(entry.match);
    append(filter.chains.front().rules, std::move(compiled.rules));
    append(filter.chains, std::move(compiled.chains));
    std::move(compiled.remarks.begin(), compiled.remarks.end(), std::back_inserter(wanted.remarks));
    installed_.push_back(std::move(entry));
  }

  WantedTable mangle() const {
    WantedTable table{family_, "mangle", {}, {}};
    const auto add_kind = [&](Alteration kind, const char* parent, const std::string& name) {
      std::vector<Chain> chains = alteration_chains(installed_, kind, name, options_);
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
  bool any_alteration_ = false;
  std::vector<Entry> installed_;
  std::unordered_set<std::string> ids_;
  std::string unsayable_in_mangle_; ///< an accepting entry whose packets no rules of that table can pick
};

} // namespace

Wanted arrange(std::vector<Entry> entries, std::span<const Family> families, const CompileOptions& options) {
  Wanted wanted;
  for (const Family family : families) {
    std::vector<Entry> own;
    for (Entry& entry : entries)
      if (entry.match.family == family)
        own.push_back(std::move(entry));
    std::erase_if(entries, [&](const Entry& entry) { return entry.match.family == family; });
    Arrangement(family, std::move(own), options).add_to(wanted);
  }
  return wanted;
}

} // namespace flowspec
