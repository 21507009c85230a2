// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/mangle_chains.hpp"

#include "injector/filter_chains.hpp"
#include "injector/layout.hpp"
#include "injector/list_chains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

using Numbers = std::vector<std::size_t>;

/// More pairs than this are not looked at: what does not overlap then costs rules, and changes nothing.
constexpr std::size_t most_pairs = 4'000'000;

/// True when no packet matches both, as far as addresses and protocols tell.
bool disjoint(const Components& a, const Components& b) {
  return disjoint(a.destination, b.destination) || disjoint(a.source, b.source) ||
         (a.protocol && b.protocol && (*a.protocol & *b.protocol).empty());
}

/// Which entries table mangle has to know: those that alter, and those before them that keep packets from
/// what stands behind. What an entry discards never gets so far, or is discarded all the same.
Numbers needed_in_mangle(const Numbers& list, const std::vector<Entry>& entries, Alteration kind,
                         const CompileOptions& options) {
  Numbers needed;
  std::size_t pairs = 0;
  for (std::size_t at = list.size(); at-- > 0;) {
    const Entry& entry = entries[list[at]];
    const bool meets_others = [&] {
      if (entry.actions.discards() || needed.empty())
        return false;
      if ((pairs += needed.size()) > most_pairs)
        return true;
      return std::any_of(needed.begin(), needed.end(),
                         [&](std::size_t other) { return !disjoint(entry.match, entries[other].match); });
    }();
    if (meets_others || alteration(entry, kind, options))
      needed.push_back(list[at]);
  }
  std::reverse(needed.begin(), needed.end());
  return needed;
}

/// What rules see in the hook of an alteration.
struct View {
  std::string SegmentParent::*seen;
  std::string SegmentParent::*hidden;
  const char* local; ///< the chain of table filter whose packets pass it too
  const char* words;
};

View view_of(Alteration kind) {
  return kind == Alteration::mark
             ? View{&SegmentParent::in_interface, &SegmentParent::out_interface, "INPUT",
                    "by the interface they leave by, which is not known before "
                    "routing"}
             : View{&SegmentParent::out_interface, &SegmentParent::in_interface, "OUTPUT",
                    "by the interface they came by, which cannot be asked for "
                    "behind the filter"};
}

/// INPUT and OUTPUT alone see what table mangle would not.
bool forwards(const std::string& parent) {
  return parent != "INPUT" && parent != "OUTPUT";
}

/// Some packet of the hook may be one of both.
bool meet_in(const View& view, const Segment& a, const Segment& b) {
  for (const SegmentParent& one : a.parents)
    for (const SegmentParent& other : b.parents)
      if ((forwards(other.chain) || other.chain == view.local) &&
          may_be_one_interface(one.*view.seen, other.*view.seen))
        return true;
  return false;
}

std::string why_not_told(const Segment& segment, const View& view, const std::vector<Segment>& segments) {
  for (const SegmentParent& parent : segment.parents) {
    if (parent.chain != "FORWARD" && forwards(parent.chain))
      return fmt::format("packets of segment {} are those that chain {} gets, which table mangle does not "
                         "know",
                         segment.name, parent.chain);
    if (!forwards(parent.chain))
      return fmt::format("marks and redirects are for forwarded packets, and "
                         "segment {} has others",
                         segment.name);
    if (!(parent.*view.hidden).empty())
      return fmt::format("packets of segment {} are told {}", segment.name, view.words);
  }
  for (const Segment& other : segments)
    if (other.name != segment.name && meet_in(view, segment, other))
      return fmt::format("packets of segment {} cannot be told there from those of segment {}", segment.name,
                         other.name);
  return {};
}

/// One table's walk of one kind.
class AlterationChains {
 public:
  AlterationChains(const EntryLists& lists, Alteration kind, Family family, const CompileOptions& options)
      : lists_(lists), kind_(kind), walk_(kind == Alteration::mark ? Walks::mark : Walks::dscp),
        family_(family),
        options_(options), all_{lists.entries,
                                [this](const Numbers& some) {
                                  return needed_in_mangle(some, lists_.entries, kind_, options_);
                                },
                                [this](std::size_t number) { return compiled(number).rules.size(); },
                                [this](std::size_t number, RuleList& to) {
                                  to.append(compiled(number).rules);
                                },
                                nullptr,
                                walk_} {}

