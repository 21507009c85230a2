// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule_text.hpp"
#include "injector/compile.hpp"
#include "injector/entry_hits.hpp"
#include "injector/found_rules.hpp"
#include "injector/wanted.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <stdexcept>

using namespace flowspec;

namespace {

constexpr const char* id = "47b8319553afa72d";

Rule rule(const std::string& comment, Target target) {
  Rule result;
  if (!comment.empty())
    result.matches.emplace_back(CommentMatch{comment});
  result.target = std::move(target);
  return result;
}

const std::string ours = std::string("flowspec ") + id;

} // namespace

TEST_CASE("whose a rule is, by its comment") {
  struct Row {
    std::string comment;
    std::optional<RuleOwner> owner;
  };
  for (const Row& row : {
           Row{ours, RuleOwner{id, std::nullopt}},
           Row{ours + " seq 0", RuleOwner{id, 0}},
           Row{ours + " seq 281474976710655", RuleOwner{id, 281474976710655}},
           Row{"", std::nullopt},
           Row{"flowspec", std::nullopt},
           Row{"flowspec established", std::nullopt},
           Row{"flowspec 47b8319553afa72", std::nullopt},
           Row{"flowspec 47B8319553AFA72D", std::nullopt},
           Row{ours + " ", std::nullopt},
           Row{ours + "m", std::nullopt},
           Row{ours + " seq", std::nullopt},
           Row{ours + " seq ", std::nullopt},
           Row{ours + " seq -1", std::nullopt},
           Row{ours + " seq +1", std::nullopt},
           Row{ours + " seq 01", std::nullopt},
           Row{ours + " seq 1 ", std::nullopt},
           Row{ours + " seq 99999999999999999999", std::nullopt},
           Row{" " + ours, std::nullopt},
           Row{"to " + ours, std::nullopt},
       }) {
    CAPTURE(row.comment);
    CHECK(owner_of(rule(row.comment, Verdict::drop)) == row.owner);
  }
  Rule two = rule("somebody's", Verdict::drop);
  two.matches.emplace_back(CommentMatch{ours});
  CHECK(owner_of(two) == RuleOwner{id, std::nullopt});
}

TEST_CASE("a comment that the compiler writes is read back") {
  Entry entry;
  entry.match.destination = parse_prefix("10.0.0.0/8");
  for (const std::optional<std::uint64_t> sequence : {std::optional<std::uint64_t>(), std::optional(7UL)}) {
    entry.sequence = sequence;
    const Rule written = rule(comment_of(entry), Verdict::accept);
    CHECK(owner_of(written) == RuleOwner{stable_id(entry.match), sequence});
  }
}

TEST_CASE("rules of ours that are no entry's") {
  CHECK(common_rule(established_rule(Verdict::accept)) == Common::tracked);
  CHECK(common_rule(established_rule(Verdict::return_)) == Common::tracked);
  CHECK_FALSE(common_rule(established_rule(Verdict::drop)));
  CHECK_FALSE(common_rule(rule("flowspec established", Verdict::accept)));

  CompileOptions options;
  options.protect = {*parse_prefix("10.0.0.0/8"), *parse_prefix("2001:db8::/32")};
  const std::array families{Family::ipv4, Family::ipv6};
  const Wanted wanted = arrange({}, families, options);
  std::size_t protecting = 0;
  for (const WantedTable& table : wanted.tables)
    for (const Chain& chain : table.chains)
      for (Rule each : chain.rules) {
        CHECK(common_rule(each) == Common::protects);
        ++protecting;
        each.in_interface = "eth0"; // somebody else's idea of it
        CHECK_FALSE(common_rule(each));
      }
  CHECK(protecting == 4);
  CHECK_FALSE(common_rule(rule("flowspec protected", Verdict::return_)));
}

