// SPDX-License-Identifier: GPL-2.0-or-later
//
// A packet of a protected region meets no discard and no rate below what the region says, whatever is
// announced, whatever the terms of a policy make of it, and however the rules are arranged; every other
// packet fares as if nothing were protected.
#include "common/decide.hpp"
#include "injector/judge.hpp"
#include "tests/property/policy_random.hpp"
#include "tests/property/segment_packets.hpp"
#include "tests/support/packet_bytes.hpp"
#include "tests/support/packet_parser.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <map>

using namespace flowspec;

namespace {

constexpr int sets = 2500;  ///< of routes, each with a policy, which half of the time has terms
constexpr int packets = 20; ///< 100,000 with both families

CompileOptions random_options(generate::Random& random) {
  CompileOptions options;
  options.accept = generate::chance(random, 60) ? Verdict::accept : Verdict::return_;
  options.stateful = std::array{Stateful::default_drop, Stateful::never, Stateful::always}.at(
      generate::number(random, 0, 2));
  options.redirects = {{generate::redirect_target, {1, 0xff}}};
  if (generate::chance(random, 40))
    test::add_segments(random, options);
  return options;
}

void add_protections(generate::Random& random, Family family, CompileOptions& options) {
  const double rates[] = {0, 500, 1000, 2000, 125000, 1e6, 1e12};
  do {
    Protection region;
    const auto sides = generate::number(random, 0, 2);
    if (sides != 0)
      region.destination = generate::prefix(random, family);
    if (sides != 1)
      region.source = generate::prefix(random, family);
    if (generate::chance(random, 75))
      region.rate_below = rates[generate::number(random, 0, 6)];
    options.protections.push_back(region);
  } while (generate::chance(random, 40));
  if (generate::chance(random, 15))
    options.protect.push_back(generate::prefix(random, family));
}

/// What protects `packet`: infinity, against every entry; none: nothing.
std::optional<double> floor_of(const Packet& packet, const CompileOptions& options) {
  constexpr double everything = std::numeric_limits<double>::infinity();
  std::optional<double> floor;
  for (const Prefix& prefix : options.protect)
    if (prefix.contains(packet.source) || prefix.contains(packet.destination))
      floor = everything;
  for (const Protection& region : options.protections)
    if ((!region.destination || region.destination->contains(packet.destination)) &&
        (!region.source || region.source->contains(packet.source)))
      floor = std::max(floor.value_or(0), region.rate_below.value_or(everything));
  return floor;
}

struct Fate {
  Evaluation filtered;
  Evaluation over_rate; ///< when every rate limit is exceeded
  std::optional<std::uint32_t> mark;
  std::optional<std::uint8_t> dscp;
};

Fate fate_of(std::vector<test::SeenTable>& tables, const test::Route& route, const Packet& packet) {
  const Ruleset& filter = tables.at(0).from(route.in, route.out);
  return {evaluate(filter, route.chain, packet), evaluate(filter, route.chain, packet, {true}),
          evaluate(tables.at(1).from(route.in, ""), "PREROUTING", packet).mark,
          evaluate(tables.at(1).from("", route.out), "POSTROUTING", packet).dscp_mark};
}

/// The rules that decided stand in different tables.
bool same(Evaluation a, Evaluation b) {
  a.rule = b.rule = nullptr;
  return a == b;
}

/// No rule that drops may be of an entry that harms; that of a rate is met when every rate is exceeded.
void require_unharmed(const Fate& fate, double floor, const std::map<std::string, Entry>& entries) {
  for (const Evaluation* evaluation : {&fate.filtered, &fate.over_rate}) {
    if (evaluation->what != Evaluation::What::drop || evaluation->unreadable)
      continue;
    REQUIRE(evaluation->rule != nullptr);
    const Entry& entry = entries.at(*entry_id(*evaluation->rule));
    CAPTURE(to_string(entry.match), to_string(entry.actions));
    REQUIRE_FALSE(entry.actions.discards());
    REQUIRE(*entry.actions.rate >= floor);
  }
}

/// What entries that may touch it make of the packet.
void require_judged_by_the_rest(const Fate& fate, double floor, const std::vector<Entry>& installed,
                                const test::Route& route, const Packet& packet,
                                const CompileOptions& options) {
  std::vector<Entry> harmless;
  for (const Entry& entry : installed)
    if (!(entry.actions.rate && (*entry.actions.rate == 0 || *entry.actions.rate < floor)))
      harmless.push_back(entry);
  const auto lists = test::lists_for(route, harmless, options);
  REQUIRE(fate.filtered.what == test::expected(lists, packet, options));
  if (!options.segments.empty() || fate.filtered.what == Evaluation::What::drop || lists.empty())
    return;
  const Decision decision = decide(lists.front(), packet, options.stateful);
  const bool passes = decision.what == Decision::What::accept || decision.what == Decision::What::rate_limit;
  REQUIRE(fate.dscp == (passes ? decision.entry->actions.dscp_mark : std::nullopt));
  REQUIRE(fate.mark.has_value() == (passes && decision.entry->actions.redirect));
}

struct Tally {
  std::size_t untouchable = 0;
  std::size_t spared = 0; ///< of regions with a rate: what would have harmed did not
  std::size_t limited = 0;
  std::size_t altered = 0;
  std::size_t outside = 0; ///< and decided
  std::size_t gotos = 0;
};

} // namespace

