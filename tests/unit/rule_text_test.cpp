// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lines of iptables-legacy-save 1.8.9. That it does print them so is tested with the kernel; here is each
// word once, and where we differ from it on purpose.
#include "common/rule_text.hpp"

#include <catch2/catch.hpp>

#include <utility>

using namespace flowspec;

namespace {

Rule with(Match match) {
  Rule rule;
  rule.matches.push_back(std::move(match));
  return rule;
}

Rule to(Target target) {
  Rule rule;
  rule.target = std::move(target);
  return rule;
}

void check(const Rule& rule, const std::string& text, Family family = Family::ipv4) {
  CHECK(to_string(rule, family) == text);
}

TcpMatch tcp(PortRange source, PortRange destination = {}) {
  TcpMatch match;
  match.source = source;
  match.destination = destination;
  return match;
}

U32Match::Test u32_test(std::vector<U32Match::Step> steps, std::vector<U32Match::Range> ranges) {
  return {std::move(steps), std::move(ranges)};
}

HashlimitMatch bytes_a_second(std::uint64_t average) {
  HashlimitMatch match;
  match.name = "x";
  match.mode = HashlimitMatch::mode_bytes | HashlimitMatch::mode_invert;
  match.average = average;
  match.gc_interval = 1000;
  match.expire = 15'000;
  return match;
}

} // namespace

TEST_CASE("rule text: the header's options in iptables-save's order") {
  Rule rule;
  check(rule, "");
  rule.source = parse_prefix("10.0.0.0/8");
  rule.destination = parse_prefix("192.0.2.1/32");
  rule.in_interface = "eth+";
  rule.out_interface = "lo";
  rule.protocol = 6;
  rule.later_fragments = true;
  rule.target = Verdict::drop;
  check(rule, "-s 10.0.0.0/8 -d 192.0.2.1/32 -i eth+ -o lo -p tcp -f -j DROP");
  rule.source_negated = rule.destination_negated = true;
  rule.in_interface_negated = rule.out_interface_negated = true;
  rule.protocol_negated = rule.later_fragments_negated = true;
  check(rule, "! -s 10.0.0.0/8 ! -d 192.0.2.1/32 ! -i eth+ ! -o lo ! -p tcp ! -f -j DROP");

  Rule six;
  six.source = parse_prefix("2001:db8::/33");
  check(six, "-s 2001:db8::/33", Family::ipv6);

  Rule any;
  any.source = Prefix::any(Family::ipv4);
  check(any, "");
  any.source_negated = true;
  check(any, "! -s 0.0.0.0/0");
}

TEST_CASE("rule text: protocols are named as iptables does without /etc/protocols") {
  const auto protocol = [](std::uint8_t number, const std::string& text) {
    Rule rule;
    rule.protocol = number;
    check(rule, text);
  };
  protocol(1, "-p icmp");
  protocol(17, "-p udp");
  protocol(58, "-p ipv6-icmp");
  protocol(135, "-p mobility-header");
  protocol(136, "-p udplite");
  protocol(47, "-p 47");
  protocol(255, "-p 255");
}

TEST_CASE("rule text: tcp and udp") {
  check(with(TcpMatch{}), "-m tcp");
  check(with(tcp({80, 80})), "-m tcp --sport 80");
  check(with(tcp({0, 80}, {1024, 65535})), "-m tcp --sport 0:80 --dport 1024:65535");
  TcpMatch all = tcp({1, 2}, {3, 3});
  all.source_negated = all.destination_negated = all.option_negated = all.flags_negated = true;
  all.option = 4;
  all.flags_mask = 0x3f;
  all.flags_set = 0x12;
  check(with(all),
        "-m tcp ! --sport 1:2 ! --dport 3 ! --tcp-option 4 ! --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN,ACK");
  TcpMatch none;
  none.flags_mask = 0x02;
  check(with(none), "-m tcp --tcp-flags SYN NONE");
  UdpMatch udp;
  udp.destination = {53, 53};
  check(with(udp), "-m udp --dport 53");
}

TEST_CASE("rule text: icmp") {
  check(with(IcmpMatch{}), "-m icmp --icmp-type any");
  check(with(IcmpMatch{255, 0, 255, true}), "-m icmp6 ! --icmpv6-type 255", Family::ipv6);
  check(with(IcmpMatch{3, 0, 255, false}), "-m icmp --icmp-type 3");
  check(with(IcmpMatch{3, 1, 1, false}), "-m icmp --icmp-type 3/1");
  check(with(IcmpMatch{128, 0, 0, false}), "-m icmp6 --icmpv6-type 128/0", Family::ipv6);
}

