// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the compiled rules decide is what the reference matcher decides, for random entries and packets.
#include "common/decide.hpp"
#include "common/precedence.hpp"
#include "injector/ownership.hpp"
#include "injector/wanted.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flowspec;

namespace {

/// What the rules should do with a packet that the entries decide so.
Evaluation::What expected(const Decision& decision, Verdict accept) {
  switch (decision.what) {
  case Decision::What::no_entry:
    return Evaluation::What::returned;
  case Decision::What::discard:
    return Evaluation::What::drop;
  case Decision::What::accept:
  case Decision::What::rate_limit:
  case Decision::What::established:
    break;
  }
  return accept == Verdict::accept ? Evaluation::What::accept : Evaluation::What::returned;
}

Ruleset table_with(const std::vector<Chain>& chains) {
  const Ruleset empty{Family::ipv4, "filter", {{"FORWARD", Verdict::drop, {}}}};
  return with_ours(empty, chains, {});
}

} // namespace

TEST_CASE("compiled rules decide as the reference matcher does") {
  generate::Random random(generate::seed());
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  std::size_t decided = 0;
  std::size_t limited = 0;
  for (int set = 0; set < 400; ++set) {
    const CompileOptions options{
        "FLOWSPEC", generate::chance(random, 70) ? Verdict::accept : Verdict::return_,
        generate::chance(random, 60) ? Stateful::default_drop
                                     : (generate::chance(random, 50) ? Stateful::never : Stateful::always)};
    const std::vector<Entry> entries =
        generate::entries(random, Family::ipv4, generate::number(random, 1, 12));
    const Wanted wanted = arrange(entries, options);
    for (const Rejected& rejected : wanted.rejected)
      REQUIRE(rejected.reason == Reason::never_matches);
    const Ruleset table = table_with(wanted.chains);
    for (int index = 0; index < 60; ++index) {
      const Packet packet = generate::packet_near(
          random, entries[generate::number(random, 0, static_cast<std::uint32_t>(entries.size() - 1))].match);
      // An entry that was left out as matching nothing must not matter: the reference gets them all.
      const Decision decision = decide(entries, packet, options.stateful);
      const Evaluation got = evaluate(table, "FLOWSPEC", packet);
      CAPTURE(set, index, decision.entry == nullptr ? "none" : to_string(decision.entry->match));
      REQUIRE(got.what == expected(decision, options.accept));
      REQUIRE(got.limited == (decision.what == Decision::What::rate_limit));
      decided += decision.entry != nullptr ? 1 : 0;
      limited += got.limited ? 1 : 0;
    }
  }
  // The generators must meet the entries, or this shows nothing.
  CHECK(decided > 8000);
  CHECK(limited > 500);
}

TEST_CASE("entries that are rejected leave the others as they were") {
  generate::Random random(generate::seed() + 1);
  for (int set = 0; set < 100; ++set) {
    const std::vector<Entry> entries = generate::entries(random, Family::ipv4, 10, {true, true});
    const Wanted all = arrange(entries, {});
    const Wanted only_installed = arrange(all.installed, {});
    CHECK(only_installed.chains == all.chains);
    CHECK(only_installed.rejected.empty());
    CHECK(all.installed.size() + all.rejected.size() == entries.size());
  }
}

TEST_CASE("the order of the rules does not depend on the order of the routes") {
  generate::Random random(generate::seed() + 2);
  for (int set = 0; set < 100; ++set) {
    std::vector<Entry> entries = generate::entries(random, Family::ipv4, 12);
    const std::vector<Chain> chains = arrange(entries, {}).chains;
    std::shuffle(entries.begin(), entries.end(), random);
    CHECK(arrange(entries, {}).chains == chains);
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
