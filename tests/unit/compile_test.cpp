// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule_text.hpp"
#include "injector/compile.hpp"
#include "injector/rate_limit.hpp"
#include "injector/satisfiable.hpp"
#include "injector/wanted.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>

using namespace flowspec;

namespace {

Components ipv4(const char* destination = nullptr) {
  Components match;
  if (destination != nullptr)
    match.destination = parse_prefix(destination);
  return match;
}

ValueSet ports(std::vector<Interval> intervals) {
  return {domain::port, std::move(intervals)};
}
ValueSet octets(std::vector<Interval> intervals) {
  return {255, std::move(intervals)};
}

Entry with(Components match, std::optional<double> rate = 0) {
  Entry entry;
  entry.match = std::move(match);
  entry.actions.rate = rate;
  return entry;
}

/// `-m comment --comment "flowspec ID"` as "#", so that the rows below read.
std::string shortened(std::string text, const Entry& entry) {
  const std::string comment = "-m comment --comment \"" + comment_of(entry) + "\"";
  for (std::size_t at; (at = text.find(comment)) != std::string::npos;)
    text.replace(at, comment.size(), "#");
  return text;
}

/// The rules of an entry, a line each, its own chain behind them; or the reason why there are none.
std::string compiled(const Entry& entry, const CompileOptions& options = {}) {
  const auto result = compile(entry, options);
  if (const auto* rejected = std::get_if<Rejected>(&result))
    return std::string(name(rejected->reason)) + "\n";
  std::string text;
  const auto& rules = std::get<Compiled>(result);
  for (const Rule& rule : rules.rules)
    text += to_string(rule, entry.match.family) + "\n";
  for (const Chain& chain : rules.chains)
    for (const Rule& rule : chain.rules)
      text += "[" + chain.name + "] " + to_string(rule, entry.match.family) + "\n";
  return shortened(text, entry);
}

std::string id(const Entry& entry) {
  return stable_id(entry.match);
}

} // namespace

TEST_CASE("prefixes and protocols") {
  Components match = ipv4("10.0.0.0/8");
  CHECK(compiled(with(match)) == "-d 10.0.0.0/8 # -j DROP\n");
  CHECK(compiled(with(match, std::nullopt)) == "-d 10.0.0.0/8 # -j ACCEPT\n");
  match.source = parse_prefix("0.0.0.0/0"); // asks nothing
  CHECK(compiled(with(match)) == "-d 10.0.0.0/8 # -j DROP\n");
  match.source = parse_prefix("192.0.2.1/32");
  match.protocol = octets({{47, 47}});
  CHECK(compiled(with(match)) == "-s 192.0.2.1/32 -d 10.0.0.0/8 -p 47 # -j DROP\n");

  match = ipv4();
  match.protocol = octets({{6, 6}, {17, 17}});
  CHECK(compiled(with(match)) == "-p tcp # -j DROP\n-p udp # -j DROP\n");
  match.protocol = octets({{0, 255}});
  CHECK(compiled(with(match)) == "# -j DROP\n");
  match.protocol = octets({{0, 16}, {18, 255}});
  CHECK(compiled(with(match)) == "! -p udp # -j DROP\n");
  // iptables takes -p 0 as any protocol, so that 0 must not be written so.
  match.protocol = octets({{0, 0}});
  CHECK(compiled(with(match)) == "-m u32 --u32 \"0x6&0xff=0x0\" # -j DROP\n");
  match.protocol = octets({{1, 255}});
  CHECK(compiled(with(match)) == "-m u32 --u32 \"0x6&0xff=0x1:0xff\" # -j DROP\n");
  match.protocol = octets({{1, 6}, {50, 51}});
  CHECK(compiled(with(match)) == "-m u32 --u32 \"0x6&0xff=0x1:0x6,0x32:0x33\" # -j DROP\n");
}

TEST_CASE("ports mean TCP and UDP") {
  Components match = ipv4();
  match.destination_port = ports({{80, 80}});
  CHECK(compiled(with(match)) == "-p tcp -m tcp --dport 80 # -j DROP\n-p udp -m udp --dport 80 # -j DROP\n");
  match.protocol = octets({{6, 6}});
  match.source_port = ports({{1024, 65535}});
  CHECK(compiled(with(match)) == "-p tcp -m tcp --sport 1024:65535 --dport 80 # -j DROP\n");
  match.destination_port = ports({{80, 80}, {443, 443}, {8000, 8080}});
  CHECK(compiled(with(match)) ==
        "-p tcp -m tcp --sport 1024:65535 -m multiport --dports 80,443,8000:8080 # -j DROP\n");
  match.source_port = std::nullopt;
  CHECK(compiled(with(match)) == "-p tcp -m tcp -m multiport --dports 80,443,8000:8080 # -j DROP\n");
  match.destination_port = ports({{0, 65535}}); // still only packets that have a port
  CHECK(compiled(with(match)) == "-p tcp -m tcp # -j DROP\n");
  match.protocol = octets({{0, 255}});
  CHECK(compiled(with(match)) == "-p tcp -m tcp # -j DROP\n-p udp -m udp # -j DROP\n");
}

