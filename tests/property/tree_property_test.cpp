// SPDX-License-Identifier: GPL-2.0-or-later
//
// A tree of chains decides every packet as the list of its entries does, by the same rule: whatever the
// entries are, in whatever order, and however small its leaves are.
#include "common/decide.hpp"
#include "common/precedence.hpp"
#include "injector/ruleset_diff.hpp"
#include "injector/tree_chains.hpp"
#include "tests/property/segment_packets.hpp"
#include "tests/property/tree_random.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <numeric>

using namespace flowspec;

namespace {

constexpr double whatever = std::numeric_limits<double>::infinity();

CompileOptions random_options(generate::Random& random) {
  CompileOptions options;
  options.accept = generate::chance(random, 60) ? Verdict::accept : Verdict::return_;
  options.stateful = std::array{Stateful::default_drop, Stateful::never, Stateful::always}.at(
      generate::number(random, 0, 2));
  options.redirects = {{generate::redirect_target, {1, 0xff}}};
  options.reassembled = false;
  return options;
}

/// Entries that have rules, with these.
struct Listed {
  std::vector<Entry> entries;
  std::vector<std::vector<Rule>> rules;
  std::vector<Chain> chains; ///< of single entries

  Listed(std::vector<Entry> all, const CompileOptions& options) {
    for (Entry& entry : all) {
      std::variant<Compiled, Rejected> outcome = compile(entry, options);
      auto* compiled = std::get_if<Compiled>(&outcome);
      if (compiled == nullptr)
        continue;
      rules.push_back(std::move(compiled->rules));
      std::move(compiled->chains.begin(), compiled->chains.end(), std::back_inserter(chains));
      entries.push_back(std::move(entry));
    }
  }

  /// Table filter, with all of them in one list.
  Ruleset table(Layout layout, const TreeShape& shape, const CompileOptions& options, TreePlan& plan) const {
    std::vector<std::size_t> list(entries.size());
    std::iota(list.begin(), list.end(), std::size_t{0});
    ListedEntries all{entries, [](std::vector<std::size_t> some) { return some; },
                      [this](std::size_t number) { return rules[number].size(); },
                      [this](std::size_t number, RuleList& to) { to.append(rules[number]); }};
    plan = plan_list(list, all, options.chain, layout, shape);
    Chain head{options.chain, std::nullopt, {}};
    std::vector<Chain> further;
    add_rules(head, list, plan, all, options, further);
    Ruleset table{Family::ipv4, "filter", {std::move(head)}};
    std::move(further.begin(), further.end(), std::back_inserter(table.chains));
    table.chains.insert(table.chains.end(), chains.begin(), chains.end());
    return table;
  }
};

/// The rules that decided stand in different tables.
bool same(const Evaluation& a, const Evaluation& b) {
  if ((a.rule == nullptr) != (b.rule == nullptr) || (a.rule != nullptr && !(*a.rule == *b.rule)))
    return false;
  Evaluation left = a;
  Evaluation right = b;
  left.rule = right.rule = nullptr;
  return left == right;
}

const Components& some_match(generate::Random& random, const std::vector<Entry>& entries) {
  return entries[generate::number(random, 0, static_cast<std::uint32_t>(entries.size() - 1))].match;
}

/// Rules that a packet met, by their counters; those in chains of single entries do not count.
std::size_t rules_met(const Ruleset& table, const std::string& chain, const Packet& packet) {
  std::size_t met = 0;
  const Chain* here = table.find(chain);
  for (std::size_t at = 0; at < here->rules.size(); ++at, ++met) {
    const Rule& rule = here->rules[at];
    if (leads_in_tree(rule) && (!rule.destination || rule.destination->contains(packet.destination)) &&
        (!rule.source || rule.source->contains(packet.source)))
      return met + 1 + rules_met(table, std::get<Jump>(rule.target).chain, packet);
  }
  return met;
}

struct Tally {
  std::size_t pairs = 0;
  std::size_t decided = 0; ///< by some rule
  std::size_t trees = 0;
  std::size_t destination_steps = 0;
  std::size_t source_steps = 0;
  std::size_t both = 0;    ///< trees that ask for both
  std::size_t rests = 0;   ///< chains that go on to another
  std::size_t large = 0;   ///< trees of more than 10 chains
  std::size_t outside = 0; ///< chains with entries behind the steps to branches
  std::size_t ends = 0;    ///< branches whose packets do not go on, in trees where others do

