// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy_logic.hpp"
#include "common/policy_ranges.hpp"
#include "common/policy_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

using Why = std::optional<std::string>;

bool has_family(const PrefixSet& set, Family family) {
  return set.overlaps(Prefix::any(family));
}

bool share_address(const PrefixSet& a, const PrefixSet& b, Family family) {
  return std::any_of(a.prefixes().begin(), a.prefixes().end(),
                     [&](const Prefix& prefix) { return prefix.family() == family && b.overlaps(prefix); });
}

unsigned shortest_in(const PrefixSet& set, Family family) {
  unsigned shortest = address_bits(family);
  for (const Prefix& prefix : set.prefixes())
    if (prefix.family() == family)
      shortest = std::min<unsigned>(shortest, prefix.length);
  return shortest;
}

/// Of the routes of one family.
class Contradiction {
 public:
  Contradiction(const TermMatch& match, Family family) : match_(match), family_(family) {}

  Why find() const {
    if (Why why = of_prefixes("destination", 1, match_.destination))
      return why;
    if (Why why = of_prefixes("source", 2, match_.source))
      return why;
    if (Why why = of_values(3, match_.protocol))
      return why;
    if (Why why = of_values(4, match_.port))
      return why;
    if (Why why = of_values(5, match_.destination_port))
      return why;
    return of_values(6, match_.source_port);
  }

 private:
  Why of_prefixes(std::string_view name, std::size_t number, const std::optional<PrefixTest>& test) const {
    if (!test)
      return std::nullopt;
    for (const std::optional<PrefixSet>* set : {&test->within, &test->overlapping})
      if (*set && !has_family(**set, family_))
        return fmt::format("{} has no {} prefix", words(**set), flowspec::name(family_));
    if (test->within && test->overlapping && !share_address(*test->within, *test->overlapping, family_))
      return fmt::format("a {} within {} cannot overlap {}", name, words(*test->within),
                         words(*test->overlapping));
    if (test->shortest.value_or(0) > address_bits(family_))
      return fmt::format("no {} prefix is as long as /{}", flowspec::name(family_), *test->shortest);
    if (test->shortest && test->longest && *test->shortest > *test->longest)
      return fmt::format("no {} has a length from {} to {}", name, *test->shortest, *test->longest);
    if (test->within && test->longest && *test->longest < shortest_in(*test->within, family_))
      return fmt::format("no {} within {} is as short as /{}", name, words(*test->within), *test->longest);
    if (!match_.absent[number])
      return std::nullopt;
    if (test->within && !test->within->contains(Prefix::any(family_)))
      return fmt::format("a route without a {} is for every address, which is not within {}", name,
                         words(*test->within));
    if (test->shortest.value_or(0) > 0)
      return fmt::format("a route without a {} has no prefix as long as /{}", name, *test->shortest);
    return std::nullopt;
  }

  Why of_values(std::size_t number, const std::optional<ValueTest>& test) const {
    if (!test)
      return std::nullopt;
    const std::string_view name = component_names.at(number - 1);
    if (test->overlapping && test->overlapping->empty())
      return fmt::format("no {} overlaps an empty set", name);
    if (test->within && test->overlapping && (*test->within & *test->overlapping).empty())
      return fmt::format("a {} within {} cannot overlap {}", name, to_string(*test->within),
                         to_string(*test->overlapping));
    if (match_.absent[number] && test->within && !test->within->full())
      return fmt::format("a route without a {} is for every value, which is not within {}", name,
                         to_string(*test->within));
    return std::nullopt;
  }

  const TermMatch& match_;
  const Family family_;
};

/// Of the routes of any family.
Why common_contradiction(const TermMatch& match) {
  for (std::size_t number = 1; number <= component_names.size(); ++number)
    if (match.present[number] && match.absent[number])
      return fmt::format("{} is to be present and absent", component_names.at(number - 1));
  if (allowed_rates(match).nothing())
    return "no rate meets all that is asked of it";
  if (allowed_sequences(match).nothing())
    return "no sequence number meets all that is asked of it";
  return std::nullopt;
}

} // namespace

std::optional<std::string> contradiction(const TermMatch& match) {
  if (Why why = common_contradiction(match))
    return why;
  if (match.family)
    return Contradiction(match, *match.family).find();
  const Why ipv4 = Contradiction(match, Family::ipv4).find();
  const Why ipv6 = Contradiction(match, Family::ipv6).find();
  if (!ipv4 || !ipv6)
    return std::nullopt;
  return *ipv4 == *ipv6 ? *ipv4 : fmt::format("for ipv4 {}; for ipv6 {}", *ipv4, *ipv6);
}

} // namespace flowspec
