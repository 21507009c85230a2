// SPDX-License-Identifier: GPL-2.0-or-later
//
// Actions, chains, tables and sizes; for the single components see conditions_test.cpp.
#include "injector/rate_limit.hpp"
#include "injector/satisfiable.hpp"
#include "injector/wanted.hpp"
#include "tests/unit/compiled.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>

using namespace flowspec;
using namespace flowspec::test;

TEST_CASE("a mark on a packet that is discarded is nothing") {
  Entry entry = with(ipv4("10.0.0.0/8"));
  entry.actions.dscp_mark = 46;
  entry.actions.redirect = "65000:1";
  CHECK(compiled(entry) == "-d 10.0.0.0/8 # -j DROP\n");
  CHECK_FALSE(alteration(entry, Alteration::dscp, {}));
  CHECK_FALSE(alteration(entry, Alteration::mark, {}));
}

TEST_CASE("rates: a limit, then accept; several conditions share one bucket in a chain of their own") {
  const Entry one = with(ipv4("10.0.0.0/8"), 125000);
  const std::string limit =
      "-m hashlimit --hashlimit-above 124976b/s --hashlimit-name FLOWSPEC-" + id(one) +
      "-125000 --hashlimit-htable-size 1 --hashlimit-htable-max 1 --hashlimit-htable-expire 10000";
  CHECK(compiled(one) == "-d 10.0.0.0/8 " + limit + " # -j DROP\n-d 10.0.0.0/8 # -j ACCEPT\n");

  Components match = ipv4();
  match.destination_port = ports({{80, 80}});
  const Entry two = with(match, 125000);
  const std::string chain = "FLOWSPEC-" + id(two);
  const std::string shared =
      "-m hashlimit --hashlimit-above 124976b/s --hashlimit-name " + chain +
      "-125000 --hashlimit-htable-size 1 --hashlimit-htable-max 1 --hashlimit-htable-expire 10000";
  CHECK(compiled(two) == "-p tcp -m tcp --dport 80 # -g " + chain + "\n-p udp -m udp --dport 80 # -g " +
                             chain + "\n[" + chain + "] " + shared + " # -j DROP\n[" + chain +
                             "] # -j ACCEPT\n");
}

TEST_CASE(
    "a rate limit holds what was asked for within 5 percent up to 3 GB/s, and says what it holds beyond") {
  for (double rate = 1600; rate < 3e9; rate *= 1.37) {
    const auto limit = rate_limit(rate, Family::ipv4, "b");
    REQUIRE(limit);
    CAPTURE(rate, limit->held);
    CHECK(std::abs(limit->held - rate) <= 0.05 * rate);
    CHECK_FALSE(limit->single_packets);
  }
  CHECK(rate_limit(12.5e9, Family::ipv4, "b")->held == Approx(16 * 4294967296.0 / 6));
  CHECK(rate_limit(1, Family::ipv4, "b")->single_packets);
  // One step of 16 bytes would be saved as 0b/s, which iptables-restore refuses.
  CHECK(rate_limit(1e-30, Family::ipv4, "b")->match.average == 0x7fffffffU);
  CHECK_FALSE(rate_limit(1e12, Family::ipv4, "b"));
  CHECK_FALSE(rate_limit(35e9, Family::ipv4, "b"));
  for (double rate = 3e9; rate < 34.3e9; rate *= 1.01)
    CHECK(rate_limit(rate, Family::ipv4, "b")->match.average >= 2); // the kernel refuses 1
  CHECK_FALSE(rate_limit(HUGE_VAL, Family::ipv4, "b"));

  const auto remark_on = [](double rate) {
    const auto result = compile(with(ipv4("10.0.0.0/8"), rate), {});
    const auto& remarks = std::get<Compiled>(result).remarks;
    return remarks.empty() ? std::string("none") : remarks[0].detail;
  };
  CHECK(remark_on(125000) == "none");
  CHECK(remark_on(12.5e9) == "the kernel holds 11453246123 B/s instead of 12500000000 B/s");
  CHECK(remark_on(100).find("one packet of any size passes every second") != std::string::npos);
  CHECK(compiled(with(ipv4("10.0.0.0/8"), HUGE_VAL)) == "-d 10.0.0.0/8 # -j ACCEPT\n");
}

