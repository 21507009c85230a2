// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/property/policy_random.hpp"

#include <algorithm>
#include <array>

namespace flowspec::generate {

namespace {

constexpr std::array families{Family::ipv4, Family::ipv6};
const std::array<std::string, 3> targets{"65000:1", "65000:2", "65000:3"};

Family some_family(Random& random) {
  return families.at(number(random, 0, 1));
}

PrefixSet prefix_set(Random& random) {
  std::vector<Prefix> prefixes;
  for (std::uint32_t count = number(random, 1, 4); count > 0; --count)
    prefixes.push_back(generate::prefix(random, some_family(random)));
  return PrefixSet(std::move(prefixes));
}

ValueSet value_set(Random& random, std::uint32_t max) {
  ValueSet result = generate::values(random, max);
  return result.empty() ? ValueSet::single(max, 5) : result; // a document cannot ask for none
}

PrefixTest prefix_test(Random& random) {
  const unsigned lengths[] = {0, 1, 7, 8, 16, 31, 32, 127, 128};
  PrefixTest test;
  if (chance(random, 50))
    test.within = prefix_set(random);
  if (chance(random, 40))
    test.overlapping = prefix_set(random);
  if (chance(random, 25))
    test.shortest = lengths[number(random, 0, 8)];
  if (chance(random, 25))
    test.longest = std::max(test.shortest.value_or(0), lengths[number(random, 0, 8)]);
  return test;
}

ValueTest value_test(Random& random, std::uint32_t max) {
  ValueTest test;
  if (chance(random, 60))
    test.within = value_set(random, max);
  if (chance(random, 50))
    test.overlapping = value_set(random, max);
  return test;
}

std::vector<std::string> some_targets(Random& random) {
  std::vector<std::string> result;
  for (const std::string& target : targets)
    if (chance(random, 40))
      result.push_back(target);
  return result;
}

double some_rate(Random& random) {
  const double rates[] = {0, 0, 500, 1000, 125000, 1.25e9};
  return rates[number(random, 0, 5)];
}

TermMatch term_match(Random& random) {
  TermMatch match;
  if (chance(random, 15))
    match.family = some_family(random);
  if (chance(random, 30))
    match.destination = prefix_test(random);
  if (chance(random, 15))
    match.source = prefix_test(random);
  for (std::size_t component = 1; component <= 13; ++component) {
    match.present[component] = chance(random, 2);
    match.absent[component] = chance(random, 3);
  }
  if (chance(random, 15))
    match.protocol = value_test(random, domain::protocol);
  if (chance(random, 8))
    match.port = value_test(random, domain::port);
  if (chance(random, 10))
    match.destination_port = value_test(random, domain::port);
  if (chance(random, 8))
    match.source_port = value_test(random, domain::port);
  if (chance(random, 20))
    for (std::uint32_t count = number(random, 1, 2); count > 0; --count)
      match.actions.push_back(static_cast<ActionKind>(number(random, 0, 6)));
  if (chance(random, 12))
    match.rate_above = some_rate(random);
  if (chance(random, 12))
    match.rate_below = some_rate(random);
  if (chance(random, 12))
    match.route_targets = some_targets(random);
  if (chance(random, 12))
    match.communities = some_targets(random);
  if (chance(random, 10))
    match.has_sequence = chance(random, 50);
  else if (chance(random, 10))
    match.first_sequence = number(random, 0, 20);
  if (chance(random, 8))
    match.last_sequence = match.first_sequence.value_or(0) + number(random, 0, 10);
  return match;
}

TermChange term_change(Random& random) {
  TermChange change;
  if (chance(random, 30))
    change.rate = some_rate(random);
  if (chance(random, 20))
    change.dscp = static_cast<std::uint8_t>(number(random, 0, 63));
  if (chance(random, 20))
    change.redirect = "65000:9";
  if (chance(random, 20))
    change.sequence = number(random, 0, 20);
  change.sample = chance(random, 15);
  change.delete_rate = chance(random, 15);
  change.delete_dscp = chance(random, 15);
  change.delete_redirect = chance(random, 15);
  change.delete_sample = chance(random, 15);
  change.delete_sequence = chance(random, 15);
  change.delete_unknown = chance(random, 15);
  return change;
}

} // namespace

Policy policy(Random& random) {
  Policy result;
  for (std::uint32_t count = number(random, 1, 8); count > 0; --count) {
    Term term{"t" + std::to_string(result.terms.size()), {}, Term::Then::change, {}, "p.json"};
    // Now and then one that an earlier one is likely to take everything from.
    term.match =
        !result.terms.empty() && chance(random, 40)
            ? result.terms[number(random, 0, static_cast<std::uint32_t>(result.terms.size() - 1))].match
            : term_match(random);
    if (chance(random, 30))
      term.match.source = prefix_test(random);
    if (chance(random, 60))
      term.then = chance(random, 50) ? Term::Then::accept : Term::Then::reject;
    else
      term.change = term_change(random);
    result.terms.push_back(std::move(term));
  }
  result.accept_by_default = chance(random, 50);
  return result;
}

Entry route(Random& random) {
  Entry result = entry(random, some_family(random), {true, true, true});
  result.route_targets = some_targets(random);
  result.communities = some_targets(random);
  if (chance(random, 10))
    result.actions.unknown = {"UNK:128, 9"};
  if (chance(random, 5) && result.match.family == Family::ipv6)
    result.match.destination = Prefix::masked(address(random, Family::ipv6), 128, 120);
  return result;
}

} // namespace flowspec::generate
