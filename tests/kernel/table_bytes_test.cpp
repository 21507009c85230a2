// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/rule_text.hpp"
#include "common/table_bytes.hpp"

#include <catch2/catch.hpp>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include <cstring>

using namespace flowspec;

namespace {

/// Of an entry with a standard target, and of one with the target ERROR.
constexpr std::size_t standard_size = sizeof(ipt_entry) + sizeof(xt_standard_target);
constexpr std::size_t error_size = sizeof(ipt_entry) + sizeof(xt_error_target);

/// A table as the kernel would give it, entry by entry.
struct Table {
  std::vector<std::byte> bytes;
  unsigned hooks = 0;
  std::array<std::uint32_t, 5> first{};

  std::uint32_t size() const { return static_cast<std::uint32_t>(bytes.size()); }
  void hook(unsigned number) {
    hooks |= 1U << number;
    first[number] = size();
  }
  template <class Target>
  void add(Target target, const char* name, std::uint64_t packets) {
    ipt_entry entry{};
    entry.target_offset = sizeof entry;
    entry.next_offset = sizeof entry + sizeof target;
    entry.counters = {packets, 100 * packets};
    target.target.u.user.target_size = sizeof target;
    std::strcpy(target.target.u.user.name, name);
    append(&entry, sizeof entry);
    append(&target, sizeof target);
  }
  void append(const void* from, std::size_t count) {
    const auto* begin = static_cast<const std::byte*>(from);
    bytes.insert(bytes.end(), begin, begin + count);
  }
  void standard(int verdict, std::uint64_t packets = 0) {
    xt_standard_target target{};
    target.verdict = verdict;
    add(target, XT_STANDARD_TARGET, packets);
  }
  void error(const char* name) {
    xt_error_target target{};
    std::strcpy(target.errorname, name);
    add(target, XT_ERROR_TARGET, 0);
  }
  TableBytes view() const { return {Family::ipv4, "filter", hooks, first, bytes}; }
};

constexpr int accepts = -NF_ACCEPT - 1;
constexpr int drops = -NF_DROP - 1;

/// FORWARD with a rule for each kind of standard target, and a user's chain.
Table small_table() {
  Table table;
  table.hook(NF_INET_LOCAL_IN);
  table.standard(accepts);
  table.hook(NF_INET_FORWARD);
  for (const int verdict : {accepts, drops, XT_RETURN, -NF_QUEUE - 1, -77})
    table.standard(verdict, 1 + static_cast<std::uint64_t>(-verdict));
  table.standard(static_cast<int>(table.size() + standard_size)); // no target
  constexpr std::size_t to_chain = 2 * standard_size + error_size;
  table.standard(static_cast<int>(table.size() + to_chain));
  table.standard(drops); // the policy
  table.error("users");
  table.standard(drops, 9);
  table.standard(XT_RETURN);
  table.error("ERROR");
  return table;
}

} // namespace

TEST_CASE("a table's bytes are its chains and rules") {
  const Table table = small_table();
  const Ruleset rules = rules_of(table.view());
  REQUIRE(rules.chains.size() == 3);
  CHECK(rules.chains[0] == Chain{"INPUT", Verdict::accept, {}});
  CHECK(rules.chains[1].name == "FORWARD");
  CHECK(rules.chains[1].policy == Verdict::drop);
  const RuleList& forward = rules.chains[1].rules;
  REQUIRE(forward.size() == 7);
  CHECK(forward[0].target == Target(Verdict::accept));
  CHECK(forward[1].target == Target(Verdict::drop));
  CHECK(forward[2].target == Target(Verdict::return_));
  CHECK_FALSE(forward[3].unreadable.empty());
  CHECK(to_string(forward[4], Family::ipv4) == "-j [verdict -77 rev 0, 8 bytes]");
  CHECK(forward[5].target == Target(NoTarget{}));
  CHECK(forward[6].target == Target(Jump{"users", false}));
  CHECK(rules.chains[2].name == "users");
  CHECK_FALSE(rules.chains[2].policy);
  CHECK(rules.chains[2].rules.size() == 1);

  const std::vector<ChainCounters> counters = counters_of(table.view());
  REQUIRE(counters.size() == 3);
  CHECK(counters[0] == ChainCounters{"INPUT", {}});
  CHECK(counters[1].rules.at(1) == Counters{2, 200});
  CHECK(counters[2] == ChainCounters{"users", {{9, 900}}});
}

TEST_CASE("a user's chains are in the order of their names, whatever the kernel's") {
  Table table;
  for (const char* name : {"b", "B", "a"}) {
    table.error(name);
    table.standard(XT_RETURN);
  }
  table.hook(NF_INET_LOCAL_OUT);
  table.standard(accepts);
  table.error("ERROR");
  std::vector<std::string> names;
  for (const Chain& chain : rules_of(table.view()).chains)
    names.push_back(chain.name);
  CHECK(names == std::vector<std::string>{"OUTPUT", "B", "a", "b"});
}

TEST_CASE("bytes that are no table are an error that says where") {
  Table table = small_table();
  SECTION("none") {
    table.bytes.clear();
    CHECK_THROWS_WITH(rules_of(table.view()),
                      "read iptables table filter: what the kernel gave is no table: no end at byte 0 of 0");
  }
  SECTION("a rule before the first chain") {
    table.hooks &= ~(1U << NF_INET_LOCAL_IN);
    CHECK_THROWS_WITH(rules_of(table.view()), Catch::Contains("a rule of no chain at byte 0 of"));
  }
  SECTION("a chain without an end") {
    Table bare;
    bare.error("one");
    bare.error("two");
    bare.standard(XT_RETURN);
    bare.error("ERROR");
    CHECK_THROWS_WITH(rules_of(bare.view()), Catch::Contains("a chain without an end"));
  }
  SECTION("a jump to where no chain is") {
    Table wrong;
    wrong.error("one");
    wrong.standard(0);
    wrong.standard(XT_RETURN);
    wrong.error("ERROR");
    CHECK_THROWS_WITH(rules_of(wrong.view()), Catch::Contains("a jump to no chain"));
  }
}

TEST_CASE("cut off anywhere, or with any byte another, a table is read or refused") {
  const Table table = small_table();
  std::size_t refused = 0;
  const auto read = [&](const Table& damaged) {
    try {
      const Ruleset rules = rules_of(damaged.view());
      CHECK(counters_of(damaged.view()).size() == rules.chains.size());
    } catch (const Error&) {
      ++refused;
    }
  };
  for (std::size_t length = 0; length < table.bytes.size(); ++length) {
    Table cut = table;
    cut.bytes.resize(length);
    read(cut);
  }
  CHECK(refused > table.bytes.size() / 2);
  refused = 0;
  for (std::size_t at = 0; at < table.bytes.size(); ++at)
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      Table other = table;
      other.bytes[at] = static_cast<std::byte>(value);
      read(other);
    }
  CHECK(refused > 0);
}