TEST_CASE("no protected packet is harmed, and no other packet knows of it") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed());
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  Tally tally;
  for (int set = 0; set < sets; ++set) {
    CompileOptions options = random_options(random);
    std::vector<Entry> entries =
        generate::entries(random, family, generate::number(random, 1, 12), {true, true, true});
    if (!options.segments.empty())
      test::add_targets(random, entries);
    if (generate::chance(random, 50)) {
      const Policy policy = generate::policy(random);
      entries = judge(std::move(entries), {}, {&policy, nullptr, false}).entries;
    }
    if (entries.empty())
      continue;
    const Wanted bare = arrange(entries, std::array{family}, options);
    add_protections(random, family, options);
    const Wanted wanted = arrange(entries, std::array{family}, options);
    REQUIRE(wanted.installed == bare.installed);
    std::map<std::string, Entry> by_id;
    for (const Entry& entry : wanted.installed)
      by_id.emplace(stable_id(entry.match), entry);
    std::vector<test::SeenTable> tables = test::tables_of(wanted);
    std::vector<test::SeenTable> unprotected = test::tables_of(bare);
    for (const Chain& chain : wanted.tables[0].chains)
      tally.gotos += chain.name.find("-P") == std::string::npos ? 0U : 1U;
    for (int index = 0; index < packets; ++index) {
      CAPTURE(set, index);
      const auto chosen = generate::number(random, 0, static_cast<std::uint32_t>(entries.size() - 1));
      Packet packet = test::parse(test::build(generate::plan_near(random, entries[chosen].match)));
      packet.established = generate::chance(random, 25);
      const test::Route route =
          options.segments.empty() ? test::Route() : test::random_route(random, tables[0]);
      const Fate fate = fate_of(tables, route, packet);
      const std::optional<double> floor = floor_of(packet, options);
      if (!floor) {
        const Fate before = fate_of(unprotected, route, packet);
        REQUIRE(same(fate.filtered, before.filtered));
        REQUIRE(same(fate.over_rate, before.over_rate));
        REQUIRE(fate.mark == before.mark);
        REQUIRE(fate.dscp == before.dscp);
        tally.outside += before.filtered.rule == nullptr ? 0U : 1U;
        continue;
      }
      require_unharmed(fate, *floor, by_id);
      if (*floor == std::numeric_limits<double>::infinity()) {
        REQUIRE(fate.filtered.what == Evaluation::What::returned);
        REQUIRE_FALSE(fate.filtered.limited);
        REQUIRE_FALSE(fate.filtered.sampled);
        REQUIRE_FALSE(fate.mark);
        REQUIRE_FALSE(fate.dscp);
        ++tally.untouchable;
        continue;
      }
      require_judged_by_the_rest(fate, *floor, wanted.installed, route, packet, options);
      const Evaluation before = evaluate(unprotected[0].from(route.in, route.out), route.chain, packet);
      tally.spared += fate.filtered.what != before.what ? 1U : 0U;
      tally.limited += fate.filtered.limited ? 1U : 0U;
      tally.altered += fate.mark || fate.dscp ? 1U : 0U;
    }
  }
  // The generators must meet every kind of packet, or this shows nothing.
  CHECK(tally.untouchable > 3000);
  CHECK(tally.spared > 1000);
  CHECK(tally.limited > 300);
  CHECK(tally.altered > 50);
  CHECK(tally.outside > 3000);
  CHECK(tally.gotos > 100);
}
