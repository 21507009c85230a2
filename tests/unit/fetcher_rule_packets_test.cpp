// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/rule_components.hpp"
#include "fetcher/save_text.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Rule rule(const std::string& text, Family family) {
  return parse_save("*filter\n:FORWARD DROP [0:0]\n:mine - [0:0]\n-A FORWARD " + text + "\nCOMMIT\n", family)
      .find("FORWARD")
      ->rules.at(0);
}

/// The components in words, or "! " and why there are none.
std::string said(const Rule& rule, Family family = Family::ipv4) {
  const auto result = components_of(rule, family);
  if (const auto* unsayable = std::get_if<Unsayable>(&result))
    return "! " + unsayable->why;
  const Components& match = std::get<Components>(result);
  return (matches_nothing(match) ? "nothing: " : "") + to_string(match);
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
      // Several conditions on one component.
      {"-p tcp -m tcp --dport 80:90 -m multiport --dports 22,85,90:99", "proto 6 dport 85,90"},
      {"-p tcp -m multiport --dports 1:9 -m multiport --dports 5:20", "proto 6 dport 5-9"},
      {"-p tcp -m multiport --ports 1:9 -m multiport --ports 5,6", "proto 6 port 5-6"},
      {"-p tcp -m multiport --ports 80 -m tcp --sport 1024:", "proto 6 port 80 sport 1024-65535"},
      {"-p icmp -m icmp --icmp-type any -m icmp --icmp-type 8", "proto 1 icmp-type 8"},
      // Every packet: neither the empty route nor the default policy.
      {"", "dst 0.0.0.0/0"},
      {"-s 0.0.0.0/0 -d 0.0.0.0/0", "dst 0.0.0.0/0"},
      // No packet.
      {"-p tcp -m tcp --dport 80 -m multiport --dports 22,443", "nothing: proto 6 dport none"},
      {"-p icmp -m icmp --icmp-type 3 -m icmp --icmp-type 8", "nothing: proto 1 icmp-type none"},
  }));
  CHECK(said(text) == components);
}

TEST_CASE("a rule's match as components, IPv6") {
  const auto [text, components] = GENERATE(table<const char*, const char*>({
      {"-s 2001:db8::/32 -p tcp -m tcp --dport 80", "src 2001:db8::/32 proto 6 dport 80"},
      {"-p ipv6-icmp -m icmp6 --icmpv6-type 1/4", "proto 58 icmp-type 1 icmp-code 4"},
      // 255 is a type like any other there.
      {"-p ipv6-icmp -m icmp6 --icmpv6-type 255", "proto 58 icmp-type 255"},
      {"", "dst ::/0"},
  }));
  CHECK(said(text, Family::ipv6) == components);
}

TEST_CASE("what no component says exactly is not said") {
  const auto [text, why] = GENERATE(table<const char*, const char*>({
      {"! -s 10.0.0.0/8", "negated addresses and protocols are not published yet"},
      {"! -d 10.0.0.0/8", "negated addresses and protocols are not published yet"},
      {"! -s 0.0.0.0/0", "negated addresses and protocols are not published yet"},
      {"! -p tcp", "negated addresses and protocols are not published yet"},
      {"-i eth0", "interfaces have no flowspec component"},
      {"-o eth0", "interfaces have no flowspec component"},
      {"! -i +", "interfaces have no flowspec component"},
      {"-f", "fragments are not published yet"},
      {"! -f", "fragments are not published yet"},
      {"-p tcp -m tcp ! --dport 80", "negated ports are not published yet"},
      {"-p udp -m udp ! --sport 80", "negated ports are not published yet"},
      {"-p tcp -m multiport ! --dports 80", "negated ports are not published yet"},
      {"-p icmp -m icmp ! --icmp-type 8", "negated ICMP types are not published yet"},
      {"-p tcp -m tcp --tcp-flags SYN SYN", "TCP flags are not published yet"},
      {"-p tcp -m tcp --tcp-option 3", "TCP options have no flowspec component"},
      {"-p sctp -m multiport --dports 80", "flowspec has no ports of protocol 132"},
      {"-p dccp -m multiport --dports 80", "flowspec has no ports of protocol 33"},
      {"-p udplite -m multiport --dports 80", "flowspec has no ports of protocol 136"},
      {"-m multiport --dports 80", "flowspec has no ports of protocol 0"},
      {"-p udp -m tcp --dport 80", "flowspec has no ports of protocol 17"},
      {"-p tcp -m icmp --icmp-type 8", "flowspec has no ICMP types of protocol 6"},
      {"-p tcp -m multiport --ports 80,443 -m multiport --ports 443,22",
       "two lists of ports for either side cannot be said in one route"},
      {"-m conntrack --ctstate NEW", "a connection's state has no flowspec component"},
      {"-m hashlimit --hashlimit-upto 5/sec --hashlimit-name x", "rate limits are not published yet"},
      {"-m u32 --u32 \"0=0\"", "u32 tests have no flowspec component"},
      {"-m ttl --ttl-eq 1", "not understood: -m ttl"},
  }));
  CHECK(said(text) == std::string("! ") + why);
}

TEST_CASE("what the kernel holds and iptables has no words for is read as the kernel reads it") {
  Rule rule;
  rule.protocol = protocol::tcp;
  rule.matches = {TcpMatch{.source = {}, .destination = {90, 80}}};
  CHECK(said(rule) == "nothing: proto 6 dport none");
  rule.matches = {MultiportMatch{}};
  CHECK(said(rule) == "nothing: proto 6 dport none");
  rule.matches = {OpaqueMatch{"string", 1, {}}};
  CHECK(said(rule) == "! not understood: -m string");
  rule.protocol = protocol::icmp;
  rule.matches = {IcmpMatch{.type = 3, .code_first = 7, .code_last = 4}};
  CHECK(said(rule) == "nothing: proto 1 icmp-type 3 icmp-code none");
  rule.matches = {IcmpMatch{.type = IcmpMatch::any_type, .code_first = 7, .code_last = 4}};
  CHECK(said(rule) == "proto 1 icmp-type 0-255");
}

TEST_CASE("the rule that accepts known connections") {
  const auto [text, is] = GENERATE(table<const char*, bool>({
      {"-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", true},
      {"-m state --state ESTABLISHED -j ACCEPT", true},
      {"-m comment --comment x -m conntrack --ctstate RELATED -m comment --comment y -j ACCEPT", true},
      {"-m conntrack --ctstate RELATED,ESTABLISHED -j DROP", false},
      {"-m conntrack --ctstate RELATED,ESTABLISHED", false},
      {"-m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", false},
      {"-m conntrack ! --ctstate ESTABLISHED -j ACCEPT", false},
      {"-m conntrack --ctstate ESTABLISHED -s 10.0.0.0/8 -j ACCEPT", false},
      {"-m conntrack --ctstate ESTABLISHED -p tcp -j ACCEPT", false},
      {"-m conntrack --ctstate ESTABLISHED -i eth0 -j ACCEPT", false},
      {"-m conntrack --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT", false},
      {"-m conntrack --ctstate ESTABLISHED -m conntrack --ctstate RELATED -j ACCEPT", false},
      {"-j ACCEPT", false},
  }));
  INFO(text);
  CHECK(accepts_known_connections(rule(text, Family::ipv4)) == is);
}