TEST_CASE("rules that lead packets of segments and regions to entries decide nothing") {
  CompileOptions options;
  options.segments = {{"a", {"65000:1"}, {{"FORWARD", "swp1", ""}, {"FORWARD", "", "swp1"}}},
                      {"b", {"65000:2"}, {{"FORWARD", "", "swp2"}}}};
  options.protections = {{parse_prefix("10.1.0.0/16"), parse_prefix("10.2.0.0/16"), std::nullopt},
                         {parse_prefix("10.0.0.0/8"), std::nullopt, 1000},
                         {parse_prefix("0.0.0.0/0"), std::nullopt, 500}};
  Entry drop;
  drop.match.destination = parse_prefix("10.3.0.0/16");
  drop.actions.rate = 0;
  Entry accept;
  accept.match.destination = parse_prefix("10.3.3.0/24");
  const Wanted wanted = arrange({drop, accept}, std::array{Family::ipv4}, options);
  const Ruleset table{Family::ipv4, "filter", wanted.tables[0].chains};
  std::vector<ChainCounters> counters;
  std::size_t leading = 0;
  std::size_t protecting = 0;
  for (const Chain& chain : table.chains) {
    counters.push_back({chain.name, std::vector<Counters>(chain.rules.size(), Counters{1, 10})});
    for (Rule each : chain.rules) {
      CAPTURE(to_string(each, Family::ipv4));
      const std::optional<Common> common = common_rule(each);
      CHECK(common.has_value() != owner_of(each).has_value());
      leading += common == Common::leads ? 1U : 0U;
      protecting += common == Common::protects ? 1U : 0U;
      each.protocol = 6; // somebody else's idea of it
      CHECK_FALSE(common_rule(each));
    }
  }
  CHECK(protecting == 1);
  CHECK(leading == 14); // 6 in FLOWSPEC, 2 in FLOWSPEC-a-G, 2 in each list
  const Hits hits = entry_hits(table, counters, {});
  CHECK(hits.others == EntryHits{});
  CHECK(hits.spared == Counters{1, 10});
  CHECK(hits.entries.size() == 2);

  const std::vector<FoundRules> found = found_rules(table, {});
  REQUIRE(found.size() == 2); // in their order, though regions have the second only
  CHECK(found[0].id == stable_id(accept.match));
  CHECK(found[1].id == stable_id(drop.match));
  CHECK(found[1].places.size() == 3);
  CHECK(found[0].places.size() > 3);

  Rule alien = rule("flowspec segment a", Verdict::drop);
  CHECK_FALSE(common_rule(alien));
  alien.target = Verdict::accept;
  CHECK_FALSE(common_rule(alien));
  CHECK_FALSE(common_rule(rule("flowspec segment", Verdict::return_)));
  CHECK_FALSE(common_rule(rule("flowspec protected", Jump{"FLOWSPEC-P1", true})));
  CHECK_FALSE(common_rule(rule("flowspec all protected", Verdict::accept)));
}

TEST_CASE("which rules count") {
  struct Row {
    const char* chain;
    Target target;
    bool decided;
    bool dropped;
  };
  const std::string own = std::string("FLOWSPEC-") + id;
  const std::string complement = own + "m";
  for (const Row& row : {
           Row{"FLOWSPEC", Verdict::drop, true, true},
           Row{"FLOWSPEC", Verdict::accept, true, false},
           Row{"FLOWSPEC", Verdict::return_, true, false}, // --accept-target RETURN
           Row{"FLOWSPEC", RejectTarget{}, true, true},    // nobody's but somebody may have put it there
           Row{"FLOWSPEC", Jump{complement, false}, false, false},
           Row{"FLOWSPEC", Jump{own, true}, false, false},
           Row{"FLOWSPEC", NflogTarget{}, false, false},
           Row{"FLOWSPEC", NoTarget{}, false, false},
           Row{own.c_str(), Verdict::drop, true, true},
           Row{own.c_str(), Verdict::return_, true, false},
           Row{complement.c_str(), Verdict::return_, false, false}, // not this entry's packet
           Row{complement.c_str(), Verdict::accept, true, false},
           Row{complement.c_str(), Verdict::drop, true, true},
           Row{complement.c_str(), Jump{own, true}, false, false},
       }) {
    CAPTURE(row.chain, row.target.index());
    const Counters counted{3, 333};
    const EntryHits expected{row.decided ? counted : Counters{}, row.dropped ? counted : Counters{}};
    CHECK(hits_of(rule(ours, row.target), row.chain, counted) == expected);
    const Ruleset table{Family::ipv4, "filter", {{row.chain, std::nullopt, {rule(ours, row.target)}}}};
    CHECK(entry_hits(table, {{row.chain, {counted}}}, {}).entries.at(id) == expected);
  }
}

TEST_CASE("rules of other people do not count, whatever they say") {
  const std::vector<Rule> rules{rule(ours, Verdict::drop)};
  const Ruleset table{Family::ipv4,
                      "filter",
                      {{"FORWARD", Verdict::accept, rules},
                       {"FLOWSPECIAL", std::nullopt, rules},
                       {"PEERS", std::nullopt, rules},
                       {"FLOWSPEC", std::nullopt, {rule("", Verdict::drop), rule("", Verdict::accept)}}}};
  const std::vector<ChainCounters> counters{{"FORWARD", {{1, 10}}},
                                            {"FLOWSPECIAL", {{2, 20}}},
                                            {"PEERS", {{4, 40}}},
                                            {"FLOWSPEC", {{8, 80}, {16, 160}}}};
  CHECK(entry_hits(table, counters, {}).entries.empty());
  CHECK(entry_hits(table, counters, {}).others == EntryHits{{24, 240}, {8, 80}});
  CHECK(entry_hits(table, counters, {"PEERS"}).entries.at(id) == EntryHits{{4, 40}, {4, 40}});
}

TEST_CASE("counters of another snapshot are refused") {
  const Ruleset table{Family::ipv4, "filter", {{"FLOWSPEC", std::nullopt, {rule(ours, Verdict::drop)}}}};
  for (const std::vector<ChainCounters>& wrong : {std::vector<ChainCounters>{},
                                                  {{"FLOWSPEC", {}}},
                                                  {{"FLOWSPEC-x", {{1, 1}}}},
                                                  {{"FLOWSPEC", {{1, 1}, {1, 1}}}}})
    CHECK_THROWS_AS(entry_hits(table, wrong, {}), std::invalid_argument);
}