TEST_CASE("rule text: multiport, conntrack, comment") {
  check(with(MultiportMatch{MultiportMatch::Side::destination, {{1, 1}, {2, 3}}, false}),
        "-m multiport --dports 1,2:3");
  check(with(MultiportMatch{MultiportMatch::Side::source, {{1, 1}}, true}), "-m multiport ! --sports 1");
  check(with(MultiportMatch{MultiportMatch::Side::either, {{1, 1}}, false}), "-m multiport --ports 1");
  check(with(ConntrackMatch{0x7f, false}),
        "-m conntrack --ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED,SNAT,DNAT");
  check(with(ConntrackMatch{ConntrackMatch::source_nat, false}), "-m conntrack --ctstate SNAT");
  check(with(ConntrackMatch{ConntrackMatch::fresh, true}), "-m conntrack ! --ctstate NEW");
  check(with(CommentMatch{"flowspec 1234 [seq 7]"}), R"(-m comment --comment "flowspec 1234 [seq 7]")");
}

TEST_CASE("rule text: length and dscp") {
  check(with(LengthMatch{40, 100, false}), "-m length --length 40:100");
  check(with(LengthMatch{40, 40, true}), "-m length ! --length 40");
  check(with(LengthMatch{}), "-m length --length 0:65535");
  check(with(DscpMatch{10, false}), "-m dscp --dscp 0x0a");
  check(with(DscpMatch{0, true}), "-m dscp ! --dscp 0x00");
}

TEST_CASE("rule text: tos and iprange") {
  check(with(TosMatch{.value = 0x10}), "-m tos --tos 0x10/0xff");
  check(with(TosMatch{0x08, 0x3f, true}), "-m tos ! --tos 0x08/0x3f");
  check(with(TosMatch{0xff, 0x01, false}), "-m tos --tos 0xff/0x01");
  check(with(TosMatch{0, 0, false}), "-m tos --tos 0x00/0x00");

  using Range = IprangeMatch::Range;
  const Range four{*parse_address("10.0.0.1"), *parse_address("10.0.0.9")};
  const Range six{*parse_address("::"), *parse_address("2001:db8::1:0:0:1")};
  check(with(IprangeMatch{four, {}}), "-m iprange --src-range 10.0.0.1-10.0.0.9");
  check(with(IprangeMatch{{}, four, false, true}), "-m iprange ! --dst-range 10.0.0.1-10.0.0.9");
  check(with(IprangeMatch{four, Range{four.last, four.first}, true, false}),
        "-m iprange ! --src-range 10.0.0.1-10.0.0.9 --dst-range 10.0.0.9-10.0.0.1");
  check(with(IprangeMatch{six, Range{six.last, six.last}}),
        "-m iprange --src-range ::-2001:db8::1:0:0:1 --dst-range 2001:db8::1:0:0:1-2001:db8::1:0:0:1",
        Family::ipv6);
}

TEST_CASE("rule text: the headers of IPv6") {
  const auto six = [](Match match, const std::string& text) {
    check(with(std::move(match)), text, Family::ipv6);
  };
  six(FragmentMatch{}, "-m frag");
  six(FragmentMatch{true, true, false}, "-m frag --fragfirst --fragmore");
  six(FragmentMatch{false, false, true}, "-m frag --fraglast");
  six(Ipv6HeaderMatch{Ipv6HeaderMatch::fragment, false}, "-m ipv6header --header ipv6-frag --soft");
  six(Ipv6HeaderMatch{Ipv6HeaderMatch::fragment, true}, "-m ipv6header ! --header ipv6-frag --soft");
  six(Ipv6HeaderMatch{0xff, false},
      "-m ipv6header --header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt,protocol --soft");
}

TEST_CASE("rule text: a match may come several times") {
  Rule rule = with(tcp({}, {80, 80}));
  rule.protocol = 6;
  TcpMatch syn;
  syn.flags_mask = syn.flags_set = 2;
  rule.matches.emplace_back(syn);
  check(rule, "-p tcp -m tcp --dport 80 -m tcp --tcp-flags SYN SYN");
}

TEST_CASE("rule text: u32") {
  using Op = U32Match::Operator;
  U32Match match;
  match.tests = {u32_test({{Op::bit_and, 6}, {Op::bit_and, 255}}, {{1, 6}, {17, 17}}),
                 u32_test({{Op::bit_and, 0}, {Op::right_shift, 22}, {Op::at, 0}, {Op::left_shift, 2}},
                          {{0, UINT32_MAX}})};
  check(with(match), R"(-m u32 --u32 "0x6&0xff=0x1:0x6,0x11&&0x0>>0x16@0x0<<0x2=0x0:0xffffffff")");
  match.tests.resize(1);
  match.negated = true;
  check(with(match), R"(-m u32 ! --u32 "0x6&0xff=0x1:0x6,0x11")");
}

