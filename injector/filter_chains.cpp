// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/filter_chains.hpp"

#include "injector/layout.hpp"
#include "injector/list_chains.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flowspec {

namespace {

class FilterChains {
 public:
  FilterChains(const EntryLists& lists, const EntryRules& rules, Family family, const CompileOptions& options)
      : lists_(lists), all_{lists.entries, [](std::vector<std::size_t> list) { return list; },
                            [&rules](std::size_t number) { return rules.count(number); },
                            [this, &rules](std::size_t number, RuleList& to) {
                              const auto own = lists_.own_rules.find({list_, number});
                              if (own == lists_.own_rules.end())
                                rules.append_to(to, number);
                              else
                                to.append(own->second);
                            },
                            lists.own_rules.empty() ? &rules.all() : nullptr},
        family_(family), options_(options), hands_back_(hands_back(options)) {}

  std::vector<Chain> all() {
    if (options_.segments.empty()) {
      add_entries(rest_list(options_), protecting_rules(family_, options_));
      return std::move(chains_);
    }
    const std::vector<Dispatcher> entrances = dispatchers(options_);
    for (std::size_t number = 0; number < entrances.size(); ++number)
      add_dispatcher(entrances[number], number + 1);
    for (std::size_t list = 0; list < options_.segments.size(); ++list)
      add_entries(list, {});
    if (std::any_of(entrances.begin(), entrances.end(), [](const Dispatcher& of) { return of.rest; }))
      add_entries(rest_list(options_), {});
    return std::move(chains_);
  }

 private:
  void add_entries(std::size_t list, std::vector<Rule> head) {
    list_ = list;
    if (options_.stateful == Stateful::always)
      head.push_back(established_rule(options_.accept));
    add_list({list_chain(list, Walks::filter, options_), std::nullopt, std::move(head)}, lists_.lists[list],
             all_, family_, options_, chains_);
  }

  Rule rule_for(const Passage& passage, std::size_t list, Target target) const {
    return dispatch_rule(passage.in_interface, passage.out_interface, dispatch_comment(list, options_),
                         std::move(target));
  }

  void add_dispatcher(const Dispatcher& dispatcher, std::size_t number) {
    Chain chain{dispatcher.chain, std::nullopt, protecting_rules(family_, options_)};
    std::vector<Chain> gathering;
    for (const Way& way : dispatcher.ways) {
      const std::string list = list_chain(way.list, Walks::filter, options_);
      std::vector<Rule> rules;
      for (const Passage& passage : way.passages)
        rules.push_back(rule_for(passage, way.list, Jump{list, !hands_back_ || way.passages.size() > 1}));
      if (hands_back_ && way.passages.size() > 1) { // or a packet would meet the list several times
        gathering.push_back({gathering_chain(list, number), std::nullopt, std::move(rules)});
        rules = {rule_for({}, way.list, Jump{gathering.back().name, false})};
      }
      chain.rules.append(rules);
    }
    if (dispatcher.rest)
      add_rest(dispatcher, chain.rules);
    chains_.push_back(std::move(chain));
    std::move(gathering.begin(), gathering.end(), std::back_inserter(chains_));
  }

  void add_rest(const Dispatcher& dispatcher, RuleList& rules) const {
    if (hands_back_) // packets of segments come back here
      for (const Way& way : dispatcher.ways)
        for (const Passage& passage : way.passages)
          rules.push_back(rule_for(passage, way.list, Verdict::return_));
    rules.push_back(rule_for({}, rest_list(options_),
                             Jump{list_chain(rest_list(options_), Walks::filter, options_), true}));
  }

  const EntryLists& lists_;
  ListedEntries all_;
  Family family_;
  const CompileOptions& options_;
  bool hands_back_;
  std::size_t list_ = 0; ///< that is added
  std::vector<Chain> chains_;
};

} // namespace

std::vector<Chain> filter_chains(const EntryLists& lists, const EntryRules& rules, Family family,
                                 const CompileOptions& options) {
  return FilterChains(lists, rules, family, options).all();
}

Rule dispatch_rule(const std::string& in_interface, const std::string& out_interface,
                   const std::string& comment, Target target) {
  Rule rule;
  rule.in_interface = in_interface;
  rule.out_interface = out_interface;
  rule.matches.emplace_back(CommentMatch{comment});
  rule.target = std::move(target);
  return rule;
}

} // namespace flowspec
