// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/list_chains.hpp"

#include "injector/layout.hpp"
#include "injector/tree_chains.hpp"

#include <algorithm>
#include <utility>

namespace flowspec {

namespace {

using Numbers = std::vector<std::size_t>;

Rule protecting_rule(const std::optional<Prefix>& destination, const std::optional<Prefix>& source,
                     Target target) {
  Rule rule;
  if (destination && destination->length > 0) // the kernel does not know one that asks for every address
    rule.destination = destination;
  if (source && source->length > 0)
    rule.source = source;
  rule.matches.emplace_back(
      CommentMatch{rule.destination || rule.source ? "flowspec protected" : "flowspec all protected"});
  rule.target = std::move(target);
  return rule;
}

bool any_overlaps(const Numbers& list, const std::vector<Entry>& entries, const Protection& region) {
  return std::any_of(list.begin(), list.end(),
                     [&](std::size_t number) { return may_overlap(region, entries[number].match); });
}

/// The regions with this rate_below in which some entry of `list` must not touch packets.
std::vector<const Protection*> harmed_regions(double rate_below, const Numbers& list,
                                              const std::vector<Entry>& entries, Family family,
                                              const CompileOptions& options) {
  Numbers harmful;
  std::copy_if(list.begin(), list.end(), std::back_inserter(harmful),
               [&](std::size_t number) { return harms(entries[number], rate_below); });
  std::vector<const Protection*> regions;
  for (const Protection& region : options.protections)
    if (region.family() == family && region.rate_below == rate_below &&
        any_overlaps(harmful, entries, region))
      regions.push_back(&region);
  return regions;
}

/// With the chains that it goes to behind it, but those of single entries.
void add_chain(Chain chain, const Numbers& list, ListedEntries& all, const CompileOptions& options,
               std::vector<Chain>& chains) {
  const TreePlan plan = plan_list(list, all, chain.name, options.layout);
  std::vector<Chain> further;
  add_rules(chain, list, plan, all, options, further);
  chains.push_back(std::move(chain));
  std::move(further.begin(), further.end(), std::back_inserter(chains));
}

} // namespace

bool disjoint(const std::optional<Prefix>& a, const std::optional<Prefix>& b) {
  return a && b && a->offset == 0 && b->offset == 0 && !a->contains(*b) && !b->contains(*a);
}

bool may_overlap(const Protection& region, const Components& match) {
  return !disjoint(region.destination, match.destination) && !disjoint(region.source, match.source);
}

bool harms(const Entry& entry, double rate_below) {
  return entry.actions.discards() || (entry.actions.rate && *entry.actions.rate < rate_below);
}

std::vector<Rule> protecting_rules(Family family, const CompileOptions& options) {
  std::vector<Rule> rules;
  for (const Prefix& prefix : options.protect)
    if (prefix.family() == family) {
      rules.push_back(protecting_rule(prefix, std::nullopt, Verdict::return_));
      rules.push_back(protecting_rule(std::nullopt, prefix, Verdict::return_));
    }
  for (const Protection& region : options.protections)
    if (region.family() == family && !region.rate_below)
      rules.push_back(protecting_rule(region.destination, region.source, Verdict::return_));
  return rules;
}

std::vector<double> floors(Family family, const CompileOptions& options) {
  std::vector<double> rates;
  for (const Protection& region : options.protections)
    if (region.family() == family && region.rate_below)
      rates.push_back(*region.rate_below);
  std::sort(rates.begin(), rates.end(), std::greater<>());
  rates.erase(std::unique(rates.begin(), rates.end()), rates.end());
  return rates;
}

void add_list(Chain head, const Numbers& list, ListedEntries& all, Family family,
              const CompileOptions& options, std::vector<Chain>& chains) {
  const std::vector<double> rates = floors(family, options);
  std::vector<Chain> further;
  for (std::size_t floor = 0; floor < rates.size(); ++floor) {
    const auto regions = harmed_regions(rates[floor], list, all.entries, family, options);
    Numbers left;
    std::copy_if(list.begin(), list.end(), std::back_inserter(left), [&](std::size_t number) {
      const Entry& entry = all.entries[number];
      return !harms(entry, rates[floor]) &&
             std::any_of(regions.begin(), regions.end(),
                         [&](const Protection* region) { return may_overlap(*region, entry.match); });
    });
    left = all.needed(std::move(left));
    Chain chain{region_chain(head.name, floor + 1), std::nullopt, {}};
    for (const Protection* region : regions)
      head.rules.push_back(protecting_rule(region->destination, region->source,
                                           any_overlaps(left, all.entries, *region)
                                               ? Target(Jump{chain.name, true})
                                               : Target(Verdict::return_)));
    if (!left.empty())
      add_chain(std::move(chain), left, all, options, further);
  }
  add_chain(std::move(head), list, all, options, chains);
  std::move(further.begin(), further.end(), std::back_inserter(chains));
}

} // namespace flowspec