  void count(const TreePlan& plan) {
    const std::size_t destinations = destination_steps;
    const std::size_t sources = source_steps;
    const std::size_t rests_before = rests;
    std::size_t ending = 0;
    for (const TreeChain& chain : plan.chains) {
      outside += has_outside(chain) ? 1U : 0U;
      ending += chain.steps.back().kind == TreeStep::Kind::rest ? 0U : 1U;
      for (const TreeStep& step : chain.steps) {
        destination_steps += step.kind == TreeStep::Kind::destination ? 1U : 0U;
        source_steps += step.kind == TreeStep::Kind::source ? 1U : 0U;
        rests += step.kind == TreeStep::Kind::rest ? 1U : 0U;
      }
    }
    ends += rests > rests_before ? ending - 1 : 0;
    trees += plan.splits() ? 1U : 0U;
    both += destination_steps > destinations && source_steps > sources ? 1U : 0U;
    large += plan.chains.size() > 10 ? 1U : 0U;
  }

  /// Entries behind the steps to branches.
  static bool has_outside(const TreeChain& chain) {
    const auto is_branch = [](const TreeStep& step) {
      return step.kind == TreeStep::Kind::destination || step.kind == TreeStep::Kind::source;
    };
    const auto first = std::find_if(chain.steps.begin(), chain.steps.end(), is_branch);
    return std::any_of(first, chain.steps.end(),
                       [](const TreeStep& step) { return step.kind == TreeStep::Kind::entry; });
  }
};

TreeShape random_shape(generate::Random& random) {
  if (generate::chance(random, 20))
    return {};
  return {generate::number(random, 1, 4), generate::chance(random, 70) ? whatever : 1, whatever};
}

} // namespace

TEST_CASE("a tree of any shape decides as the list does, by the same rule") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed() + static_cast<unsigned>(family));
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  constexpr std::size_t sets = 1000;
  constexpr std::size_t packets = 90;
  Tally tally;
  for (std::size_t set = 0; set < sets * test::long_factor(); ++set) {
    const CompileOptions options = random_options(random);
    const test::Map map(random, family);
    std::vector<Entry> entries = test::tree_entries(random, family, map, generate::number(random, 1, 70));
    sort_by_precedence(entries);
    const bool in_order = generate::chance(random, 60);
    if (!in_order)
      std::shuffle(entries.begin(), entries.end(), random);
    const Listed listed(std::move(entries), options);
    if (listed.entries.empty())
      continue;
    TreePlan straight;
    TreePlan plan;
    const Ruleset list = listed.table(Layout::linear, {}, options, straight);
    const Ruleset tree = listed.table(Layout::tree, random_shape(random), options, plan);
    REQUIRE_FALSE(straight.splits());
    REQUIRE(list.find(options.chain)->rules.size() == plan.rules);
    tally.count(plan);
    const TreeFigures figures = tree_figures(tree.chains);
    REQUIRE(figures.chains == plan.chains.size() - 1);
    REQUIRE(figures.further == plan.further);
    REQUIRE((!plan.splits() || figures.deepest <= plan.deepest));
    for (std::size_t index = 0; index < packets; ++index) {
      const Packet packet = test::tree_packet(random, some_match(random, listed.entries), map);
      const Walk walk{generate::chance(random, 20)};
      const Evaluation expected = evaluate(list, options.chain, packet, walk);
      const Evaluation got = evaluate(tree, options.chain, packet, walk);
      if (!same(got, expected)) {
        CAPTURE(set, index, to_string(packet.destination), to_string(packet.source));
        REQUIRE(same(got, expected));
      }
      if (in_order && !walk.over_rate && !(options.stateful == Stateful::always && packet.established)) {
        const Evaluation::What what = test::expected({listed.entries}, packet, options);
        if (got.what != what) {
          CAPTURE(set, index);
          REQUIRE(got.what == what);
        }
      }
      if (index % 8 == 0)
        REQUIRE(rules_met(tree, options.chain, packet) <= plan.deepest);
      ++tally.pairs;
      tally.decided += got.rule == nullptr ? 0U : 1U;
    }
  }
  // The generators must meet every kind of tree, or this shows nothing.
  CHECK(tally.pairs >= 80'000 * test::long_factor());
  CHECK(tally.decided * 2 > tally.pairs);
  CHECK(tally.trees * 2 > sets);
  CHECK(tally.large * 4 > sets);
  CHECK(tally.both * 6 > sets);
  CHECK(tally.destination_steps > sets);
  CHECK(tally.source_steps > sets);
  CHECK(tally.rests > sets);
  CHECK(tally.outside * 2 > sets);
  CHECK(tally.ends * 8 > sets);
}