TEST_CASE("a port component matches when the source or the destination port does") {
  Components match = ipv4();
  match.port = ports({{53, 53}});
  CHECK(compiled(with(match)) ==
        "-p tcp -m tcp -m multiport --ports 53 # -j DROP\n-p udp -m udp -m multiport --ports 53 # -j DROP\n");
  match.protocol = octets({{6, 6}});
  match.destination_port = ports({{80, 90}});
  CHECK(compiled(with(match)) == "-p tcp -m tcp --dport 80:90 -m multiport --ports 53 # -j DROP\n");
  match.source_port = ports({{1, 1}, {3, 3}});
  match.destination_port = std::nullopt;
  match.port = ports({{0, 65535}});
  CHECK(compiled(with(match)) ==
        "-p tcp -m tcp -m multiport --sports 1,3 -m multiport --ports 0:65535 # -j DROP\n");
}

TEST_CASE("a mark on a packet that is discarded is nothing") {
  Entry entry = with(ipv4("10.0.0.0/8"));
  entry.actions.dscp_mark = 46;
  entry.actions.redirect = "65000:1";
  CHECK(compiled(entry) == "-d 10.0.0.0/8 # -j DROP\n");
  CHECK_FALSE(alteration(entry, Alteration::dscp, {}));
  CHECK_FALSE(alteration(entry, Alteration::mark, {}));
}

TEST_CASE("a port list that multiport cannot hold becomes several rules") {
  Components match = ipv4();
  match.protocol = octets({{17, 17}});
  std::vector<Interval> intervals;
  for (std::uint32_t port = 1; port <= 16; ++port)
    intervals.push_back({port * 10, port * 10});
  match.destination_port = ports(intervals);
  CHECK(compiled(with(match)) ==
        "-p udp -m udp -m multiport --dports 10,20,30,40,50,60,70,80,90,100,110,120,130,140,150 # -j DROP\n"
        "-p udp -m udp -m multiport --dports 160 # -j DROP\n");
  intervals.resize(14);
  intervals.push_back({200, 201}); // 14 slots and two more
  match.destination_port = ports(intervals);
  CHECK(compiled(with(match)) ==
        "-p udp -m udp -m multiport --dports 10,20,30,40,50,60,70,80,90,100,110,120,130,140 # -j DROP\n"
        "-p udp -m udp -m multiport --dports 200:201 # -j DROP\n");
}

