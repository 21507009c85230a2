// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry.hpp"
#include "fetcher/box_components.hpp"
#include "fetcher/rule_packets.hpp"
#include "fetcher/save_text.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Rule rule(const std::string& text, Family family) {
  return parse_save("*filter\n:FORWARD DROP [0:0]\n:mine - [0:0]\n-A FORWARD " + text + "\nCOMMIT\n", family)
      .find("FORWARD")
      ->rules.at(0);
}

/// The routes' matches, with " | " between them; "nothing"; behind "! " the condition that no box says.
std::string said(const Rule& rule, Family family = Family::ipv4) {
  const RulePackets packets = packets_of(rule, family);
  std::string text;
  for (const Box& box : packets.boxes)
    for (const Components& match : components_of(box))
      text += (text.empty() ? "" : " | ") + to_string(match);
  if (!packets.unsayable.empty())
    return "! " + packets.unsayable;
  return text.empty() ? "nothing" : text;
}

std::string said(const std::string& text, Family family = Family::ipv4) {
  return said(rule(text, family), family);
}

} // namespace

TEST_CASE("a rule's match as components") {
  const auto [text, components] = GENERATE(table<const char*, const char*>({
      {"-s 10.0.0.0/8 -d 10.1.2.3", "dst 10.1.2.3/32 src 10.0.0.0/8"},
      {"-m comment --comment \"proto 6\" -s 10.0.0.0/8", "src 10.0.0.0/8"},
      // Later fragments too: no port component.
      {"-p tcp", "proto 6"},
      {"-p gre", "proto 47"},
      {"-p icmp", "proto 1"},
      // The header must be there: with proto 6 every port says so.
      {"-p tcp -m tcp", "proto 6 dport 0-65535"},
      {"-p udp -m udp", "proto 17 dport 0-65535"},
      {"-p icmp -m icmp --icmp-type any", "proto 1 icmp-type 0-255"},
      {"-p tcp -m tcp --dport 80", "proto 6 dport 80"},
      {"-p tcp -m tcp --sport 1024:", "proto 6 sport 1024-65535"},
      {"-p udp -m udp --sport 123 --dport 100:200", "proto 17 dport 100-200 sport 123"},
      {"-p icmp -m icmp --icmp-type 8", "proto 1 icmp-type 8"},
      {"-p icmp -m icmp --icmp-type 3/4", "proto 1 icmp-type 3 icmp-code 4"},
      {"-p icmp -m icmp --icmp-type 3/0-4", "proto 1 icmp-type 3 icmp-code 0-4"},
      {"-p tcp -m multiport --dports 443,80,8000:8080,81", "proto 6 dport 80-81,443,8000-8080"},
      {"-p tcp -m multiport --sports 80", "proto 6 sport 80"},
      {"-p udp -m multiport --ports 53,5353", "proto 17 port 53,5353"},
      {"-p tcp -m multiport --dports 0:65535", "proto 6 dport 0-65535"},
      // Several conditions on one component.
      {"-p tcp -m tcp --dport 80:90 -m multiport --dports 22,85,90:99", "proto 6 dport 85,90"},
      {"-p tcp -m multiport --dports 1:9 -m multiport --dports 5:20", "proto 6 dport 5-9"},
      {"-p tcp -m multiport --ports 1:9 -m multiport --ports 5,6", "proto 6 port 5-6"},
      {"-p tcp -m multiport --ports 80 -m tcp --sport 1024:", "proto 6 port 80 sport 1024-65535"},
      {"-p icmp -m icmp --icmp-type any -m icmp --icmp-type 8", "proto 1 icmp-type 8"},
      // Either port in one list and either port in another: each way to choose a side.
      {"-p tcp -m multiport --ports 80,443 -m multiport --ports 443,22",
       "proto 6 sport 443 | proto 6 dport 22,443 sport 80,443 | proto 6 dport 80,443 sport 22,443 | "
       "proto 6 dport 443"},
      // Every packet: neither the empty route nor the default policy.
      {"", "dst 0.0.0.0/0"},
      {"-s 0.0.0.0/0 -d 0.0.0.0/0", "dst 0.0.0.0/0"},
      {"! -i lo", "dst 0.0.0.0/0"},
      // No packet.
      {"-p tcp -m tcp --dport 80 -m multiport --dports 22,443", "nothing"},
      {"-p icmp -m icmp --icmp-type 3 -m icmp --icmp-type 8", "nothing"},
      {"-i lo", "nothing"},
      {"-o lo -p tcp", "nothing"},
      {"! -i +", "nothing"},
      {"! -s 0.0.0.0/0", "nothing"},
      {"-p tcp -m tcp --tcp-flags SYN SYN -m tcp --tcp-flags SYN NONE", "nothing"},
  }));
  CHECK(said(text) == components);
}