TEST_CASE("a burst is one that iptables reads back as it writes it") {
  const auto burst = [](double rate, std::uint32_t asked) {
    return rate_limit(rate, Family::ipv4, "b", asked)->burst;
  };
  CHECK(burst(125000, 1) == 1);
  CHECK(burst(125000, 2) == 1); // written as 122k, less than the rate
  CHECK(burst(125000, 3) == 3);
  CHECK(burst(125000, 16) == 10); // written as 1m, which is read as nine refills
  CHECK(burst(1.25e9, 4) == 4);
  CHECK(burst(1.25e9, 10) == 4); // 32 bits of bytes
  const auto compiled_burst = compile(with(ipv4("10.0.0.0/8"), 125000), {.burst = 2});
  CHECK(std::get<Compiled>(compiled_burst).remarks.at(0).detail ==
        "a burst of 1 s instead of 2 s, which iptables could not read back");
}

TEST_CASE("the default policy: tracked connections pass before its drop, and only there") {
  Components policy = ipv4("0.0.0.0/0");
  policy.source = policy.destination;
  const std::string tracked =
      "-m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment \"flowspec established\" -j ";
  CHECK(compiled(with(policy)) == tracked + "ACCEPT\n# -j DROP\n");
  CHECK(compiled(with(policy), {.stateful = Stateful::never}) == "# -j DROP\n");
  CHECK(compiled(with(policy, std::nullopt)) == "# -j ACCEPT\n");
  CHECK(compiled(with(ipv4("0.0.0.0/0"))) == "# -j DROP\n"); // a route like others
  CHECK(compiled(with(policy), {.accept = Verdict::return_}) == tracked + "RETURN\n# -j DROP\n");

  const auto first_rule = [&](const CompileOptions& options) {
    return to_string(arrange({with(policy), with(ipv4("10.0.0.0/8"))}, std::array{Family::ipv4}, options)
                         .tables[0]
                         .chains[0]
                         .rules[0],
                     Family::ipv4);
  };
  CHECK(first_rule({.stateful = Stateful::always}) == tracked + "ACCEPT");
  CHECK(first_rule({}).find("-d 10.0.0.0/8") == 0);
}

TEST_CASE("a rule's comment carries the identifier, and the number when it counts") {
  Entry entry = with(ipv4("10.0.0.0/8"));
  CHECK(comment_of(entry) == "flowspec f2b511ad0b30afbe");
  entry.sequence = 7;
  CHECK(comment_of(entry) == "flowspec f2b511ad0b30afbe seq 7");
  entry.match.source = entry.match.destination = parse_prefix("0.0.0.0/0");
  CHECK(comment_of(entry) == "flowspec " + id(entry));
}

TEST_CASE("rates and fragments of IPv6 in one chain, with one bucket") {
  Entry entry;
  entry.match.family = Family::ipv6;
  entry.match.fragment = BitTests{{{false, false, true, fragment_bit::is_fragment}}};
  entry.actions.rate = 125000;
  const std::string name = "FLOWSPEC-" + id(entry);
  const std::string text = compiled(entry);
  CHECK(text.find("# -j " + name + "m\n") == 0);
  CHECK(text.find("[" + name + "m] -m hashlimit") != std::string::npos);
  CHECK(text.rfind("[" + name + "m] # -j ACCEPT\n") != std::string::npos);
}

