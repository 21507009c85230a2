// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/status_entries.hpp"

#include "common/rule_text.hpp"
#include "injector/age.hpp"
#include "injector/found_rules.hpp"
#include "injector/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace flowspec {

namespace {

using std::chrono::seconds;

/// An entry that is remembered, and where the kernel has it.
struct Remembered {
  std::string id;
  const Entry* entry = nullptr;
  std::optional<std::size_t> found; ///< which of those that were found
};

class FamilyEntries {
 public:
  FamilyEntries(Family family, const StatusInput& input, const TableNow* filter, const Hits& hits)
      : family_(family), filter_(filter), hits_(hits), now_(input.now) {
    if (filter != nullptr) {
      found_ = found_rules(filter->rules, input.ours);
      in_trees_ =
          std::any_of(filter->rules.chains.begin(), filter->rules.chains.end(), [&](const Chain& chain) {
            return input.ours.owns(chain.name) && is_tree_chain(chain.name);
          });
    }
    if (const auto known = input.state.families.find(family); known != input.state.families.end())
      remember(known->second, input);
  }

  std::vector<StatusEntry> all() const {
    std::vector<StatusEntry> entries = in_trees_ ? by_remembered() : by_found();
    for (std::size_t at = 0; at < entries.size(); ++at)
      entries[at].number = at + 1;
    return entries;
  }

 private:
  /// In the kernel's order.
  std::vector<StatusEntry> by_found() const {
    // [n]: behind the n-th of those that were found; [0]: in front of all.
    std::vector<std::vector<StatusEntry>> order(found_.size() + 1);
    std::vector<bool> remembered(found_.size());
    std::size_t behind = 0;
    for (const Remembered& known : remembered_) {
      if (known.found) {
        behind = *known.found + 1;
        remembered[*known.found] = true;
      }
      order[behind].push_back(entry_of(known));
    }
    std::vector<StatusEntry> entries;
    for (std::size_t at = 0; at < order.size(); ++at) {
      if (at > 0 && !remembered[at - 1])
        entries.push_back(stranger(found_[at - 1]));
      std::move(order[at].begin(), order[at].end(), std::back_inserter(entries));
    }
    return entries;
  }

  /// In the order of what is remembered, since that of the chains of a tree is another one; what is not
  /// remembered stands behind what packets meet before it.
  std::vector<StatusEntry> by_remembered() const {
    std::vector<std::size_t> place(found_.size()); // from 1
    for (std::size_t at = 0; at < remembered_.size(); ++at)
      if (remembered_[at].found)
        place[*remembered_[at].found] = at + 1;
    std::vector<std::vector<StatusEntry>> strangers(remembered_.size() + 1);
    std::size_t behind = 0;
    for (std::size_t at = 0; at < found_.size(); ++at)
      if (place[at] != 0)
        behind = place[at];
      else
        strangers[behind].push_back(stranger(found_[at]));
    std::vector<StatusEntry> entries = std::move(strangers[0]);
    for (std::size_t at = 0; at < remembered_.size(); ++at) {
      entries.push_back(entry_of(remembered_[at]));
      std::move(strangers[at + 1].begin(), strangers[at + 1].end(), std::back_inserter(entries));
    }
    return entries;
  }

  void remember(const FamilyMemory& memory, const StatusInput& input) {
    memory_ = &memory;
    std::unordered_map<std::string_view, std::size_t> found;
    for (std::size_t at = 0; at < found_.size(); ++at)
      if (!found_[at].id.empty())
        found.emplace(found_[at].id, at);
    for (const Entry& entry : input.remembered.installed) {
      if (entry.match.family != family_)
        continue;
      std::string id = stable_id(entry.match);
      const auto at = found.find(id);
      remembered_.push_back(
          {std::move(id), &entry, at == found.end() ? std::nullopt : std::optional(at->second)});
    }
    for (const HeldRoute& held : memory.held)
      held_.emplace(held.id, &held);
    for (const TableNow& table : input.tables)
      for (const WantedTable& wanted : input.remembered.tables)
        if (table.rules.family == family_ && wanted.family == family_ && wanted.table == table.rules.table)
          changed_.merge(changed_entries(wanted, table.rules));
    std::vector<std::string> established;
    for (const KnownPeer& peer : memory.peers)
      if (peer.established())
        established.push_back(peer.address);
    from_ = memory.from_frr && established.size() == 1 ? established : std::vector{memory.source};
  }

  Standing standing_of(const Remembered& known, const HeldRoute* held) const {
    if (!known.found)
      return Standing::missing;
    if (changed_.contains(known.id))
      return Standing::changed;
    if (held == nullptr)
      return Standing::active;
    return held->peers.empty() ? Standing::unconfirmed : Standing::stale;
  }

  StatusEntry entry_of(const Remembered& known) const {
    StatusEntry result;
    result.family = family_;
    result.id = known.id;
    result.entry = *known.entry;
    result.sequence = known.entry->sequence;
    const auto at = held_.find(known.id);
    const HeldRoute* held = at == held_.end() ? nullptr : at->second;
    result.standing = standing_of(known, held);
    result.from = held != nullptr && !held->peers.empty() ? held->peers : from_;
    if (held != nullptr)
      result.held = since(held->since, now_);
    // FRR's text of a route that is held was printed when it was last shown.
    if (const std::optional<seconds> age = parse_age(known.entry->age))
      result.age = *age + since(held == nullptr ? memory_->polled : held->since, now_);
    if (const auto hits = hits_.entries.find(known.id); hits != hits_.entries.end())
      result.hits = hits->second;
    return result;
  }

  StatusEntry stranger(const FoundRules& found) const {
    StatusEntry result;
    result.family = family_;
    result.id = found.id;
    result.sequence = found.sequence;
    result.standing = memory_ == nullptr ? Standing::unknown : Standing::foreign;
    for (const auto& [chain, rule] : found.places) {
      const Chain& in = filter_->rules.chains[chain];
      result.rules.push_back(fmt::format("-A {} {}", in.name, to_string(in.rules[rule], family_)));
      result.hits += hits_of(in.rules[rule], in.name, filter_->counters[chain].rules[rule]);
    }
    return result;
  }

  Family family_;
  const TableNow* filter_; ///< none: nobody uses it
  const Hits& hits_;
  Instant now_;
  const FamilyMemory* memory_ = nullptr; ///< none: nothing is known of the routes
  std::vector<FoundRules> found_;
  bool in_trees_ = false;
  std::vector<Remembered> remembered_; ///< in their order
  std::unordered_map<std::string_view, const HeldRoute*> held_;
  std::unordered_set<std::string> changed_;
  std::vector<std::string> from_;
};

} // namespace

seconds since(Instant then, Instant now) {
  return std::chrono::duration_cast<seconds>(std::max(now - then, Instant{0}));
}

std::vector<StatusEntry> status_entries(Family family, const StatusInput& input, const TableNow* filter,
                                        const Hits& hits) {
  return FamilyEntries(family, input, filter, hits).all();
}

} // namespace flowspec