TEST_CASE("negated conditions are complements") {
  const auto [text, components] = GENERATE(table<const char*, const char*>({
      {"! -s 128.0.0.0/2", "src 0.0.0.0/1 | src 192.0.0.0/2"},
      {"! -d 0.0.0.0/1 -p udp", "dst 128.0.0.0/1 proto 17"},
      {"! -p tcp", "proto 0-5,7-255"},
      {"-p tcp -m tcp ! --dport 80", "proto 6 dport 0-79,81-65535"},
      {"-p tcp -m tcp ! --sport 1024:65535", "proto 6 sport 0-1023"},
      {"-p udp -m multiport ! --dports 53,100:200", "proto 17 dport 0-52,54-99 | proto 17 dport 201-65535"},
      {"-p tcp -m multiport ! --ports 1:65535", "proto 6 dport 0 sport 0"},
      {"-p icmp -m icmp ! --icmp-type 8", "proto 1 icmp-type 0-7,9-255"},
      {"-p icmp -m icmp ! --icmp-type 3/4",
       "proto 1 icmp-type 3 icmp-code 0-3,5-255 | proto 1 icmp-type 0-2,4-255"},
      {"-p icmp -m icmp ! --icmp-type any", "nothing"},
      {"-m length ! --length 40:100", "length 0-39,101-65535"},
      {"-m dscp ! --dscp 0x0a", "dscp 0-9,11-63"},
  }));
  CHECK(said(text) == components);
}

TEST_CASE("address ranges as prefixes") {
  const auto [text, components] = GENERATE(table<const char*, const char*>({
      {"-m iprange --src-range 10.0.0.1-10.0.0.6",
       "src 10.0.0.1/32 | src 10.0.0.2/31 | src 10.0.0.4/31 | src 10.0.0.6/32"},
      {"-m iprange --dst-range 10.0.0.0-10.0.0.255", "dst 10.0.0.0/24"},
      {"-m iprange --dst-range 0.0.0.0-255.255.255.255", "dst 0.0.0.0/0"},
      {"-m iprange ! --src-range 0.0.0.0-127.255.255.255", "src 128.0.0.0/1"},
      {"-m iprange ! --src-range 64.0.0.0-255.255.255.255", "src 0.0.0.0/2"},
      {"-s 10.0.0.0/30 -m iprange --src-range 10.0.0.2-10.0.0.9", "src 10.0.0.2/31"},
      {"-s 11.0.0.0/8 -m iprange --src-range 10.0.0.2-10.0.0.9", "nothing"},
  }));
  CHECK(said(text) == components);
}

TEST_CASE("TCP flags, fragments, lengths and DSCPs as components") {
  const auto [text, components] = GENERATE(table<const char*, const char*>({
      {"-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", "proto 6 tcp-flags = 2,&∋ ! 21"},
      {"-p tcp -m tcp --syn", "proto 6 tcp-flags = 2,&∋ ! 21"},
      {"-p tcp -m tcp ! --syn", "proto 6 tcp-flags = ! 2,|∋ 21"},
      {"-p tcp -m tcp --tcp-flags ALL NONE", "proto 6 tcp-flags ∋ ! 63"},
      {"-p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK --dport 22", "proto 6 dport 22 tcp-flags = 18"},
      {"-p tcp -m tcp --tcp-flags SYN SYN -m tcp ! --tcp-flags FIN,ACK FIN,ACK",
       "proto 6 tcp-flags = 2,&∋ ! 1,|= 2,&∋ ! 16"},
      {"-f", "fragment = 2"},
      {"! -f", "fragment ∋ ! 2"},
      {"-p tcp -f", "proto 6 fragment = 2"},
      {"-p tcp ! -f", "proto 6 dport 0-65535"},
      {"-p icmp ! -f", "proto 1 icmp-type 0-255"},
      {"-p tcp -f -m tcp --dport 80", "nothing"},
      {"-m length --length 40:100", "length 40-100"},
      {"-m length --length 40", "length 40"},
      {"-m length --length 40:100 -m length ! --length 50:65535", "length 40-49"},
      {"-m length --length 40 -m length --length 41", "nothing"},
      {"-m dscp --dscp 0x0a", "dscp 10"},
      {"-m dscp ! --dscp 0x00 -m dscp ! --dscp 0x3f", "dscp 1-62"},
      {"-m tos --tos 0x28/0xfc", "dscp 10"},
      {"-m tos --tos 0x80/0xc0", "dscp 32-47"},
      {"-m tos ! --tos 0x80/0xc0", "dscp 0-31,48-63"},
      {"-m tos --tos 0x81/0xc0", "nothing"},
  }));
  CHECK(said(text) == components);
}