TEST_CASE("actions that are not verdicts") {
  const auto action = [](auto member, auto value) {
    Entry entry = with(ipv4("10.0.0.0/8"), std::nullopt);
    entry.actions.*member = value;
    CompileOptions options;
    options.nflog_group = 5;
    options.redirects["65000:1"] = {0x10, 0xff};
    return compiled(entry, options);
  };
  CHECK(action(&Actions::terminal, false) == "unsupported-action\n");
  CHECK(action(&Actions::unknown, std::vector<std::string>{"NH:10.0.0.1:0"}) == "unsupported-action\n");
  CHECK(action(&Actions::redirect, "65000:2") == "no-redirect-target\n");
  CHECK(action(&Actions::redirect, "65000:1") == "-d 10.0.0.0/8 # -j ACCEPT\n");
  CHECK(action(&Actions::dscp_mark, std::uint8_t{46}) == "-d 10.0.0.0/8 # -j ACCEPT\n");
  CHECK(action(&Actions::sample, true) ==
        "-d 10.0.0.0/8 # -j NFLOG --nflog-prefix \"flowspec f2b511ad0b30afbe\" --nflog-group 5\n"
        "-d 10.0.0.0/8 # -j ACCEPT\n");
}

TEST_CASE("table mangle holds what alters packets, what stands before that, and nothing else") {
  const auto entry = [](const char* destination, std::uint64_t sequence, std::optional<double> rate = {}) {
    Entry result = with(ipv4(destination), rate);
    result.sequence = sequence;
    return result;
  };
  Entry marked = entry("10.1.0.0/16", 30);
  marked.actions.dscp_mark = 46;
  Entry redirected = entry("10.1.1.0/24", 20);
  redirected.actions.redirect = "65000:1";
  const std::vector<Entry> entries{
      entry("10.1.2.0/24", 10), entry("10.2.0.0/16", 11), entry("10.1.3.0/24", 12, 0), redirected, marked,
      entry("10.0.0.0/8", 40)};
  const auto text_of = [&](const CompileOptions& options) {
    const Wanted wanted = arrange(entries, std::array{Family::ipv4}, options);
    REQUIRE(wanted.rejected.empty());
    std::string text;
    for (const Hook& hook : wanted.tables.at(1).hooks)
      text += hook.parent + (hook.wanted ? " -> " : " - ") + hook.chain + "\n";
    for (const Chain& chain : wanted.tables.at(1).chains)
      for (const Rule& rule : chain.rules) {
        std::string rule_text = to_string(rule, Family::ipv4);
        const std::size_t at = rule_text.find("-m comment");
        text += chain.name + ": " + rule_text.replace(at, rule_text.rfind(" -") - at, "#") + "\n";
      }
    return text;
  };
  CHECK(text_of({.redirects = {{"65000:1", {0x10, 0xff}}}}) ==
        "PREROUTING -> FLOWSPEC-MARK\nPOSTROUTING -> FLOWSPEC-DSCP\n"
        // What cannot meet a redirected packet is not there.
        "FLOWSPEC-MARK: -d 10.1.1.0/24 # -g FLOWSPEC-" +
            id(redirected) +
            "r\n"
            "FLOWSPEC-" +
            id(redirected) +
            "r: # --set-xmark 0x10/0xff\n"
            "FLOWSPEC-DSCP: -d 10.1.2.0/24 # -j RETURN\n"
            "FLOWSPEC-DSCP: -d 10.1.1.0/24 # -j RETURN\n"
            "FLOWSPEC-DSCP: -d 10.1.0.0/16 # -g FLOWSPEC-" +
            id(marked) +
            "d\n"
            "FLOWSPEC-" +
            id(marked) + "d: # --set-dscp 0x2e\n");
  const Wanted plain = arrange({entry("10.0.0.0/8", 1)}, std::array{Family::ipv4}, {});
  CHECK(plain.tables.at(1).chains.empty());
  CHECK_FALSE(plain.tables.at(1).hooks.at(0).wanted);
}

TEST_CASE("fragments are not told when our own rules track connections") {
  Components policy = ipv4("0.0.0.0/0");
  policy.source = policy.destination;
  Components fragments = ipv4("10.0.0.0/8");
  fragments.fragment = BitTests{{{false, false, true, fragment_bit::is_fragment}}};
  const auto rejected = [&](const CompileOptions& options) {
    const Wanted wanted = arrange({with(policy), with(fragments)}, std::array{Family::ipv4}, options);
    return wanted.rejected.empty() ? std::string() : std::string(name(wanted.rejected.at(0).reason));
  };
  CHECK(rejected({}) == "fragments-reassembled");
  CHECK(rejected({.stateful = Stateful::always}) == "fragments-reassembled");
  CHECK(rejected({.stateful = Stateful::never}).empty());
}

