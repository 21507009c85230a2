// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/bird_route.hpp"

#include <catch2/catch.hpp>

#include <functional>

using namespace flowspec;

namespace {

const SequenceCarrier by_target{};
const SequenceCarrier by_marking{SequenceCarrier::Kind::marking, 0};
const SequenceCarrier no_carrier{SequenceCarrier::Kind::none, 0};

Components ipv4() {
  return {};
}

Components ipv6() {
  Components match;
  match.family = Family::ipv6;
  return match;
}

Components with(Components match, const std::function<void(Components&)>& change) {
  change(match);
  return match;
}

std::string flags(std::vector<BitTest> tests) {
  Components match;
  match.tcp_flags = BitTests{std::move(tests)};
  return bird_match(match);
}

Entry discard(std::optional<std::uint64_t> sequence) {
  Entry entry;
  entry.match.destination = parse_prefix("10.0.0.0/8");
  entry.actions.rate = 0;
  entry.sequence = sequence;
  return entry;
}

} // namespace

TEST_CASE("every component in BIRD's words") {
  Components match;
  match.destination = parse_prefix("10.1.2.3/32");
  match.source = parse_prefix("0.0.0.0/0");
  match.protocol = ValueSet::single(domain::protocol, 6);
  match.port = ValueSet::all(domain::port);
  match.destination_port = ValueSet(domain::port, {{80, 80}, {443, 443}, {8000, 8080}});
  match.source_port = ValueSet(domain::port, {{1024, 65535}});
  match.icmp_type = ValueSet(domain::icmp, {{3, 3}, {8, 8}});
  match.icmp_code = ValueSet(domain::icmp, {{0, 4}});
  match.packet_length = ValueSet(domain::packet_length, {{40, 1500}});
  match.dscp = ValueSet(domain::dscp, {{46, 46}});
  CHECK(bird_match(match) == "flow4 { dst 10.1.2.3/32; src 0.0.0.0/0; proto 6; port 0..65535; "
                             "dport 80,443,8000..8080; sport 1024..65535; icmp type 3,8; icmp code 0..4; "
                             "length 40..1500; dscp 46; }");
  CHECK(bird_match(ipv4()) == "flow4 { }");

  match = ipv6();
  match.destination = parse_prefix("2001:db8::/32");
  match.source = Prefix::masked(*parse_address("::1234:5678:9a00:0"), 104, 64);
  match.protocol = ValueSet::single(domain::protocol, 58);
  match.flow_label = ValueSet(domain::flow_label, {{5, 5}, {7, 1048575}});
  CHECK(bird_match(match) == "flow6 { dst 2001:db8::/32; src ::1234:5678:9a00:0/104 offset 64; next header "
                             "58; label 5,7..1048575; }");
}

TEST_CASE("each bit test of TCP flags is one pair of BIRD's") {
  CHECK(flags({{.match = true, .value = 0x12}}) == "flow4 { tcp flags 0x12/0x12; }");
  CHECK(flags({{.negated = true, .match = true, .value = 0x12}}) == "flow4 { tcp flags !0x12/0x12; }");
  CHECK(flags({{.value = 0x12}}) == "flow4 { tcp flags !0x0/0x12; }");
  CHECK(flags({{.negated = true, .value = 0x12}}) == "flow4 { tcp flags 0x0/0x12; }");
  CHECK(flags({{.match = true, .value = 2},
               {.and_with_previous = true, .negated = true, .value = 0x10},
               {.value = 4}}) == "flow4 { tcp flags 0x2/0x2 && 0x0/0x10 || !0x0/0x4; }");
  // The first AND bit joins nothing.
  CHECK(flags({{.and_with_previous = true, .match = true, .value = 2}}) == "flow4 { tcp flags 0x2/0x2; }");
}

TEST_CASE("fragment bits are words") {
  Components match;
  match.fragment = BitTests{
      {{.value = fragment_bit::is_fragment},
       {.and_with_previous = true, .negated = true, .match = true, .value = fragment_bit::first_fragment},
       {.match = true, .value = fragment_bit::dont_fragment},
       {.negated = true, .value = fragment_bit::last_fragment}}};
  CHECK(bird_match(match) ==
        "flow4 { fragment is_fragment && !first_fragment || dont_fragment || !last_fragment; }");
}