TEST_CASE("both tables decide alike as lists and as trees, for segments and regions too") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed() + 10 + static_cast<unsigned>(family));
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  constexpr std::size_t sets = 350;
  constexpr std::size_t packets = 90;
  std::size_t pairs = 0;
  std::size_t trees = 0;
  std::size_t in_mangle = 0;
  std::size_t altered = 0;
  for (std::size_t set = 0; set < sets * test::long_factor(); ++set) {
    CompileOptions options = random_options(random);
    const test::Map map(random, family);
    if (generate::chance(random, 50))
      test::add_segments(random, options);
    const bool regions = generate::chance(random, 40);
    if (regions)
      options.protections = {{map.destinations.prefix(random), std::nullopt, 2000.0},
                             {std::nullopt, map.sources.prefix(random), std::nullopt}};
    std::vector<Entry> entries = test::tree_entries(random, family, map, generate::number(random, 20, 140));
    test::add_targets(random, entries);
    options.layout = Layout::linear;
    const Wanted straight = arrange(entries, std::array{family}, options);
    options.layout = generate::chance(random, 70) ? Layout::tree : Layout::automatic;
    const Wanted wanted = arrange(entries, std::array{family}, options);
    REQUIRE(wanted.installed == straight.installed);
    if (wanted.installed.empty())
      continue;
    std::vector<test::SeenTable> lists = test::tables_of(straight);
    std::vector<test::SeenTable> tables = test::tables_of(wanted);
    trees += tree_figures(wanted.tables[0].chains).any() ? 1U : 0U;
    in_mangle += tree_figures(wanted.tables[1].chains).any() ? 1U : 0U;
    for (std::size_t index = 0; index < packets; ++index) {
      CAPTURE(set, index);
      const Packet packet = test::tree_packet(random, some_match(random, wanted.installed), map);
      const test::Route route =
          options.segments.empty() ? test::Route() : test::random_route(random, tables[0]);
      const Evaluation expected = evaluate(lists[0].from(route.in, route.out), route.chain, packet);
      const Evaluation got = evaluate(tables[0].from(route.in, route.out), route.chain, packet);
      REQUIRE(same(got, expected));
      if (!regions)
        REQUIRE(got.what ==
                test::expected(test::lists_for(route, wanted.installed, options), packet, options));
      const Evaluation routed = evaluate(tables[1].from(route.in, ""), "PREROUTING", packet);
      const Evaluation left = evaluate(tables[1].from("", route.out), "POSTROUTING", packet);
      REQUIRE(same(routed, evaluate(lists[1].from(route.in, ""), "PREROUTING", packet)));
      REQUIRE(same(left, evaluate(lists[1].from("", route.out), "POSTROUTING", packet)));
      altered += routed.mark || left.dscp_mark ? 1U : 0U;
      ++pairs;
    }
  }
  CHECK(pairs >= 30'000 * test::long_factor());
  CHECK(trees * 5 > sets * 2);
  CHECK(in_mangle * 8 > sets);
  CHECK(altered > pairs / 50);
}

