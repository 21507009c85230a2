// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel's counters say of an entry is how many packets it decided, each once, for every form of
// rules that the compiler makes.
#include "injector/entry_hits.hpp"
#include "injector/wanted.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/generate.hpp"
#include "tests/support/packet_bytes.hpp"
#include "tests/support/packet_parser.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <map>

using namespace flowspec;

namespace {

CompileOptions random_options(generate::Random& random, Family family) {
  CompileOptions options;
  options.accept = generate::chance(random, 60) ? Verdict::accept : Verdict::return_;
  options.stateful = std::array{Stateful::default_drop, Stateful::never, Stateful::always}.at(
      generate::number(random, 0, 2));
  if (generate::chance(random, 30))
    options.protect = {generate::prefix(random, family)};
  options.redirects = {{generate::redirect_target, {1, 0xff}}};
  return options;
}

/// Every second port, so many that a chain of the complement has fewer rules than the product.
ValueSet many_ports() {
  std::vector<Interval> ports;
  for (std::uint32_t port = 1; port < 80; port += 2)
    ports.push_back({port, port});
  return {domain::port, std::move(ports)};
}

/// Now and then with many ports at both ends.
std::vector<Entry> random_entries(generate::Random& random, Family family) {
  std::vector<Entry> entries =
      generate::entries(random, family, generate::number(random, 1, 12), {true, true, true});
  for (Entry& entry : entries)
    if (!is_default_policy(entry.match) && generate::chance(random, 15)) {
      entry.match.fragment.reset();
      entry.match.protocol = entry.match.icmp_type = entry.match.icmp_code = std::nullopt;
      entry.match.source_port = entry.match.destination_port = many_ports();
    }
  std::vector<Entry> distinct;
  for (const Entry& entry : entries)
    if (std::ranges::find(distinct, entry.match, &Entry::match) == distinct.end())
      distinct.push_back(entry);
  return distinct;
}

/// The table as the kernel would hold it; behind our jump somebody counts with rules that carry our comments.
Ruleset table_with(const WantedTable& wanted) {
  Ruleset table{wanted.family, wanted.table, {{"FORWARD", Verdict::accept, {}}}};
  for (const Chain& chain : wanted.chains)
    for (const Rule& rule : chain.rules) {
      Rule copy;
      copy.matches = {rule.matches.back()};
      copy.target = NoTarget{};
      table.chains[0].rules.push_back(copy);
    }
  return with_ours(table, wanted.chains, wanted.hooks, {});
}

struct Expected {
  std::map<std::string, EntryHits> entries;
  Counters tracked;
  Counters spared;
};

/// What `decision` adds, of a packet of so many bytes.
void add(const Decision& decision, std::uint64_t bytes, bool over_rate, Expected& expected) {
  using What = Decision::What;
  const Counters once{1, bytes};
  if (decision.what == What::established)
    expected.tracked += once;
  if (decision.what != What::accept && decision.what != What::discard && decision.what != What::rate_limit)
    return;
  EntryHits hits{once, {}};
  if (decision.what == What::discard || (decision.what == What::rate_limit && over_rate))
    hits.dropped = once;
  expected.entries[stable_id(decision.entry->match)] += hits;
}

bool is_protected(const Packet& packet, const CompileOptions& options) {
  return std::ranges::any_of(options.protect, [&](const Prefix& prefix) {
    return prefix.contains(packet.source) || prefix.contains(packet.destination);
  });
}

/// Which forms the compiled rules had, so that the test can say that it met all of them.
struct Forms {
  std::size_t returning = 0; ///< chains of an entry's complement
  std::size_t steps = 0;     ///< chains of several steps
  std::size_t several = 0;   ///< entries with more than one rule in our chain
};

Forms& operator+=(Forms& sum, const std::vector<Chain>& chains) {
  for (const Chain& chain : chains)
    if (chain.name != "FLOWSPEC")
      ++(chain.name.ends_with('m') ? sum.returning : sum.steps);
  std::map<std::string, int> rules;
  for (const Rule& rule : chains.front().rules)
    if (const auto owner = owner_of(rule); owner && ++rules[std::string(owner->id)] == 2)
      ++sum.several;
  return sum;
}

} // namespace

TEST_CASE("the counters say of each entry how many packets it decided") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed());
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  Forms forms;
  EntryHits all;
  Counters tracked;
  Counters spared;
  for (int set = 0; set < 300; ++set) {
    CAPTURE(set);
    const CompileOptions options = random_options(random, family);
    const Wanted wanted = arrange(random_entries(random, family), std::array{family}, options);
    if (wanted.installed.empty())
      continue;
    forms += wanted.tables[0].chains;
    const Ruleset table = table_with(wanted.tables[0]);
    std::vector<ChainCounters> counters = no_counters(table);
    Expected expected;
    for (const Entry& entry : wanted.installed)
      expected.entries[stable_id(entry.match)] = {};
    for (int index = 0; index < 80; ++index) {
      const auto chosen =
          generate::number(random, 0, static_cast<std::uint32_t>(wanted.installed.size() - 1));
      Packet packet = test::parse(test::build(generate::plan_near(random, wanted.installed[chosen].match)));
      packet.established = generate::chance(random, 25);
      const bool over_rate = generate::chance(random, 50);
      if (is_protected(packet, options))
        expected.spared += Counters{1, packet.length};
      else
        add(decide(wanted.installed, packet, options.stateful), packet.length, over_rate, expected);
      evaluate(table, "FORWARD", packet, {over_rate, &counters});
    }
    const Hits hits = entry_hits(table, counters, {});
    REQUIRE(hits.tracked == expected.tracked);
    REQUIRE(hits.spared == expected.spared);
    REQUIRE(hits.others == EntryHits{});
    REQUIRE(hits.entries.size() == expected.entries.size());
    for (const auto& [id, entry] : expected.entries) {
      const EntryHits& got = hits.entries.at(id);
      CAPTURE(id, got.decided.packets, entry.decided.packets, got.dropped.packets, entry.dropped.packets);
      REQUIRE(got == entry);
      all += entry;
    }
    tracked += expected.tracked;
    spared += expected.spared;
  }
  // The generators must meet the entries in every form, or this shows nothing.
  CHECK(forms.returning > 30);
  CHECK(forms.steps > 100);
  CHECK(forms.several > 300);
  CHECK(all.decided.packets > 6000);
  CHECK(all.dropped.packets > 2000);
  CHECK(tracked.packets > 500);
  CHECK(spared.packets > 500);
}