TEST_CASE("what BIRD has no words for is refused") {
  const Components match = GENERATE(
      with(ipv4(), [](auto& m) { m.protocol = ValueSet(domain::protocol); }),
      with(ipv4(), [](auto& m) { m.flow_label = ValueSet::single(domain::flow_label, 1); }),
      with(ipv4(), [](auto& m) { m.tcp_flags = BitTests{{{.value = 0}}}; }),
      with(ipv4(), [](auto& m) { m.tcp_flags = BitTests{{{.value = 0x1000}}}; }),
      with(ipv4(), [](auto& m) { m.tcp_flags = BitTests{}; }),
      with(ipv4(), [](auto& m) { m.fragment = BitTests{}; }),
      with(ipv4(), [](auto& m) { m.fragment = BitTests{{{.value = 3}}}; }),
      with(ipv4(), [](auto& m) { m.fragment = BitTests{{{.value = 16}}}; }),
      with(ipv6(), [](auto& m) { m.fragment = BitTests{{{.value = fragment_bit::dont_fragment}}}; }));
  CHECK_THROWS_AS(bird_match(match), std::invalid_argument);
}

TEST_CASE("actions and sequence numbers as communities") {
  CHECK(bird_route(discard(3), by_target) ==
        "route flow4 { dst 10.0.0.0/8; } { bgp_ext_community.add((generic, 0x80060000, 0x0)); "
        "bgp_ext_community.add((rt, 65535, 3)); };");
  CHECK(bird_route(discard(std::nullopt), by_target) ==
        "route flow4 { dst 10.0.0.0/8; } { bgp_ext_community.add((generic, 0x80060000, 0x0)); };");
  Entry accept = discard(3);
  accept.actions.rate.reset();
  CHECK(bird_route(accept, by_marking) ==
        "route flow4 { dst 10.0.0.0/8; } { bgp_ext_community.add((generic, 0x80090000, 0x3)); };");
  CHECK(bird_route(accept, no_carrier) == "route flow4 { dst 10.0.0.0/8; };");
  CHECK(bird_communities(accept, {SequenceCarrier::Kind::route_target, 64512}) ==
        "bgp_ext_community.add((rt, 64512, 3));");

  Entry all = discard(std::nullopt);
  all.actions.rate = 1000;
  all.actions.sample = true;
  all.actions.terminal = false;
  all.actions.dscp_mark = 46;
  all.actions.redirect = "65000:4294967295";
  all.route_targets = {"65000:7"};
  CHECK(bird_communities(all, by_target) ==
        "bgp_ext_community.add((generic, 0x80060000, 0x447a0000)); bgp_ext_community.add((generic, "
        "0x80070000, 0x3)); "
        "bgp_ext_community.add((generic, 0x8008fde8, 0xffffffff)); "
        "bgp_ext_community.add((generic, 0x80090000, 0x2e)); bgp_ext_community.add((rt, 65000, 7));");
}

TEST_CASE("a number that its carrier does not hold is refused") {
  CHECK_NOTHROW(bird_route(discard(255), by_marking));
  CHECK_THROWS_WITH(bird_route(discard(256), by_marking),
                    "sequence number 256 is over 255, the largest that --sequence marking carries");
  CHECK_NOTHROW(bird_route(discard(0xffffffff), by_target));
  CHECK_THROWS_AS(bird_route(discard(0x100000000), by_target), Error);
  CHECK_NOTHROW(bird_route(discard(0x100000000), no_carrier));
}

TEST_CASE("communities that would say something else are refused") {
  Entry entry = discard(3);
  entry.actions.dscp_mark = 46;
  CHECK_NOTHROW(bird_route(entry, by_target));
  CHECK_THROWS_AS(bird_route(entry, by_marking), std::invalid_argument);
  entry = discard(3);
  entry.actions.unknown = {"UNK:128, 12"};
  CHECK_THROWS_AS(bird_route(entry, by_target), std::invalid_argument);
  entry = discard(3);
  const std::string target =
      GENERATE(values<std::string>({"", "1", "1:", ":1", "1:2:3", "65536:1", "1:4294967296", "1:2 "}));
  entry.route_targets = {target};
  CHECK_THROWS_AS(bird_route(entry, by_target), std::invalid_argument);
}
