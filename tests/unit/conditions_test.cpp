// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each component asks of a packet, as rules.
#include "injector/conditions.hpp"
#include "injector/satisfiable.hpp"
#include "injector/tcp_flag_matches.hpp"
#include "tests/support/generate.hpp"
#include "tests/unit/compiled.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;
using namespace flowspec::test;

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

TEST_CASE("what can be said without a chain is known before it is said") {
  generate::Random random(generate::seed());
  for (int i = 0; i < 20'000; ++i) {
    const Family family = generate::chance(random, 50) ? Family::ipv4 : Family::ipv6;
    const Components match = generate::entry(random, family, {.every_component = true}).match;
    if (why_never_matches(match))
      continue;
    INFO(to_string(match));
    CHECK(flat_is_sayable(match) == std::holds_alternative<Selection>(select(match, Shape::flat)));
  }
}

TEST_CASE("flags are compared with those that are asked for as if with all of them") {
  // The reference looks at every combination of the 12 bits; the component's own tests are all that counts.
  generate::Random random(generate::seed());
  for (int i = 0; i < 300; ++i) {
    BitTests flags;
    for (std::uint32_t tests = generate::number(random, 1, 4); tests > 0; --tests)
      flags.tests.push_back({generate::chance(random, 50), generate::chance(random, 50),
                             generate::chance(random, 50),
                             static_cast<std::uint16_t>(generate::number(random, 0, 0x1fff) &
                                                        generate::number(random, 0, 0x1fff))});
    bool never = true;
    for (std::uint16_t data = 0; data <= 0xfff; ++data)
      never = never && !flags.holds(data);
    INFO(to_string(flags));
    CHECK(never_holds(flags) == never);
  }
}
