// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/kernel_facts.hpp"
#include "common/nft_rules.hpp"
#include "common/process.hpp"
#include "tests/support/namespace.hpp"

#include <catch2/catch.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace flowspec;

namespace {

void must(const std::vector<std::string>& argv) {
  const Finished finished = run(argv);
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
}

} // namespace

TEST_CASE("rules of nf_tables are seen, by family") {
  const test::NetworkNamespace network;
  CHECK_FALSE(nf_tables_hold_rules(Family::ipv4));
  CHECK_FALSE(nf_tables_hold_rules(Family::ipv6));
  bool ipv4 = true;
  bool ipv6 = true;
  SECTION("of iptables-nft") {
    must({"iptables-nft", "-A", "FORWARD", "-j", "ACCEPT"});
    ipv6 = false;
  }
  SECTION("of ip6tables-nft") {
    must({"ip6tables-nft", "-t", "mangle", "-A", "FORWARD", "-j", "MARK", "--set-mark", "1"});
    ipv4 = false;
  }
  SECTION("of a chain that no hook calls") {
    must({"nft", "add table ip6 mine; add chain ip6 mine c; add rule ip6 mine c accept"});
    ipv4 = false;
  }
  SECTION("of inet, for both") {
    must({"nft", "add table inet mine; add chain inet mine c; add rule inet mine c accept"});
  }
  SECTION("a policy that drops is one too") {
    must({"iptables-nft", "-P", "FORWARD", "DROP"});
    ipv6 = false;
  }
  SECTION("tables and chains without rules are none, nor are those of bridges") {
    must({"iptables-nft", "-P", "FORWARD", "ACCEPT"});
    must({"nft", "add table inet mine; add chain inet mine c"});
    must({"nft", "add table bridge mine; add chain bridge mine c; add rule bridge mine c accept"});
    ipv4 = ipv6 = false;
  }
  SECTION("more than one message holds") {
    std::string rules = "add table ip mine; add chain ip mine c;";
    for (int i = 0; i < 2000; ++i)
      rules += " add rule ip mine c counter accept;";
    must({"nft", rules});
    ipv6 = false;
  }
  CHECK(nf_tables_hold_rules(Family::ipv4) == ipv4);
  CHECK(nf_tables_hold_rules(Family::ipv6) == ipv6);
  CHECK_FALSE(table_in_use(Family::ipv4, "filter")); // to look is not to make
}

TEST_CASE("who may not look at nf_tables is told so") {
  const test::NetworkNamespace network;
  constexpr unsigned nobody = 65534;
  REQUIRE(syscall(SYS_setresuid, -1, nobody, -1) == 0); // of this thread only
  CHECK_THROWS_WITH(nf_tables_hold_rules(Family::ipv4),
                    "ask the kernel for the rules of nf_tables: Operation not permitted");
  REQUIRE(syscall(SYS_setresuid, -1, 0, -1) == 0);
}
