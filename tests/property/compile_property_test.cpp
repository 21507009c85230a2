// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the compiled rules decide is what the reference matcher decides, for random entries and packets.
#include "common/decide.hpp"
#include "common/precedence.hpp"
#include "injector/ownership.hpp"
#include "injector/satisfiable.hpp"
#include "injector/wanted.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/generate.hpp"
#include "tests/support/packet_bytes.hpp"
#include "tests/support/packet_parser.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

using namespace flowspec;

namespace {

/// What the rules should do with a packet that the entries decide so.
Evaluation::What expected(const Decision& decision, Verdict accept) {
  switch (decision.what) {
  case Decision::What::no_entry:
    return Evaluation::What::returned;
  case Decision::What::discard:
  case Decision::What::unreadable:
    return Evaluation::What::drop;
  case Decision::What::accept:
  case Decision::What::rate_limit:
  case Decision::What::established:
    break;
  }
  return accept == Verdict::accept ? Evaluation::What::accept : Evaluation::What::returned;
}

/// The table as the kernel would hold it.
Ruleset table_with(const WantedTable& wanted) {
  Ruleset empty{wanted.family, wanted.table, {}};
  for (const Hook& hook : wanted.hooks)
    empty.chains.push_back({hook.parent, Verdict::accept, {}});
  return with_ours(empty, wanted.chains, wanted.hooks, {});
}

/// What a packet of `decision` should look like behind table mangle.
template <class Value, class Member>
std::optional<Value> expected_alteration(const Decision& decision, Member value_of) {
  const bool passes = decision.what == Decision::What::accept || decision.what == Decision::What::rate_limit;
  return passes ? value_of(decision.entry->actions) : std::nullopt;
}

CompileOptions random_options(generate::Random& random) {
  CompileOptions options;
  options.accept = generate::chance(random, 70) ? Verdict::accept : Verdict::return_;
  options.stateful = generate::chance(random, 60)
                         ? Stateful::default_drop
                         : (generate::chance(random, 50) ? Stateful::never : Stateful::always);
  options.redirects = {{"65000:1", {1, 0xff}}, {"65000:2", {2, 0xffffffff}}};
  return options;
}

/// What came of all packets.
struct Tally {
  std::size_t decided = 0;
  std::size_t limited = 0;
  std::size_t unreadable = 0;
  std::size_t altered = 0;
  std::size_t chains = 0; ///< entries with a chain of their own
};

/// One packet through all of `tables`. Altered packets are seen as they came: the filter stands before
/// POSTROUTING and looks at no mark.
void check_packet(const std::vector<Ruleset>& tables, const std::vector<Entry>& entries, const Packet& packet,
                  const CompileOptions& options, Tally& tally) {
  const Decision decision = decide(entries, packet, options.stateful);
  const Evaluation got = evaluate(tables.at(0), "FLOWSPEC", packet);
  CAPTURE(decision.entry == nullptr ? "none" : to_string(decision.entry->match));
  REQUIRE(got.what == expected(decision, options.accept));
  REQUIRE(got.limited == (decision.what == Decision::What::rate_limit));
  REQUIRE(got.unreadable == (decision.what == Decision::What::unreadable));
  const bool gone = got.what == Evaluation::What::drop;
  const Evaluation routed = evaluate(tables.at(1), "PREROUTING", packet);
  const Evaluation left = evaluate(tables.at(1), "POSTROUTING", packet);
  const auto dscp =
      expected_alteration<std::uint8_t>(decision, [](const Actions& actions) { return actions.dscp_mark; });
  const auto mark = expected_alteration<std::uint32_t>(decision, [&](const Actions& actions) {
    return actions.redirect ? std::optional(options.redirects.at(*actions.redirect).value) : std::nullopt;
  });
  REQUIRE((gone || left.dscp_mark == dscp));
  REQUIRE((gone || routed.mark == mark));
  tally.decided += decision.entry != nullptr ? 1 : 0;
  tally.limited += got.limited ? 1 : 0;
  tally.unreadable += got.unreadable ? 1 : 0;
  tally.altered += dscp || mark ? 1U : 0U;
}

bool may_be_left_out(Reason reason) {
  return reason == Reason::never_matches || reason == Reason::not_enforceable ||
         reason == Reason::fragments_reassembled;
}

} // namespace