TEST_CASE("rule text: hashlimit gives rates as iptables does") {
  // 125000 B/s are 7812 steps of 16 bytes: 2^32 / 7813
  check(with(bytes_a_second(549720)), "-m hashlimit --hashlimit-above 124992b/s --hashlimit-name x");
  check(with(bytes_a_second(UINT32_MAX / 65537)), "-m hashlimit --hashlimit-above 1mb/s --hashlimit-name x");
  HashlimitMatch burst = bytes_a_second(UINT32_MAX / 65);
  burst.mode = HashlimitMatch::mode_bytes;
  burst.burst = 5;
  burst.expire = 60'000;
  check(with(burst), "-m hashlimit --hashlimit-upto 1kb/s --hashlimit-burst 5kb --hashlimit-name x");

  HashlimitMatch packets;
  packets.name = "x";
  packets.mode = 1U << 2 | 1U << 1;
  packets.average = 12'000'000;
  packets.burst = 5;
  packets.size = 1;
  packets.max = 2;
  packets.gc_interval = 3;
  packets.expire = 4;
  packets.source_mask = 24;
  packets.destination_mask = 16;
  check(with(packets),
        "-m hashlimit --hashlimit-upto 5/min --hashlimit-burst 5 --hashlimit-mode srcip,dstport "
        "--hashlimit-name x --hashlimit-htable-size 1 --hashlimit-htable-max 2 "
        "--hashlimit-htable-gcinterval 3 --hashlimit-htable-expire 4 --hashlimit-srcmask 24 "
        "--hashlimit-dstmask 16");
}

TEST_CASE("rule text: targets") {
  check(to(Verdict::accept), "-j ACCEPT");
  check(to(Verdict::return_), "-j RETURN");
  check(to(Jump{"FLOWSPEC", false}), "-j FLOWSPEC");
  check(to(Jump{"FLOWSPEC", true}), "-g FLOWSPEC");
  check(to(RejectTarget{}), "-j REJECT --reject-with icmp-port-unreachable");
  check(to(DscpTarget{46}), "-j DSCP --set-dscp 0x2e");
  check(to(DscpTarget{0}), "-j DSCP --set-dscp 0x00");
  check(to(MarkTarget{0x10, 0xff}), "-j MARK --set-xmark 0x10/0xff");
  check(to(MarkTarget{}), "-j MARK --set-xmark 0x0/0xffffffff");
  check(to(NflogTarget{3, "flowspec abc"}), R"(-j NFLOG --nflog-prefix "flowspec abc" --nflog-group 3)");
  check(to(NflogTarget{0, "x"}), "-j NFLOG --nflog-prefix x");
  check(to(NflogTarget{}), "-j NFLOG");
}

TEST_CASE("rule text: where iptables-save would say less than the rule does") {
  // It leaves these out, and so a saved rule that matches nothing would match everything.
  Rule no_interface;
  no_interface.in_interface = "+";
  no_interface.in_interface_negated = true;
  check(no_interface, "! -i +");
  TcpMatch no_port;
  no_port.source_negated = true;
  check(with(no_port), "-m tcp ! --sport 0:65535");
  // It prints the first code only.
  check(with(IcmpMatch{3, 1, 5, false}), "-m icmp --icmp-type 3/1-5");
  // It prints 0b/s, which iptables-restore does not take.
  check(with(bytes_a_second(UINT32_MAX)), "-m hashlimit --hashlimit-above 1b/s --hashlimit-name x");
  // It prints 12mb, which is 101 seconds' worth and not 102.
  HashlimitMatch burst = bytes_a_second(549720);
  burst.burst = 102;
  burst.expire = 60'000;
  check(with(burst),
        "-m hashlimit --hashlimit-above 124992b/s --hashlimit-burst 12749184b --hashlimit-name x");
}

TEST_CASE("rule text: what has no words of ours is text that no iptables takes") {
  check(with(OpaqueMatch{"recent", 1, std::vector<std::uint8_t>(8)}), "-m [recent rev 1, 8 bytes]");
  check(to(OpaqueTarget{"LOG", 0, {}}), "-j [LOG rev 0, 0 bytes]");
  Rule rule = to(Verdict::drop);
  rule.unreadable = "flags 0x80";
  check(rule, "-j DROP [unreadable: flags 0x80]");
}

TEST_CASE("quoted: as iptables-save does it") {
  CHECK(quoted("plain_Word-1") == "plain_Word-1");
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("two words") == "\"two words\"");
  CHECK(quoted("a.b") == "\"a.b\"");
  CHECK(quoted(R"(it's "\")") == R"("it\'s \"\\\"")");
}