TEST_CASE("ICMP types and codes") {
  Components match = ipv4();
  match.icmp_type = octets({{8, 8}});
  CHECK(compiled(with(match)) == "-p icmp -m icmp --icmp-type 8 # -j DROP\n");
  match.icmp_code = octets({{0, 0}});
  CHECK(compiled(with(match)) == "-p icmp -m icmp --icmp-type 8/0 # -j DROP\n");
  match.icmp_type = octets({{3, 3}, {11, 11}});
  match.icmp_code = octets({{0, 0}, {4, 4}});
  CHECK(compiled(with(match)) ==
        "-p icmp -m icmp --icmp-type any -m u32 --u32 "
        "\"0x0>>0x16&0x3c@0x0>>0x18=0x3,0xb&&0x0>>0x16&0x3c@0x0>>0x10&0xff=0x0,0x4\" "
        "# -j DROP\n");
  match.icmp_type = octets({{3, 3}});
  CHECK(compiled(with(match)) ==
        "-p icmp -m icmp --icmp-type 3/0 # -j DROP\n-p icmp -m icmp --icmp-type 3/4 # -j DROP\n");
  match.icmp_code = octets({{0, 1}, {4, 4}}); // iptables cannot write a range of codes
  CHECK(compiled(with(match)).find("u32") != std::string::npos);
  match.icmp_type = std::nullopt;
  CHECK(compiled(with(match)) == "-p icmp -m icmp --icmp-type any -m u32 --u32 "
                                 "\"0x0>>0x16&0x3c@0x0>>0x10&0xff=0x0:0x1,0x4\" # -j DROP\n");
  match.icmp_code = std::nullopt;
  match.icmp_type = octets({{255, 255}}); // the kernel's match takes 255 as any type
  CHECK(compiled(with(match)) ==
        "-p icmp -m icmp --icmp-type any -m u32 --u32 \"0x0>>0x16&0x3c@0x0>>0x18=0xff\" # -j DROP\n");
  match.icmp_type = octets({{0, 255}});
  CHECK(compiled(with(match)) == "-p icmp -m icmp --icmp-type any # -j DROP\n");
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

TEST_CASE("TCP flags: readable where iptables has names for them, u32 for the rest") {
  struct Row {
    std::vector<BitTest> tests;
    const char* rules;
  };
  constexpr bool joined = true;
  constexpr bool no = true;
  constexpr bool all = true;
  const auto u32 = [](const std::string& test) {
    return "-p tcp -m tcp -m u32 --u32 \"0x0>>0x16&0x3c@0xc>>0x10&" + test + "\" # -j DROP\n";
  };
  const std::string high_match = u32("0x102=0x102");
  const std::string high_any = u32("0xc0=0x1:0xc0");
  const std::string high_none = u32("0xc0=0x0");
  for (const Row& row : std::vector<Row>{
           {{{false, false, all, 2}}, "-p tcp -m tcp --tcp-flags SYN SYN # -j DROP\n"},
           {{{false, false, false, 2}}, "-p tcp -m tcp --tcp-flags SYN SYN # -j DROP\n"},
           {{{false, false, false, 18}}, "-p tcp -m tcp -m tcp ! --tcp-flags SYN,ACK NONE # -j DROP\n"},
           {{{false, no, false, 18}}, "-p tcp -m tcp --tcp-flags SYN,ACK NONE # -j DROP\n"},
           {{{false, no, all, 18}}, "-p tcp -m tcp -m tcp ! --tcp-flags SYN,ACK SYN,ACK # -j DROP\n"},
           {{{false, false, all, 2}, {joined, no, false, 16}},
            "-p tcp -m tcp --tcp-flags SYN,ACK SYN # -j DROP\n"},
           {{{false, false, all, 2}, {false, false, all, 4}},
            "-p tcp -m tcp --tcp-flags SYN SYN # -j DROP\n-p tcp -m tcp --tcp-flags RST RST # -j DROP\n"},
           {{{false, false, all, 0x102}}, high_match.c_str()},
           {{{false, false, false, 0xc0}}, high_any.c_str()},
           {{{false, no, false, 0xc0}}, high_none.c_str()},
           {{{false, false, all, 0}}, "-p tcp -m tcp # -j DROP\n"},   // every TCP header
           {{{false, no, all, 0x1000}}, "-p tcp -m tcp # -j DROP\n"}, // the data offset counts as 0
           {{{false, false, all, 0x1000}}, "never-matches\n"},
           {{{false, false, false, 0}}, "never-matches\n"},
           {{{false, false, all, 2}, {joined, no, all, 2}}, "never-matches\n"},
       }) {
    Components match = ipv4();
    match.tcp_flags = BitTests{row.tests};
    CAPTURE(to_string(*match.tcp_flags));
    CHECK(compiled(with(match)) == row.rules);
  }
  Components match = ipv4();
  match.tcp_flags = BitTests{{{false, false, all, 2}}};
  match.destination_port = ports({{80, 80}});
  CHECK(compiled(with(match)) == "-p tcp -m tcp --dport 80 --tcp-flags SYN SYN # -j DROP\n");
  match.family = Family::ipv6;
  match.destination_port = std::nullopt;
  CHECK(compiled(with(match)) == "-p tcp -m tcp --tcp-flags SYN SYN # -j DROP\n");
  match.tcp_flags = BitTests{{{false, false, all, 0x40}}};
  CHECK(compiled(with(match)) == "not-enforceable\n");
  match.tcp_flags =
      BitTests{{{false, false, all, 2}, {joined, false, false, 0xff}}}; // the first implies the second
  CHECK(compiled(with(match)) == "-p tcp -m tcp --tcp-flags SYN SYN # -j DROP\n");
}

TEST_CASE("packet length, DSCP, flow label") {
  Components match = ipv4();
  match.packet_length = ValueSet(65535, {{100, 200}});
  CHECK(compiled(with(match)) == "-m length --length 100:200 # -j DROP\n");
  match.packet_length = ValueSet(65535, {{100, 200}, {300, 300}});
  match.dscp = ValueSet(63, {{46, 46}});
  CHECK(compiled(with(match)) ==
        "-m dscp --dscp 0x2e -m u32 --u32 \"0x0&0xffff=0x64:0xc8,0x12c\" # -j DROP\n");
  match.dscp = ValueSet(63, {{0, 45}, {47, 63}});
  match.packet_length = std::nullopt;
  CHECK(compiled(with(match)) == "-m dscp ! --dscp 0x2e # -j DROP\n");
  match.dscp = ValueSet(63, {{10, 12}});
  CHECK(compiled(with(match)) == "-m u32 --u32 \"0x0>>0x12&0x3f=0xa:0xc\" # -j DROP\n");

  Components v6;
  v6.family = Family::ipv6;
  v6.dscp = ValueSet(63, {{10, 12}});
  v6.packet_length = ValueSet(65535, {{10, 60}, {100, 100}}); // u32 counts what is behind the header
  v6.flow_label = ValueSet(domain::flow_label, {{5, 9}});
  CHECK(compiled(with(v6)) == "-m u32 --u32 \"0x2&0xffff=0x0:0x14,0x3c&&0x0>>0x16&0x3f=0xa:0xc&&"
                              "0x0&0xfffff=0x5:0x9\" # -j DROP\n");
  match.dscp = std::nullopt;
  match.packet_length = ValueSet(65535, {{0, 19}});
  CHECK(compiled(with(match)) == "never-matches\n");
}

TEST_CASE("fragments") {
  using namespace fragment_bit;
  const auto of = [](Family family, std::vector<BitTest> tests) {
    Components match;
    match.family = family;
    match.fragment = BitTests{std::move(tests)};
    return with(match);
  };
  const auto v4 = [&](std::vector<BitTest> tests) { return compiled(of(Family::ipv4, std::move(tests))); };
  CHECK(v4({{false, false, true, is_fragment}}) == "-f # -j DROP\n");
  CHECK(v4({{false, true, false, is_fragment}}) == "! -f # -j DROP\n");
  CHECK(v4({{false, false, true, dont_fragment}}) == "-m u32 --u32 \"0x4&0x7fff=0x4000:0x7fff\" # -j DROP\n");
  CHECK(v4({{false, false, true, first_fragment}}) ==
        "-m u32 --u32 \"0x4&0x7fff=0x2000,0x6000\" # -j DROP\n");
  CHECK(v4({{false, false, true, last_fragment}}) ==
        "-m u32 --u32 \"0x4&0x7fff=0x1:0x1fff,0x4001:0x5fff\" # -j DROP\n");
  CHECK(v4({{false, false, false, is_fragment | first_fragment}}) ==
        "-m u32 --u32 \"0x4&0x7fff=0x1:0x3fff,0x4001:0x7fff\" # -j DROP\n");
  CHECK(v4({{false, false, true, first_fragment}, {true, false, true, is_fragment}}) == "never-matches\n");

  const Entry later = of(Family::ipv6, {{false, false, true, is_fragment}});
  const std::string chain = "FLOWSPEC-" + id(later) + "m";
  const std::string in_chain = "[" + chain + "] ";
  CHECK(compiled(later) == "# -j " + chain + "\n" + in_chain + "-m frag --fragfirst # -j RETURN\n" +
                               in_chain + "-m ipv6header ! --header ipv6-frag --soft # -j RETURN\n" +
                               in_chain + "# -j DROP\n");
  CHECK(compiled(of(Family::ipv6, {{false, false, true, first_fragment}})) ==
        "-m frag --fragfirst --fragmore # -j DROP\n");
  CHECK(compiled(of(Family::ipv6, {{false, true, false, is_fragment}})) ==
        "-m frag --fragfirst # -j DROP\n-m ipv6header ! --header ipv6-frag --soft # -j DROP\n");
  CHECK(compiled(of(Family::ipv6, {{false, true, false, first_fragment | last_fragment}})) ==
        "not-enforceable\n");
  // An accepting chain cannot hand a packet back to FORWARD.
  Entry accepting = later;
  accepting.actions.rate = std::nullopt;
  CHECK(compiled(accepting, {.accept = Verdict::return_}) == "not-enforceable\n");
  CHECK(compiled(later, {.reassembled = true}) == "fragments-reassembled\n");
}

TEST_CASE("IPv6: the upper layer is found behind extension headers") {
  Components match;
  match.family = Family::ipv6;
  match.destination = parse_prefix("2001:db8::/32");
  match.destination_port = ports({{53, 53}});
  match.protocol = octets({{17, 17}});
  CHECK(compiled(with(match)) == "-d 2001:db8::/32 -p udp -m udp --dport 53 # -j DROP\n");
  match.destination_port = std::nullopt;
  match.protocol = octets({{0, 16}, {18, 255}}); // as far as it can be the upper layer
  CHECK(compiled(with(match)) == "-d 2001:db8::/32 ! -p udp # -j DROP\n");
  match.protocol = octets({{1, 42}, {45, 50}, {52, 59}, {61, 255}}); // every one that can be
  CHECK(compiled(with(match)) == "-d 2001:db8::/32 # -j DROP\n");
  match.protocol = octets({{43, 44}});
  CHECK(compiled(with(match)) == "never-matches\n");
  match.protocol = octets({{5, 8}});
  CHECK(compiled(with(match)) == "-d 2001:db8::/32 -p 5 # -j DROP\n-d 2001:db8::/32 -p tcp # -j DROP\n"
                                 "-d 2001:db8::/32 -p 7 # -j DROP\n-d 2001:db8::/32 -p 8 # -j DROP\n");
  match.protocol = octets({{0, 5}, {8, 255}}); // all but two: the two leave
  const Entry most = with(match);
  const std::string chain = "FLOWSPEC-" + id(most) + "m";
  CHECK(compiled(most) == "-d 2001:db8::/32 # -j " + chain + "\n[" + chain + "] -p tcp # -j RETURN\n[" +
                              chain + "] -p 7 # -j RETURN\n[" + chain + "] # -j DROP\n");

  match.protocol = std::nullopt;
  match.icmp_type = octets({{128, 128}});
  CHECK(compiled(with(match)) == "-d 2001:db8::/32 -p ipv6-icmp -m icmp6 --icmpv6-type 128 # -j DROP\n");
  match.icmp_code = octets({{0, 1}});
  CHECK(compiled(with(match)) == "-d 2001:db8::/32 -p ipv6-icmp -m icmp6 --icmpv6-type 128/0 # -j DROP\n"
                                 "-d 2001:db8::/32 -p ipv6-icmp -m icmp6 --icmpv6-type 128/1 # -j DROP\n");
  match.icmp_type = std::nullopt;
  match.icmp_code = octets({{0, 2}});
  CHECK(compiled(with(match)) == "not-enforceable\n"); // 768 rules

  Components offset;
  offset.family = Family::ipv6;
  offset.source = Prefix::masked(*parse_address("::1234:5678:9800:0"), 101, 64);
  CHECK(compiled(with(offset)) == "not-enforceable\n");
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

TEST_CASE("legal routes that match nothing (draft-loibl-bacher-idr-flowspec-clarification-00, section 7)") {
  const auto never = [](auto&&... set) {
    Components match = ipv4("10.0.0.0/8");
    (set(match), ...);
    return why_never_matches(match).has_value();
  };
  const auto protocol = [](std::uint32_t number) {
    return [number](Components& match) { match.protocol = ValueSet::single(255, number); };
  };
  const auto port = [](Components& match) { match.destination_port = ValueSet::single(65535, 2); };
  const auto icmp = [](Components& match) { match.icmp_type = ValueSet::single(255, 8); };
  const auto flags = [](Components& match) { match.tcp_flags = BitTests{{{false, false, true, 2}}}; };
  const auto fragment = [](std::uint16_t bits) {
    return [bits](Components& match) { match.fragment = BitTests{{{false, false, true, bits}}}; };
  };
  CHECK(never(protocol(1), port));
  CHECK_FALSE(never(protocol(6), port));
  CHECK(never(protocol(6), icmp));
  CHECK(never(icmp, port));
  CHECK(never(icmp, flags));
  CHECK(never(protocol(17), flags));
  CHECK_FALSE(never(flags, port));
  CHECK(never([](Components& match) { match.dscp = ValueSet(63); }));
  CHECK(never([](Components& match) { match.flow_label = ValueSet::all(domain::flow_label); }));
  CHECK(never(fragment(fragment_bit::is_fragment), port));
  CHECK_FALSE(never(fragment(fragment_bit::first_fragment), port));
  CHECK_FALSE(never(fragment(fragment_bit::is_fragment)));
  CHECK(never(fragment(fragment_bit::first_fragment | fragment_bit::is_fragment)));
  CHECK(compiled(with([] {
          Components match = ipv4();
          match.protocol = octets({});
          return match;
        }())) == "never-matches\n");
}
