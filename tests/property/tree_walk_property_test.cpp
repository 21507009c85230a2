// SPDX-License-Identifier: GPL-2.0-or-later
//
// On its way through a tree a packet meets every entry that has its addresses, each once and in the order of
// the list: whatever else entries ask for, and whichever of them decide it. For large and one-sided sets.
#include "injector/tree.hpp"
#include "tests/property/tree_random.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

using namespace flowspec;

namespace {

using Kind = TreeStep::Kind;
using Met = std::vector<std::uint32_t>;

bool has(const Prefix& destination, const Prefix& source, const Packet& packet) {
  return destination.contains(packet.destination) && source.contains(packet.source);
}

Met met_in_list(const std::vector<TreeEntry>& entries, const Packet& packet) {
  Met met;
  for (std::uint32_t place = 0; place < entries.size(); ++place)
    if (has(entries[place].destination, entries[place].source, packet))
      met.push_back(place);
  return met;
}

/// With the number of rules that the packet met.
std::pair<Met, std::size_t> met_in_tree(const TreePlan& plan, const std::vector<TreeEntry>& entries,
                                        const Packet& packet) {
  Met met;
  std::size_t rules = 0;
  const TreeChain* chain = &plan.chains.front();
  for (std::size_t at = 0; at < chain->steps.size(); ++at) {
    const TreeStep& step = chain->steps[at];
    if (step.kind == Kind::entry) {
      rules += entries[step.index].rules;
      if (has(entries[step.index].destination, entries[step.index].source, packet))
        met.push_back(step.index);
      continue;
    }
    ++rules;
    const TreeChain& next = plan.chains[step.index];
    if (step.kind == Kind::rest ||
        (step.kind == Kind::destination ? next.destination.contains(packet.destination)
                                        : next.source.contains(packet.source))) {
      chain = &next;
      at = static_cast<std::size_t>(-1);
    }
  }
  return {met, rules};
}

/// Addresses that are on one side of most bits, and prefixes of them.
class OneSided {
 public:
  OneSided(generate::Random& random, Family family)
      : centre_(test::random_address(random, family)), chance_(generate::number(random, 2, 50)),
        bits_(generate::number(random, 12, 28)), wide_(generate::number(random, 0, 30)) {}

  Address address(generate::Random& random) const {
    Address result = centre_;
    for (unsigned bit = 0; bit < bits_; ++bit)
      if (generate::chance(random, chance_))
        test::flip(result, bit);
    return result;
  }

  Prefix prefix(generate::Random& random) const {
    const unsigned length = generate::chance(random, wide_) ? generate::number(random, 0, bits_)
                                                            : bits_ + generate::number(random, 0, 4);
    return Prefix::masked(address(random), length);
  }

 private:
  Address centre_;
  unsigned chance_; ///< that a bit is another, in percent
  unsigned bits_;
  unsigned wide_; ///< how many prefixes are wide, in percent
};

std::vector<TreeEntry> some_entries(generate::Random& random, const OneSided& destinations,
                                    const OneSided& sources, Family family) {
  std::vector<TreeEntry> entries;
  const std::uint32_t count = generate::number(random, 100, 1500);
  const unsigned to = generate::number(random, 0, 100);
  const unsigned from = generate::chance(random, 30) ? 0 : generate::number(random, 0, 100);
  for (std::uint32_t index = 0; index < count; ++index) {
    TreeEntry entry{Prefix::any(family), Prefix::any(family), 1, 0};
    entry.rules = static_cast<std::uint16_t>(generate::number(random, 1, 2));
    if (generate::chance(random, to))
      entry.destination = destinations.prefix(random);
    if (generate::chance(random, from))
      entry.source = sources.prefix(random);
    entries.push_back(entry);
  }
  if (generate::chance(random, 70)) // more specific ones first
    std::stable_sort(entries.begin(), entries.end(), [](const TreeEntry& a, const TreeEntry& b) {
      return a.destination.length + a.source.length > b.destination.length + b.source.length;
    });
  return entries;
}

/// What the trees must have had among them.
struct Seen {
  std::size_t around = 0; ///< steps by a prefix that contains that of an earlier step
  std::size_t mixed = 0;  ///< chains that ask for the destination and the source
  std::size_t ends = 0;   ///< chains that lead nowhere

  void count(const TreePlan& plan) {
    for (const TreeChain& chain : plan.chains) {
      std::array<std::vector<Prefix>, 2> asked;
      for (const TreeStep& step : chain.steps) {
        if (step.kind == Kind::entry || step.kind == Kind::rest)
          continue;
        const bool to = step.kind == Kind::destination;
        const Prefix& prefix = to ? plan.chains[step.index].destination : plan.chains[step.index].source;
        std::vector<Prefix>& before = asked[to ? 0 : 1];
        around += std::any_of(before.begin(), before.end(),
                              [&](const Prefix& other) { return prefix.contains(other); })
                      ? 1U
                      : 0U;
        before.push_back(prefix);
      }
      mixed += asked[0].empty() || asked[1].empty() ? 0U : 1U;
      ends += chain.steps.back().kind == Kind::rest ? 0U : 1U;
    }
  }
};

} // namespace

TEST_CASE("a packet meets every entry that has its addresses, in the order of the list") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed() + 30 + static_cast<unsigned>(family));
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  constexpr std::size_t sets = 400;
  constexpr std::size_t packets = 40;
  Seen seen;
  for (std::size_t set = 0; set < sets * test::long_factor(); ++set) {
    const OneSided destinations(random, family);
    const OneSided sources(random, family);
    const std::vector<TreeEntry> entries = some_entries(random, destinations, sources, family);
    const TreeShape shape{generate::number(random, 1, 16), generate::chance(random, 50) ? 1.0 : 0.75, 1000.0};
    const TreePlan plan = plan_tree(entries, "FLOWSPEC", shape);
    seen.count(plan);
    std::size_t rules = 0;
    for (const TreeChain& chain : plan.chains)
      rules += chain.steps.size();
    std::size_t of_entries = 0;
    for (const TreeEntry& entry : entries)
      of_entries += entry.rules;
    REQUIRE(plan.rules == of_entries);
    REQUIRE(rules == entries.size() + plan.further);
    for (std::size_t index = 0; index < packets; ++index) {
      Packet packet;
      packet.destination = destinations.address(random);
      packet.source = sources.address(random);
      if (generate::chance(random, 70)) {
        const TreeEntry& entry =
            entries[generate::number(random, 0, static_cast<std::uint32_t>(entries.size() - 1))];
        packet.destination = entry.destination.length > 0 ? entry.destination.address : packet.destination;
        packet.source = entry.source.length > 0 ? entry.source.address : packet.source;
      }
      const auto [met, count] = met_in_tree(plan, entries, packet);
      CAPTURE(set, index, to_string(packet.destination), to_string(packet.source));
      REQUIRE(met == met_in_list(entries, packet));
      REQUIRE(count <= plan.deepest);
    }
  }
  CHECK(seen.around > sets / 4);
  CHECK(seen.mixed > 10);
  CHECK(seen.ends > sets);
}
