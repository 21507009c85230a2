// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/chain_edits.hpp"
#include "common/iptc.hpp"
#include "common/rule_text.hpp"
#include "common/table_snapshot.hpp"
#include "tests/support/generate.hpp"
#include "tests/support/legacy.hpp"
#include "tests/support/namespace.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

using namespace flowspec;

namespace {

Rule to(Target target) {
  Rule rule;
  rule.target = std::move(target);
  return rule;
}

Rule from(const std::string& source) {
  Rule rule = to(Verdict::drop);
  rule.source = parse_prefix(source);
  return rule;
}

void commit(Family family, const std::vector<Edit>& edits) {
  KernelTable(family, "filter").commit(edits);
}

Ruleset read(Family family) {
  return KernelTable(family, "filter").read();
}

/// The kernel keeps chains by name, `apply` in the order of their making.
Ruleset by_name(Ruleset ruleset) {
  std::ranges::sort(ruleset.chains, {}, &Chain::name);
  return ruleset;
}

Edit random_edit(generate::Random& random, const Ruleset& now) {
  const std::vector<std::string> names{"FORWARD", "ONE", "TWO", "THREE"};
  const std::string& name = names[generate::number(random, 0, 3)];
  const Chain* chain = now.find(name);
  if (!chain)
    return CreateChain{name};
  const auto size = static_cast<std::uint32_t>(chain->rules.size());
  if (size == 0 && !chain->policy && generate::chance(random, 20))
    return DeleteChain{name};
  if (size > 0 && generate::chance(random, 45)) {
    const std::size_t index = generate::number(random, 0, size - 1);
    return DeleteRule{name, index, chain->rules[index]};
  }
  return InsertRule{name, generate::number(random, 0, size),
                    from(fmt::format("10.0.0.{}/32", random() % 256))};
}

/// Runs `body` as nobody, in a child; its text comes back.
template <class Body>
std::string as_nobody(const Body& body) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    const std::string text = setuid(65534) == 0 ? body() : "setuid failed";
    const ssize_t put = write(ends[1], text.data(), text.size());
    _exit(put == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t got = ::read(ends[0], text.data(), text.size());
  close(ends[0]);
  waitpid(pid, nullptr, 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

} // namespace

TEST_CASE("a chain, its rules and the jump to it come in one commit") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const test::NetworkNamespace network;
  const std::vector<Edit> edits{CreateChain{"FLOWSPEC"}, CreateChain{"FLOWSPEC-1"},
                                InsertRule{"FLOWSPEC", 0, to(Jump{"FLOWSPEC-1", true})},
                                InsertRule{"FORWARD", 0, to(Jump{"FLOWSPEC"})}};
  const Ruleset before = read(family);
  REQUIRE(before.chains.size() == 3);
  CHECK(before.chains[1] == Chain{"FORWARD", Verdict::accept, {}});
  commit(family, edits);
  CHECK(by_name(read(family)) == by_name(apply(edits, before)));
}

TEST_CASE("the kernel and apply() make the same of any edits") {
  const test::NetworkNamespace network;
  generate::Random random(generate::seed());
  for (int round = 0; round < 100; ++round) {
    Ruleset expected = read(Family::ipv4);
    std::vector<Edit> edits;
    for (std::uint32_t left = generate::number(random, 1, 40); left > 0; --left) {
      edits.push_back(random_edit(random, expected));
      expected = apply({edits.back()}, std::move(expected));
    }
    commit(Family::ipv4, edits);
    REQUIRE(by_name(read(Family::ipv4)) == by_name(expected));
  }
}

TEST_CASE("rules that stay keep their counters") {
  const test::NetworkNamespace network;
  test::restore(
      Family::ipv4,
      "*filter\n:INPUT ACCEPT [5:500]\n:FORWARD DROP [6:600]\n:OUTPUT ACCEPT [7:700]\n:FLOWSPEC - [0:0]\n"
      "[1:100] -A FLOWSPEC -s 10.0.0.1\n[2:200] -A FLOWSPEC -s 10.0.0.2\n[3:300] -A FLOWSPEC -s 10.0.0.3\n"
      "COMMIT\n",
      {"-c"});
  commit(Family::ipv4, {DeleteRule{"FLOWSPEC", 1, {}}, InsertRule{"FLOWSPEC", 0, from("10.0.0.9/32")},
                        InsertRule{"FLOWSPEC", 2, from("10.0.0.8/32")}});
  CHECK(test::saved(Family::ipv4, "filter") ==
        std::vector<std::string>{
            "*filter", ":INPUT ACCEPT [5:500]", ":FORWARD DROP [6:600]", ":OUTPUT ACCEPT [7:700]",
            ":FLOWSPEC - [0:0]", "[0:0] -A FLOWSPEC -s 10.0.0.9/32 -j DROP",
            "[1:100] -A FLOWSPEC -s 10.0.0.1/32", "[0:0] -A FLOWSPEC -s 10.0.0.8/32 -j DROP",
            "[3:300] -A FLOWSPEC -s 10.0.0.3/32", "COMMIT"});
}

TEST_CASE("the counters of every rule, in the order of read()") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const test::NetworkNamespace network;
  test::restore(
      family,
      "*filter\n:INPUT ACCEPT [5:500]\n:FORWARD DROP [6:600]\n:OUTPUT ACCEPT [7:700]\n:ONE - [0:0]\n"
      ":TWO - [0:0]\n[1:100] -A FORWARD -p udp -j ONE\n[2:200] -A FORWARD -j REJECT\n"
      "[18446744073709551615:4294967296] -A TWO -p tcp\n[0:0] -A TWO -j RETURN\nCOMMIT\n",
      {"-c"});
  const TableSnapshot snapshot(family, "filter");
  CHECK(snapshot.counters() == std::vector<ChainCounters>{{"INPUT", {}},
                                                          {"FORWARD", {{1, 100}, {2, 200}}},
                                                          {"OUTPUT", {}},
                                                          {"ONE", {}},
                                                          {"TWO", {{UINT64_MAX, 1ULL << 32}, {0, 0}}}});
  const std::vector<ChainCounters> counters = snapshot.counters();
  const Ruleset ruleset = snapshot.read();
  REQUIRE(ruleset.chains.size() == counters.size());
  for (std::size_t i = 0; i < counters.size(); ++i) {
    CHECK(ruleset.chains[i].name == counters[i].chain);
    CHECK(ruleset.chains[i].rules.size() == counters[i].rules.size());
  }
  commit(family, {InsertRule{"FORWARD", 1, to(NoTarget{})}});
  CHECK(TableSnapshot(family, "filter").counters().at(1).rules ==
        std::vector<Counters>{{1, 100}, {0, 0}, {2, 200}});
}

