// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/iptc.hpp"
#include "common/table_snapshot.hpp"
#include "tests/support/generate.hpp"
#include "tests/support/legacy.hpp"
#include "tests/support/namespace.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <utility>
#include <variant>

using namespace flowspec;

namespace {

constexpr const char* words_of_all_kinds = R"(*filter
:INPUT DROP [5:500]
:FORWARD ACCEPT [6:600]
:OUTPUT ACCEPT [7:700]
:zone - [0:0]
:DNAT - [0:0]
:TCPMSS - [0:0]
:empty - [0:0]
-A FORWARD -j DNAT
-A FORWARD -g zone
-A FORWARD -p tcp
-A FORWARD -j REJECT
-A FORWARD -j QUEUE
-A FORWARD -m comment --comment "some words" -j RETURN
-A FORWARD -m limit --limit 3/min -j ACCEPT
-A zone -j empty
-A zone -j DROP
-A DNAT -j TCPMSS
-A TCPMSS -p udp -m udp --dport 53 -j ACCEPT
COMMIT
)";

} // namespace

TEST_CASE("a snapshot reads what libiptc reads") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const test::NetworkNamespace network;
  SECTION("an empty table") {}
  SECTION("chains that are called like extensions, and targets of all kinds") {
    test::restore(family, words_of_all_kinds);
  }
  for (const char* table : {"filter", "mangle", "nat", "raw", "security"}) {
    INFO(table);
    const Ruleset read = TableSnapshot(family, table).read();
    CHECK(read.chains.size() >= 2);
    CHECK(read == KernelTable(family, table).read());
  }
}

TEST_CASE("a snapshot reads what libiptc reads, whatever the rules") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const test::NetworkNamespace network;
  generate::Random random(generate::seed());
  for (int round = 0; round < 30; ++round) {
    const std::vector<std::string> names{"A", "FLOWSPEC", "REJECT", "z"};
    std::vector<Edit> edits;
    for (const std::string& name : names)
      edits.emplace_back(CreateChain{fmt::format("{}-{}", name, round)});
    for (std::size_t left = generate::number(random, 0, 60); left > 0; --left) {
      Rule rule = generate::rule(random, family);
      if (std::holds_alternative<Jump>(rule.target)) // out of these three: no circle
        rule.target = Jump{fmt::format("z-{}", round), generate::chance(random, 50)};
      if (std::holds_alternative<DscpTarget>(rule.target)) // is for table mangle
        rule.target = Verdict::drop;
      const std::string& chain = names[generate::number(random, 0, 2)];
      edits.emplace_back(InsertRule{fmt::format("{}-{}", chain, round), 0, std::move(rule)});
    }
    KernelTable(family, "filter").commit(edits);
    REQUIRE(TableSnapshot(family, "filter").read() == KernelTable(family, "filter").read());
  }
}
