// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule_text.hpp"
#include "injector/compile.hpp"
#include "injector/rate_limit.hpp"
#include "injector/satisfiable.hpp"
#include "injector/wanted.hpp"

#include <catch2/catch.hpp>

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
    text += to_string(rule, Family::ipv4) + "\n";
  for (const Chain& chain : rules.chains)
    for (const Rule& rule : chain.rules)
      text += "[" + chain.name + "] " + to_string(rule, Family::ipv4) + "\n";
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
  CHECK(compiled(with(match)) == "-p tcp -m multiport --dports 80,443,8000:8080 # -j DROP\n");
  match.destination_port = ports({{0, 65535}}); // still only packets that have a port
  CHECK(compiled(with(match)) == "-p tcp -m tcp # -j DROP\n");
  match.protocol = octets({{0, 255}});
  CHECK(compiled(with(match)) == "-p tcp -m tcp # -j DROP\n-p udp -m udp # -j DROP\n");
}

TEST_CASE("a port component matches when the source or the destination port does") {
  Components match = ipv4();
  match.port = ports({{53, 53}});
  CHECK(compiled(with(match)) ==
        "-p tcp -m multiport --ports 53 # -j DROP\n-p udp -m multiport --ports 53 # -j DROP\n");
  match.protocol = octets({{6, 6}});
  match.destination_port = ports({{80, 90}});
  CHECK(compiled(with(match)) == "-p tcp -m tcp --dport 80:90 -m multiport --ports 53 # -j DROP\n");
  match.source_port = ports({{1, 1}, {3, 3}});
  match.destination_port = std::nullopt;
  match.port = ports({{0, 65535}});
  CHECK(compiled(with(match)) == "-p tcp -m multiport --sports 1,3 -m multiport --ports 0:65535 # -j DROP\n");
}

TEST_CASE("a mark on a packet that is discarded is nothing") {
  Entry entry = with(ipv4("10.0.0.0/8"));
  entry.actions.dscp_mark = 46;
  CHECK(compiled(entry) == "-d 10.0.0.0/8 # -j DROP\n");
  entry.actions.rate = std::nullopt;
  CHECK(compiled(entry) == "unsupported-action\n");
}

TEST_CASE("a port list that multiport cannot hold becomes several rules") {
  Components match = ipv4();
  match.protocol = octets({{17, 17}});
  std::vector<Interval> intervals;
  for (std::uint32_t port = 1; port <= 16; ++port)
    intervals.push_back({port * 10, port * 10});
  match.destination_port = ports(intervals);
  CHECK(compiled(with(match)) ==
        "-p udp -m multiport --dports 10,20,30,40,50,60,70,80,90,100,110,120,130,140,150 # -j DROP\n"
        "-p udp -m multiport --dports 160 # -j DROP\n");
  intervals.resize(14);
  intervals.push_back({200, 201}); // 14 slots and two more
  match.destination_port = ports(intervals);
  CHECK(compiled(with(match)) ==
        "-p udp -m multiport --dports 10,20,30,40,50,60,70,80,90,100,110,120,130,140 # -j DROP\n"
        "-p udp -m multiport --dports 200:201 # -j DROP\n");
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
        "-p icmp -m icmp --icmp-type 3/0 # -j DROP\n-p icmp -m icmp --icmp-type 3/4 # -j DROP\n"
        "-p icmp -m icmp --icmp-type 11/0 # -j DROP\n-p icmp -m icmp --icmp-type 11/4 # -j DROP\n");
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
  CHECK(rate_limit(1e-30, Family::ipv4, "b")->match.average == 0xffffffffU);
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
    return to_string(arrange({with(policy), with(ipv4("10.0.0.0/8"))}, options).chains[0].rules[0],
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

TEST_CASE("what has no rules yet is rejected by name, never left out of a rule") {
  const auto component = [](auto member, auto value) {
    Entry entry = with(ipv4("10.0.0.0/8"));
    entry.match.*member = value;
    const auto rejected = std::get<Rejected>(compile(entry, {}));
    return std::string(name(rejected.reason)) + ": " + rejected.detail.substr(0, rejected.detail.find(':'));
  };
  const BitTests syn{{{false, false, true, 2}}};
  CHECK(component(&Components::tcp_flags, syn) == "unsupported-component: tcp flags");
  CHECK(component(&Components::packet_length, ValueSet(65535, {{0, 99}})) ==
        "unsupported-component: packet length");
  CHECK(component(&Components::dscp, ValueSet(63, {{46, 46}})) == "unsupported-component: dscp");
  CHECK(component(&Components::fragment, syn) == "unsupported-component: fragment");
  CHECK(component(&Components::family, Family::ipv6) == "unsupported-component: IPv6");

  const auto action = [](auto member, auto value) {
    Entry entry = with(ipv4("10.0.0.0/8"), std::nullopt);
    entry.actions.*member = value;
    return std::string(name(std::get<Rejected>(compile(entry, {})).reason));
  };
  CHECK(action(&Actions::sample, true) == "unsupported-action");
  CHECK(action(&Actions::terminal, false) == "unsupported-action");
  CHECK(action(&Actions::dscp_mark, std::uint8_t{46}) == "unsupported-action");
  CHECK(action(&Actions::redirect, "65000:1") == "unsupported-action");
  CHECK(action(&Actions::unknown, std::vector<std::string>{"NH:10.0.0.1:0"}) == "unsupported-action");
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