TEST_CASE("a table that somebody changed since it was read is not written") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const test::NetworkNamespace network;
  test::iptables(family, {"-A", "FORWARD", "-p", "udp", "-j", "DROP"});
  KernelTable table(family, "filter");
  SECTION("by one rule more") {
    test::iptables(family, {"-A", "FORWARD", "-p", "tcp", "-j", "DROP"});
  }
  SECTION("by another rule in place of one") {
    test::iptables(family, {"-R", "FORWARD", "1", "-p", "tcp", "-j", "DROP"});
  }
  SECTION("by its policy") {
    test::iptables(family, {"-P", "FORWARD", "DROP"});
  }
  const std::vector<std::string> theirs = test::saved(family);
  table.commit({}); // without edits there is no commit, and nothing to refuse
  CHECK_THROWS_AS(table.commit({CreateChain{"FLOWSPEC"}}), TableChanged);
  CHECK(test::saved(family) == theirs);
}

TEST_CASE("a chain of 20,000 rules") {
  const test::NetworkNamespace network;
  constexpr std::size_t count = 20'000;
  std::vector<Edit> edits{CreateChain{"FLOWSPEC"}};
  for (std::size_t i = 0; i < count; ++i)
    edits.emplace_back(InsertRule{"FLOWSPEC", i, from(fmt::format("10.1.{}.{}/32", i / 256, i % 256))});
  commit(Family::ipv4, edits);
  CHECK(read(Family::ipv4).find("FLOWSPEC")->rules.size() == count);

  edits.clear();
  for (std::size_t i = count; i-- > 0;)
    edits.emplace_back(DeleteRule{"FLOWSPEC", i, {}});
  edits.emplace_back(DeleteChain{"FLOWSPEC"});
  commit(Family::ipv4, edits);
  CHECK_FALSE(read(Family::ipv4).find("FLOWSPEC"));
}

TEST_CASE("many edits within a long chain: what stays keeps its counters") {
  const test::NetworkNamespace network;
  constexpr std::size_t count = 12'000;
  const auto address = [](std::size_t i) { return fmt::format("10.1.{}.{}/32", i / 256, i % 256); };
  std::string text = "*filter\n:FLOWSPEC - [0:0]\n:OTHER - [0:0]\n";
  for (std::size_t i = 0; i < count; ++i) // verdicts, jumps, rules without a target, an extension
    text += fmt::format("[{}:{}] -A FLOWSPEC -s {}{}\n", i, 100 * i, address(i),
                        std::array{" -j DROP", " -j OTHER", "", " -j REJECT"}[i % 4]);
  test::restore(Family::ipv4, text + "COMMIT\n", {"-c"});
  const Ruleset before = read(Family::ipv4);
  std::vector<Edit> edits;
  for (std::size_t i = count; i >= 6; i -= 4) // of each kind some
    edits.emplace_back(DeleteRule{"FLOWSPEC", i - 1 - i % 3, {}});
  const std::size_t left = count - edits.size();
  for (std::size_t i = 5; i < left; i += 7)
    edits.emplace_back(InsertRule{"FLOWSPEC", i, from(fmt::format("10.9.{}.{}/32", i / 256, i % 256))});
  const ChainEdits of_chain = edits_by_chain(edits).at("FLOWSPEC");
  REQUIRE(of_chain.in_order);
  REQUIRE(of_chain.steps(count) > 10'000'000); // or this tests something else
  commit(Family::ipv4, edits);
  const Ruleset after = read(Family::ipv4);
  RuleList expected;
  for (const Filling& rule : filling(count, of_chain))
    if (const auto* insertion = std::get_if<const InsertRule*>(&rule))
      expected.push_back_bytes((*insertion)->rule.bytes());
    else
      expected.push_back_bytes(before.find("FLOWSPEC")->rules.bytes(std::get<std::size_t>(rule)));
  CHECK(after.find("FLOWSPEC")->rules == expected);
  const Chain& chain = *after.find("FLOWSPEC");
  const auto at = static_cast<std::size_t>(&chain - after.chains.data());
  const std::vector<Counters> counters = TableSnapshot(Family::ipv4, "filter").counters().at(at).rules;
  for (std::size_t i = 0; i < chain.rules.size(); ++i) {
    const auto bytes = chain.rules[i].source->address.bytes;
    const std::uint64_t number = bytes[1] == 9 ? 0 : bytes[2] * 256U + bytes[3];
    REQUIRE(counters[i] == Counters{number, 100 * number});
  }
}