namespace {

std::vector<TreeEntry> random_tree_entries(generate::Random& random, std::size_t count, unsigned kind) {
  const Prefix any = Prefix::any(Family::ipv4);
  std::vector<TreeEntry> entries;
  for (std::size_t index = 0; index < count; ++index) {
    TreeEntry entry{any, any, static_cast<std::uint16_t>(generate::number(random, 1, 2)), 0};
    const auto some = [&] {
      return Prefix::masked(test::random_address(random, Family::ipv4),
                            kind == 0 ? 32 : std::array{16U, 24U, 32U}.at(generate::number(random, 0, 2)));
    };
    if (kind != 1)
      entry.destination = some();
    if (kind != 0)
      entry.source = some();
    entries.push_back(entry);
  }
  std::stable_sort(entries.begin(), entries.end(), [](const TreeEntry& a, const TreeEntry& b) {
    return a.destination.length > b.destination.length;
  });
  entries.push_back({any, any, 2, 0}); // the default policy
  return entries;
}

/// The rules of a tree by their chains, as texts that do not depend on other entries.
std::vector<std::string> rules_of(const TreePlan& plan, const std::vector<TreeEntry>& entries) {
  std::vector<std::string> rules;
  for (const TreeChain& chain : plan.chains)
    for (const TreeStep& step : chain.steps) {
      const bool own = step.kind == TreeStep::Kind::entry;
      const std::string what =
          own ? to_string(entries[step.index].destination) + " " + to_string(entries[step.index].source)
              : std::to_string(plan.chains[step.index].hash);
      for (std::uint32_t rule = 0; rule < (own ? entries[step.index].rules : 1U); ++rule)
        rules.push_back(std::to_string(chain.hash) + " " + what + " " + std::to_string(rule));
    }
  std::sort(rules.begin(), rules.end());
  return rules;
}

} // namespace

TEST_CASE("one entry more or less changes few rules of a tree") {
  const unsigned kind = GENERATE(0U, 1U, 2U); // distinct destinations; sources; both, nested
  generate::Random random(generate::seed() + 20 + kind);
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  constexpr std::size_t sets = 10;
  constexpr std::size_t changes = 20;
  std::size_t few = 0;
  std::size_t most = 0;
  std::size_t rules = 0;
  for (std::size_t set = 0; set < sets; ++set) {
    const std::vector<TreeEntry> entries =
        random_tree_entries(random, generate::number(random, 300, 3000), kind);
    const TreePlan plan = plan_tree(entries, "FLOWSPEC");
    REQUIRE(plan.splits());
    const std::vector<std::string> before = rules_of(plan, entries);
    rules += before.size();
    for (std::size_t change = 0; change < changes; ++change) {
      std::vector<TreeEntry> less = entries;
      less.erase(less.begin() + generate::number(random, 0, static_cast<std::uint32_t>(entries.size() - 2)));
      const std::vector<std::string> after = rules_of(plan_tree(less, "FLOWSPEC"), less);
      std::vector<std::string> changed;
      std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                    std::back_inserter(changed));
      few += changed.size() <= 4 ? 1U : 0U;
      most = std::max(most, changed.size());
    }
  }
  // A branch that comes to be, or goes, or whose weight is of the next step of the scale: no more than its
  // rules and those of the chain that leads there.
  CHECK(few * 10 >= sets * changes * 8);
  CHECK(most <= 8 * TreeShape().leaf + 64);
  CHECK(most * 4 < rules / sets);
}