  std::vector<Chain> all() {
    std::vector<Numbers> needed;
    for (const Numbers& list : lists_.lists)
      needed.push_back(needed_in_mangle(list, lists_.entries, kind_, options_));
    if (std::all_of(needed.begin(), needed.end(), [](const Numbers& list) { return list.empty(); }))
      return {};
    std::vector<Rule> head = protecting_rules(family_, options_);
    if (options_.segments.empty())
      add_entries(rest_list(options_), needed.back(), std::move(head));
    else
      add_dispatch(needed, std::move(head));
    for (std::size_t number = 0; number < lists_.entries.size(); ++number)
      if (const auto compiled = compiled_.find(number); compiled != compiled_.end())
        std::move(compiled->second.chains.begin(), compiled->second.chains.end(),
                  std::back_inserter(chains_));
    return std::move(chains_);
  }

 private:
  const Compiled& compiled(std::size_t number) {
    const auto [at, fresh] = compiled_.try_emplace(number);
    if (fresh)
      at->second = compile_alteration(lists_.entries[number], kind_, options_).value();
    return at->second;
  }

  void add_entries(std::size_t list, const Numbers& needed, std::vector<Rule> head) {
    if (options_.stateful == Stateful::always)
      head.push_back(established_rule(Verdict::return_));
    add_list({list_chain(list, walk_, options_), std::nullopt, std::move(head)}, needed, all_, family_,
             options_, chains_);
  }

  /// A packet is one list's at most (why_not_altered). What stands in that of packets of no segment stands in
  /// every other too, so that each of those is there and keeps its packets from it.
  void add_dispatch(const std::vector<Numbers>& needed, std::vector<Rule> head) {
    const std::string SegmentParent::*seen = view_of(kind_).seen;
    const std::size_t place = chains_.size();
    for (std::size_t list = 0; list < needed.size(); ++list) {
      if (needed[list].empty())
        continue;
      const Jump target{list_chain(list, walk_, options_), true};
      std::vector<std::string> interfaces;
      if (list == rest_list(options_))
        interfaces = {""};
      else
        for (const SegmentParent& parent : options_.segments[list].parents)
          if (std::find(interfaces.begin(), interfaces.end(), parent.*seen) == interfaces.end())
            interfaces.push_back(parent.*seen);
      for (const std::string& interface : interfaces)
        head.push_back(dispatch_rule(kind_ == Alteration::mark ? interface : "",
                                     kind_ == Alteration::mark ? "" : interface,
                                     dispatch_comment(list, options_), target));
      add_entries(list, needed[list], {});
    }
    chains_.insert(
        chains_.begin() + static_cast<std::ptrdiff_t>(place),
        {options_.chain + (kind_ == Alteration::mark ? "-MARK" : "-DSCP"), std::nullopt, std::move(head)});
  }

  const EntryLists& lists_;
  Alteration kind_;
  Walks walk_;
  Family family_;
  const CompileOptions& options_;
  ListedEntries all_;
  std::unordered_map<std::size_t, Compiled> compiled_;
  std::vector<Chain> chains_;
};

} // namespace

std::vector<std::string> why_not_altered(Alteration kind, const CompileOptions& options) {
  const View view = view_of(kind);
  const auto is_parent = [&options](std::string_view chain) {
    return std::find(options.parents.begin(), options.parents.end(), chain) != options.parents.end();
  };
  const auto other = std::find_if(options.parents.begin(), options.parents.end(), forwards);
  std::vector<std::string> why;
  for (const Segment& segment : options.segments)
    why.push_back(why_not_told(segment, view, options.segments));
  if (is_parent("FORWARD"))
    why.emplace_back();
  else if (other != options.parents.end())
    why.push_back(
        fmt::format("only chain {} knows which packets it gets, and table mangle would alter all that are "
                    "forwarded: that needs --parent FORWARD",
                    *other));
  else
    why.emplace_back("marks and redirects are for forwarded packets, and no --parent sees those");
  if (hands_back(options))
    for (std::string& each : why)
      each = "a packet may be in two segments, and none may alter what is "
             "another's too";
  return why;
}

std::vector<Chain> alteration_chains(const EntryLists& lists, Alteration kind, Family family,
                                     const CompileOptions& options) {
  return AlterationChains(lists, kind, family, options).all();
}

} // namespace flowspec