TEST_CASE("an edit that does not fit is an error that names it, and changes nothing") {
  const test::NetworkNamespace network;
  test::restore(Family::ipv4,
                "*filter\n:used - [0:0]\n:full - [0:0]\n-A FORWARD -j used\n-A full -s 10.0.0.1\nCOMMIT\n");
  const std::vector<std::string> before = test::saved(Family::ipv4);
  const auto fails = [&](const std::vector<Edit>& edits, const std::string& message) {
    CHECK_THROWS_WITH(commit(Family::ipv4, edits), Catch::Equals(message));
    CHECK(test::saved(Family::ipv4) == before);
  };
  const Rule tcp_reset = to(RejectTarget{"tcp-reset"});
  fails({CreateChain{std::string(29, 'x')}},
        "create chain xxxxxxxxxxxxxxxxxxxxxxxxxxxxx in iptables table filter: a name has 1 to 28 bytes");
  fails({CreateChain{"used"}},
        "create chain used in iptables table filter: there is one already, or a verdict of that name");
  fails({CreateChain{"ACCEPT"}},
        "create chain ACCEPT in iptables table filter: there is one already, or a verdict of that name");
  fails({DeleteChain{"full"}}, "delete chain full of iptables table filter: it has rules");
  fails({DeleteChain{"used"}}, "delete chain used of iptables table filter: a rule jumps to it");
  fails({DeleteChain{"FORWARD"}}, "delete chain FORWARD of iptables table filter: it is built in");
  fails({InsertRule{"none", 0, {}}}, "insert rule 1 of chain none in iptables table filter: no such chain");
  fails({InsertRule{"full", 2, {}}},
        "insert rule 3 of chain full in iptables table filter: the chain has 1 rules");
  fails({DeleteRule{"full", 1, {}}}, "delete rule 2 of chain full in iptables table filter: no such rule");
  fails({InsertRule{"full", 0, to(Jump{"none"})}},
        "insert rule 1 of chain full in iptables table filter: it jumps to none, which is no chain of the "
        "user's");
  fails({InsertRule{"full", 0, to(Jump{"FORWARD"})}},
        "insert rule 1 of chain full in iptables table filter: it jumps to FORWARD, which is no chain of the "
        "user's");
  Rule unreadable;
  unreadable.unreadable = "flags 0x80";
  fails({InsertRule{"full", 0, unreadable}},
        "insert rule 1 of chain full in iptables table filter: a rule that could not be read completely");
  fails({InsertRule{"used", 0, to(Jump{"used"})}},
        "commit iptables table filter: its chains would jump in a circle");
  fails({InsertRule{"full", 0, tcp_reset}}, "commit iptables table filter: the kernel refused one of the new "
                                            "rules: Invalid argument (its log may say "
                                            "which: dmesg)");
  const std::string longest(28, 'x');
  commit(Family::ipv4, {CreateChain{longest}, InsertRule{"FORWARD", 0, to(Jump{longest})}});
  CHECK(read(Family::ipv4).find(longest));
}

TEST_CASE("a table that cannot be read says what it would need") {
  const test::NetworkNamespace network;
  const auto what_is_said = [](auto attempt) -> std::string {
    try {
      attempt();
      return "it could";
    } catch (const Error& error) {
      return error.what();
    }
  };
  const bool looks = GENERATE(false, true);
  const auto read_it = [looks](Family family, const std::string& table) {
    looks ? TableSnapshot(family, table).read() : KernelTable(family, table).read();
  };
  CHECK(what_is_said([&] { read_it(Family::ipv6, "nonesuch"); }) ==
        "read ip6tables table nonesuch: there is no such table in this kernel (modprobe ip6table_nonesuch)");
  CHECK_THROWS_AS(read_it(Family::ipv4, std::string(40, 'x')), Error);
  CHECK(as_nobody([&] { return what_is_said([&] { read_it(Family::ipv4, "filter"); }); }) ==
        "read iptables table filter: it needs root, or CAP_NET_ADMIN and CAP_NET_RAW");
}
