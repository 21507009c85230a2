// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever somebody does to the rules, a status shows each entry once, in the kernel's order, and says of
// none that it is as it should be when it is not.
#include "injector/found_rules.hpp"
#include "injector/status_report.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <set>

using namespace flowspec;

namespace {

/// Deletes, moves, copies or inserts a rule of some chain.
void tamper(generate::Random& random, Ruleset& table) {
  RuleList& rules =
      table.chains[generate::number(random, 0, static_cast<std::uint32_t>(table.chains.size() - 1))].rules;
  const auto place = [&](std::size_t end) {
    return rules.begin() + generate::number(random, 0, static_cast<std::uint32_t>(end));
  };
  const auto what = generate::number(random, 0, 3);
  if (what == 3 || rules.empty()) {
    Rule intruder;
    intruder.source = parse_prefix("10.0.0.0/8");
    intruder.target = Verdict::accept;
    rules.insert(place(rules.size()), intruder);
    return;
  }
  const auto chosen = place(rules.size() - 1);
  const Rule rule = *chosen;
  if (what != 0) // else it is copied
    rules.erase(chosen);
  if (what != 1)
    rules.insert(place(rules.size()), rule);
}

std::set<std::string> ids_in(const Ruleset& table) {
  std::set<std::string> ids;
  for (const FoundRules& found : found_rules(table, {}))
    ids.insert(found.id);
  return ids;
}

struct Tally {
  std::size_t missing = 0;
  std::size_t changed = 0;
  std::size_t foreign = 0;
};

void check(const Status& status, const std::vector<Entry>& remembered, const Ruleset& table, Tally& tally) {
  const std::set<std::string> there = ids_in(table);
  std::vector<std::string> shown;
  std::vector<std::string> found;
  bool as_it_should_be = true;
  for (const StatusEntry& entry : status.entries) {
    REQUIRE(entry.number == shown.size() + 1);
    REQUIRE((entry.standing == Standing::foreign) == !entry.entry);
    REQUIRE((entry.standing == Standing::missing) == !there.contains(entry.id));
    shown.push_back(entry.id);
    if (entry.standing != Standing::missing)
      found.push_back(entry.id);
    as_it_should_be = as_it_should_be && entry.standing == Standing::active;
    tally.missing += entry.standing == Standing::missing ? 1U : 0U;
    tally.changed += entry.standing == Standing::changed ? 1U : 0U;
    tally.foreign += entry.standing == Standing::foreign ? 1U : 0U;
  }
  std::vector<std::string> order;
  for (const FoundRules& each : found_rules(table, {}))
    order.push_back(each.id);
  REQUIRE(found == order);
  for (const Entry& entry : remembered)
    REQUIRE(std::ranges::count(shown, stable_id(entry.match)) == 1);
  const std::size_t to_do = status.tables.at(0).added + status.tables.at(0).removed;
  REQUIRE((as_it_should_be || to_do > 0));
  const std::string text = status_text(status, false);
  REQUIRE(static_cast<std::size_t>(std::ranges::count(text, '\n')) >= shown.size());
  REQUIRE(status_json(status)["entries"].size() == shown.size());
}

} // namespace

TEST_CASE("a status of whatever somebody made of the rules") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed());
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  Tally tally;
  for (int set = 0; set < 300; ++set) {
    CAPTURE(set);
    RoutesRead read;
    read.entries = generate::entries(random, family, generate::number(random, 1, 8), {true, true, true});
    CompileOptions options;
    options.redirects = {{generate::redirect_target, {1, 0xff}}};
    const Wanted wanted = arrange(read.entries, std::array{family}, options);
    const Pass pass(std::move(read), {}, wanted);
    State state;
    state.families[family].source = "FRR";
    TableNow table{{family, "filter", {{"FORWARD", Verdict::accept, {}}}}, {}};
    table.rules = with_ours(table.rules, wanted.tables[0].chains, wanted.tables[0].hooks, {});
    for (int step = 0; step < 4; ++step) {
      table.counters = no_counters(table.rules);
      const Ownership ours;
      const Status status = status_of({state, "", pass, std::span(&table, 1), ours, Instant{0}, 0});
      if (step == 0)
        REQUIRE(std::ranges::count(status.entries, Standing::active, &StatusEntry::standing) ==
                static_cast<std::ptrdiff_t>(wanted.installed.size()));
      check(status, wanted.installed, table.rules, tally);
      tamper(random, table.rules);
    }
  }
  CHECK(tally.missing > 20);
  CHECK(tally.changed > 100);
  CHECK(tally.foreign > 100);
}