TEST_CASE("the size of an entry is the sum of its components, not their product") {
  // Five ranges in each of six components.
  const auto five = [](std::uint32_t max, std::uint32_t step) {
    std::vector<Interval> intervals;
    for (std::uint32_t index = 1; index <= 5; ++index)
      intervals.push_back({index * step, index * step + 1});
    return ValueSet(max, intervals);
  };
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Components match;
    match.family = family;
    match.port = five(domain::port, 9000);
    match.destination_port = five(domain::port, 1000);
    match.source_port = five(domain::port, 2000);
    match.packet_length = five(domain::packet_length, 200);
    match.dscp = five(domain::dscp, 10);
    match.protocol = five(domain::protocol, 3); // 6 and 16..17 are among them
    const auto result = compile(with(match), {});
    const auto& rules = std::get<Compiled>(result);
    std::size_t count = rules.rules.size();
    for (const Chain& chain : rules.chains)
      count += chain.rules.size();
    WARN(to_string(match) << ": " << count << " rules");
    CHECK(count <= 30);
  }
  // What one match cannot hold leaves through a chain of its own: 3 + 3 rules, not 3 * 3.
  const auto many = [](std::uint32_t step) {
    std::vector<Interval> intervals;
    for (std::uint32_t index = 1; index <= 40; ++index)
      intervals.push_back({index * step, index * step});
    return intervals;
  };
  Components match = ipv4("10.0.0.0/8");
  match.protocol = octets({{6, 6}});
  match.destination_port = ports(many(3));
  match.packet_length = ValueSet(domain::packet_length, many(7));
  const Entry entry = with(match);
  const auto result = compile(entry, {});
  const auto& rules = std::get<Compiled>(result);
  REQUIRE(rules.chains.size() == 1);
  CHECK(rules.rules.size() + rules.chains[0].rules.size() == 4); // enter, not the length, not the port, drop
}

TEST_CASE("ten thousand routes with four values in each of two components take two rules each at most") {
  std::vector<Entry> entries;
  const std::vector<std::optional<ValueSet> Components::*> components{
      &Components::protocol,      &Components::port, &Components::destination_port, &Components::source_port,
      &Components::packet_length, &Components::dscp, &Components::icmp_type,        &Components::icmp_code};
  for (std::uint32_t number = 0; entries.size() < 10'000; ++number) {
    Entry entry = with(ipv4());
    entry.match.destination = Prefix::masked(
        {Family::ipv4, {10, std::uint8_t(number >> 16), std::uint8_t(number >> 8), std::uint8_t(number)}},
        32);
    const auto first = components[number % components.size()];
    const auto second = components[(number / components.size() + 1 + number) % components.size()];
    if (first == second)
      continue;
    for (const auto member : {first, second}) {
      const std::uint32_t max = member == &Components::dscp ? 63 : 255;
      const std::uint32_t domain_max = member == &Components::dscp            ? domain::dscp
                                       : member == &Components::packet_length ? domain::packet_length
                                       : member == &Components::port ||
                                               member == &Components::destination_port ||
                                               member == &Components::source_port
                                           ? domain::port
                                           : 255;
      entry.match.*member =
          ValueSet(domain_max,
                   {{6, 6}, {17, 17}, {max - 30 - number % 7, max - 30 - number % 7}, {max - 10, max - 10}});
    }
    if (!why_never_matches(entry.match))
      entries.push_back(std::move(entry));
  }
  const Wanted wanted = arrange(entries, std::array{Family::ipv4}, {});
  CHECK(wanted.rejected.empty());
  std::size_t rules = 0;
  for (const Chain& chain : wanted.tables.at(0).chains)
    rules += chain.rules.size();
  WARN(entries.size() << " routes in " << rules << " rules");
  CHECK(rules <= 2 * entries.size());
}