TEST_CASE("a rule's match as components, IPv6") {
  const auto [text, components] = GENERATE(table<const char*, const char*>({
      {"-s 2001:db8::/32 -p tcp -m tcp --dport 80", "src 2001:db8::/32 proto 6 dport 80"},
      {"-p ipv6-icmp -m icmp6 --icmpv6-type 1/4", "proto 58 icmp-type 1 icmp-code 4"},
      // 255 is a type like any other there.
      {"-p ipv6-icmp -m icmp6 --icmpv6-type 255", "proto 58 icmp-type 255"},
      {"! -s 8000::/2", "src ::/1 | src c000::/2"},
      {"", "dst ::/0"},
      {"-m frag --fragfirst --fragmore", "fragment = 4"},
      {"-m frag --fragmore", "fragment = 4,|= 2,&∋ ! 8"},
      {"-m frag --fragfirst",
       "! flowspec cannot tell a datagram in one piece with a fragment header from one "
       "without"},
      {"-m ipv6header ! --header ipv6-frag --soft", "! extension headers have no flowspec component"},
  }));
  CHECK(said(text, Family::ipv6) == components);
}

TEST_CASE("what no component says exactly is not said") {
  const auto [text, why] = GENERATE(table<const char*, const char*>({
      {"-p tcp -m tcp --tcp-option 3", "TCP options have no flowspec component"},
      {"-p sctp -m multiport --dports 80", "flowspec has no ports of protocol 132"},
      {"-p dccp -m multiport --dports 80", "flowspec has no ports of protocol 33"},
      {"-p udplite -m multiport --dports 80", "flowspec has no ports of protocol 136"},
      {"-m multiport --dports 80", "flowspec has no ports of protocol 0"},
      {"-p udp -m tcp --dport 80", "flowspec has no ports of protocol 17"},
      {"-p tcp -m icmp --icmp-type 8", "flowspec has no ICMP types of protocol 6"},
      {"-m hashlimit --hashlimit-upto 5/sec --hashlimit-name x",
       "of the rate limits flowspec has only one: bytes a second, of all packets together, above it"},
      {"-m hashlimit --hashlimit-above 5kb/s --hashlimit-mode srcip --hashlimit-name x",
       "of the rate limits flowspec has only one: bytes a second, of all packets together, above it"},
      {"-m u32 --u32 \"0=0\"", "u32 tests have no flowspec component"},
      {"-m ttl --ttl-eq 1", "not understood: -m ttl"},
      {"-m tos --tos 0x01/0x03", "flowspec has DSCP, and no component for the other two bits of TOS"},
  }));
  CHECK(said(text) == std::string("! ") + why);
}

TEST_CASE("with a condition that cannot be said the boxes hold what the others leave") {
  const RulePackets packets =
      packets_of(rule("-s 10.0.0.0/8 -m ttl --ttl-eq 1 -p udp", Family::ipv4), Family::ipv4);
  REQUIRE(packets.boxes.size() == 1);
  CHECK(to_string(components_of(packets.boxes[0]).at(0)) == "src 10.0.0.0/8 proto 17");
}

TEST_CASE("interfaces and connection states stay beside the components") {
  const Box box =
      packets_of(rule("-i eth0 ! -o br+ -m conntrack --ctstate NEW,RELATED -j ACCEPT", Family::ipv4),
                 Family::ipv4)
          .boxes.at(0);
  CHECK(box.in == InterfaceCondition{"eth0", {}});
  CHECK(box.out == InterfaceCondition{"", {"br+"}});
  CHECK(box.states == connection::in(ConntrackMatch::fresh | ConntrackMatch::related));
  const Box translated =
      packets_of(rule("-m conntrack ! --ctstate DNAT -j ACCEPT", Family::ipv4), Family::ipv4).boxes.at(0);
  CHECK((translated.states & connection::fresh) != 0);
  CHECK((translated.states & connection::fresh) != connection::fresh);
}

TEST_CASE("what the kernel holds and iptables has no words for is read as the kernel reads it") {
  Rule rule;
  rule.protocol = protocol::tcp;
  rule.matches = {TcpMatch{.source = {}, .destination = {90, 80}}};
  CHECK(said(rule) == "nothing");
  rule.matches = {MultiportMatch{}};
  CHECK(said(rule) == "nothing");
  rule.matches = {OpaqueMatch{"string", 1, {}}};
  CHECK(said(rule) == "! not understood: -m string");
  TcpMatch flags;
  flags.flags_mask = 2;
  flags.flags_set = 18;
  rule.matches = {flags};
  CHECK(said(rule) == "nothing");
  rule.matches = {LengthMatch{.first = 100, .last = 40}};
  CHECK(said(rule) == "nothing");
  rule.protocol = protocol::icmp;
  rule.matches = {IcmpMatch{.type = 3, .code_first = 7, .code_last = 4}};
  CHECK(said(rule) == "nothing");
  rule.matches = {IcmpMatch{.type = IcmpMatch::any_type, .code_first = 7, .code_last = 4}};
  CHECK(said(rule) == "proto 1 icmp-type 0-255");
}