TEST_CASE("compiled rules decide as the reference matcher does") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed());
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  Tally tally;
  for (int set = 0; set < 400; ++set) {
    const CompileOptions options = random_options(random);
    std::vector<Entry> entries =
        generate::entries(random, family, generate::number(random, 1, 12), {true, true, true});
    const Wanted wanted = arrange(entries, std::array{family}, options);
    for (const Rejected& rejected : wanted.rejected)
      REQUIRE(may_be_left_out(rejected.reason));
    std::vector<Components> never; // left out since no packet matches: then none may
    for (const Entry& entry : entries)
      if (why_never_matches(entry.match))
        never.push_back(entry.match);
    entries = wanted.installed;
    if (entries.empty())
      continue;
    std::vector<Ruleset> tables;
    for (const WantedTable& table : wanted.tables)
      tables.push_back(table_with(table));
    tally.chains += wanted.tables[0].chains.size() - 1;
    for (int index = 0; index < 60; ++index) {
      CAPTURE(set, index);
      const auto chosen = generate::number(random, 0, static_cast<std::uint32_t>(entries.size() - 1));
      Packet packet = test::parse(test::build(generate::plan_near(random, entries[chosen].match)));
      packet.established = generate::chance(random, 25);
      for (const Components& match : never)
        REQUIRE_FALSE(matches(match, packet));
      check_packet(tables, entries, packet, options, tally);
    }
  }
  // The generators must meet the entries, or this shows nothing.
  CHECK(tally.decided > 8000);
  CHECK(tally.limited > 500);
  CHECK(tally.altered > 100);
  CHECK(tally.unreadable > 100);
  CHECK(tally.chains > 50);
}

TEST_CASE("entries that are rejected leave the others as they were") {
  generate::Random random(generate::seed() + 1);
  for (int set = 0; set < 100; ++set) {
    const Family family = set % 2 == 0 ? Family::ipv4 : Family::ipv6;
    const CompileOptions options = random_options(random);
    const std::vector<Entry> entries = generate::entries(random, family, 10, {true, true, true});
    const Wanted all = arrange(entries, std::array{family}, options);
    const Wanted only_installed = arrange(all.installed, std::array{family}, options);
    CHECK(only_installed.tables[0].chains == all.tables[0].chains);
    CHECK(only_installed.tables[1].chains == all.tables[1].chains);
    CHECK(only_installed.rejected.empty());
    CHECK(all.installed.size() + all.rejected.size() == entries.size());
  }
}

TEST_CASE("the order of the rules does not depend on the order of the routes") {
  generate::Random random(generate::seed() + 2);
  for (int set = 0; set < 100; ++set) {
    const std::array families{Family::ipv4};
    std::vector<Entry> entries = generate::entries(random, Family::ipv4, 12);
    const std::vector<Chain> chains = arrange(entries, families, {}).tables[0].chains;
    std::shuffle(entries.begin(), entries.end(), random);
    CHECK(arrange(entries, families, {}).tables[0].chains == chains);
  }
}

TEST_CASE("precedence is a strict total order over matches") {
  generate::Random random(generate::seed() + 3);
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const std::vector<Entry> entries = generate::entries(random, family, 40, {true, false});
    for (const Entry& a : entries)
      for (const Entry& b : entries) {
        const auto order = rfc_precedence(a.match, b.match);
        CHECK((order == 0) == (canonical_nlri(a.match) == canonical_nlri(b.match)));
        CHECK((order < 0) == (rfc_precedence(b.match, a.match) > 0));
        for (const Entry& c : entries)
          if (order < 0 && rfc_precedence(b.match, c.match) < 0 && !(rfc_precedence(a.match, c.match) < 0))
            FAIL("not transitive: " << to_string(a.match) << " / " << to_string(b.match) << " / "
                                    << to_string(c.match));
      }
  }
}

TEST_CASE("precedence by announced bytes is an order, and the one that is sorted by") {
  generate::Random random(generate::seed() + 4);
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    std::vector<Entry> entries = generate::entries(random, family, 40, {.every_component = true});
    for (Entry& entry : entries)
      for (const std::uint8_t type : std::initializer_list<std::uint8_t>{3, 5, 10, 12})
        if (generate::chance(random, 50)) {
          std::vector<std::uint8_t> bytes(generate::number(random, 1, 4));
          for (std::uint8_t& byte : bytes)
            byte = generate::chance(random, 50) ? 0x13 : 0x91;
          entry.announced.add(type, bytes);
        }
    for (const Entry& a : entries)
      for (const Entry& b : entries) {
        const auto order = rfc_precedence(a, b);
        CHECK((order < 0) == (rfc_precedence(b, a) > 0));
        for (const Entry& c : entries)
          if (order <= 0 && rfc_precedence(b, c) < 0 && !(rfc_precedence(a, c) < 0))
            FAIL("not transitive: " << to_string(a.match) << " / " << to_string(b.match) << " / "
                                    << to_string(c.match));
      }
    sort_by_precedence(entries);
    for (std::size_t later = 0; later < entries.size(); ++later)
      for (std::size_t earlier = 0; earlier < later; ++earlier)
        CHECK_FALSE(comes_before(entries[later], entries[earlier]));
  }
}
