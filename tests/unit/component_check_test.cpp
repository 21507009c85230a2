// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/decide.hpp"
#include "injector/component_check.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

ValueSet ports(std::vector<Interval> intervals) {
  return {domain::port, std::move(intervals)};
}
ValueSet protocol_set(std::uint32_t number) {
  return ValueSet::single(domain::protocol, number);
}

Question question(const char* source, const char* destination) {
  Question result;
  result.source = *parse_address(source);
  result.destination = *parse_address(destination);
  result.family = result.source.family;
  return result;
}

/// "holds", "fails: 81", "--dport, --fragment": the only component of `match`.
std::string checked(const Components& match, const Question& question) {
  const auto checks = check_components(match, question);
  REQUIRE(checks.size() == 1);
  const ComponentCheck& check = checks.front();
  return check.holding == Holding::holds   ? "holds"
         : check.holding == Holding::fails ? "fails: " + check.has
                                           : fmt::format("{}", fmt::join(check.options, ", "));
}

} // namespace

TEST_CASE("each component of a packet that is partly described holds, fails or is not told") {
  struct Row {
    std::function<void(Components&)> asks;
    std::function<void(Question&)> says;
    std::string expected;
  };
  const auto port = [](Components& match) { match.port = ports({{80, 80}}); };
  const auto dport = [](Components& match) { match.destination_port = ports({{80, 80}}); };
  const auto any_dport = [](Components& match) { match.destination_port = ValueSet::all(domain::port); };
  const auto icmp = [](Components& match) { match.icmp_type = ValueSet::single(domain::icmp, 8); };
  const auto syn = [](Components& match) { match.tcp_flags = BitTests{{{false, false, true, 2}}}; };
  const auto later = [](Components& match) {
    match.fragment = BitTests{{{false, false, false, fragment_bit::is_fragment}}};
  };
  const auto df = [](Components& match) {
    match.fragment = BitTests{{{false, false, false, fragment_bit::dont_fragment}}};
  };
  const auto length = [](Components& match) {
    match.packet_length = ValueSet(domain::packet_length, {{100, 200}});
  };
  const auto protocol_is = [](std::uint8_t number) { return [=](Question& q) { q.protocol = number; }; };
  const auto nothing = [](Question&) {};

  const std::vector<Row> rows{
      {[](Components& match) { match.destination = parse_prefix("10.0.0.0/8"); }, nothing, "holds"},
      {[](Components& match) { match.source = parse_prefix("10.9.0.0/16"); }, nothing, "fails: 10.0.0.1"},
      {[](Components& match) { match.protocol = protocol_set(6); }, nothing, "--proto"},
      {[](Components& match) { match.protocol = protocol_set(6); }, protocol_is(17), "fails: 17 (udp)"},
      {[](Components& match) { match.protocol = protocol_set(6); }, protocol_is(200), "fails: 200"},
      {[](Components& match) { match.protocol = ValueSet::all(domain::protocol); }, nothing, "holds"},
      // Ports: of TCP and UDP, not in later fragments.
      {dport, nothing, "--proto, --dport"},
      {dport, protocol_is(6), "--dport"},
      {dport, protocol_is(1), "fails: no ports: its protocol is 1 (icmp)"},
      {dport, [](Question& q) { q.fragment = FragmentPlace::middle; },
       "fails: no ports: it is a later fragment"},
      {dport, [](Question& q) { q.destination_port = std::uint16_t{81}; }, "fails: 81"},
      {dport, [](Question& q) { q.destination_port = std::uint16_t{80}; }, "--proto"},
      {any_dport, protocol_is(17), "--fragment"},
      {any_dport, nothing, "--proto, --fragment"},
      {any_dport,
       [](Question& q) {
         q.protocol = protocol::tcp;
         q.fragment = FragmentPlace::first;
       },
       "holds"},
      {any_dport,
       [](Question& q) {
         q.protocol = protocol::tcp;
         q.source_port = std::uint16_t{1};
       },
       "holds"},
      {port, protocol_is(17), "--sport, --dport"},
      {port,
       [](Question& q) {
         q.protocol = protocol::udp;
         q.source_port = std::uint16_t{80};
       },
       "holds"},
      {port,
       [](Question& q) {
         q.protocol = protocol::udp;
         q.source_port = std::uint16_t{53};
       },
       "--dport"},
      {port,
       [](Question& q) {
         q.protocol = protocol::udp;
         q.source_port = std::uint16_t{53};
         q.destination_port = std::uint16_t{54};
       },
       "fails: 53 (source) and 54 (destination)"},
      // ICMP and TCP flags.
      {icmp, nothing, "--proto, --icmp-type"},
      {icmp, protocol_is(58), "fails: no ICMP header: its protocol is 58 (icmpv6)"},
      {syn, protocol_is(17), "fails: no TCP flags: its protocol is 17 (udp)"},
      {syn, protocol_is(6), "--tcp-flags"},
      {syn,
       [](Question& q) {
         q.protocol = protocol::tcp;
         q.tcp_flags = std::uint16_t{0x14};
       },
       "fails: rst,ack (20)"},
      {syn, [](Question& q) { q.tcp_flags = std::uint16_t{0x800}; }, "fails: 2048"},
      {syn, [](Question& q) { q.tcp_flags = std::uint16_t{0}; }, "fails: none (0)"},
      // The IP header.
      {length, nothing, "--length"},
      {length, [](Question& q) { q.length = 201U; }, "fails: 201"},
      {[](Components& match) { match.dscp = ValueSet(domain::dscp); }, nothing, "fails: some other value"},
      {[](Components& match) { match.flow_label = ValueSet::all(domain::flow_label); }, nothing,
       "fails: no flow label: it is IPv4"},
      {later, nothing, "--fragment"},
      {later, [](Question& q) { q.destination_port = std::uint16_t{80}; }, "fails: 0 or 1 or 4 or 5"},
      {later, [](Question& q) { q.fragment = FragmentPlace::none; }, "fails: 0 or 1 (no fragment)"},
      {later,
       [](Question& q) {
         q.fragment = FragmentPlace::first;
         q.dont_fragment = false;
       },
       "fails: 4 (first fragment)"},
      {later, [](Question& q) { q.fragment = FragmentPlace::last; }, "holds"},
      {df, nothing, "--dont-fragment"},
      {df, [](Question& q) { q.dont_fragment = true; }, "holds"},
      {[](Components& match) {
         match.fragment = BitTests{{{false, false, true, fragment_bit::dont_fragment},
                                    {true, false, true, fragment_bit::last_fragment}}};
       },
       nothing, "--fragment, --dont-fragment"},
  };
  for (std::size_t index = 0; index < rows.size(); ++index) {
    Components match;
    rows[index].asks(match);
    Question asked = question("10.0.0.1", "10.0.3.10");
    rows[index].says(asked);
    CAPTURE(index, to_string(match));
    CHECK(checked(match, asked) == rows[index].expected);
  }
}

TEST_CASE("an IPv6 packet has no don't-fragment bit, a flow label, and its own ICMP") {
  const Question asked = question("2001:db8::1", "2001:db8::2");
  Components match;
  match.family = Family::ipv6;
  match.fragment = BitTests{{{false, false, false, fragment_bit::dont_fragment}}};
  CHECK(checked(match, asked) == "fails: 0 or 4 or 2 or 10");
  match.fragment.reset();
  match.flow_label = ValueSet::single(domain::flow_label, 5);
  CHECK(checked(match, asked) == "--flow-label");
  match.flow_label.reset();
  match.icmp_type = ValueSet::single(domain::icmp, 128);
  Question icmp = asked;
  icmp.protocol = protocol::icmp;
  CHECK(checked(match, icmp) == "fails: no ICMP header: its protocol is 1 (icmp)");
  match.icmp_type.reset();
  match.protocol = extension_headers().complement();
  CHECK(checked(match, asked) == "holds"); // whatever it is
}
