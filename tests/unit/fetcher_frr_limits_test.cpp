// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/frr_limits.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

ValueSet ports(std::vector<Interval> intervals) {
  return {domain::port, std::move(intervals)};
}

Components to_ports(std::vector<Interval> intervals) {
  Components match;
  match.protocol = ValueSet::single(domain::protocol, protocol::tcp);
  match.destination_port = ports(std::move(intervals));
  return match;
}

std::vector<std::string> split_text(const Components& match) {
  std::vector<std::string> text;
  for (const Components& part : frr::split(match))
    text.push_back(to_string(part));
  return text;
}

using Parts = std::vector<std::string>;

} // namespace

TEST_CASE("a value takes one pair, a range two") {
  CHECK(frr::pairs(ports({})) == 0);
  CHECK(frr::pairs(ports({{80, 80}})) == 1);
  CHECK(frr::pairs(ports({{80, 80}, {90, 91}, {0, 5}})) == 5);
  CHECK(frr::pairs(ValueSet::all(domain::port)) == 2);
}

TEST_CASE("what FRR takes is left whole") {
  CHECK(split_text(to_ports({{1, 1}, {3, 3}, {5, 5}, {7, 7}, {9, 9}})) == Parts{"proto 6 dport 1,3,5,7,9"});
  CHECK(split_text(to_ports({{1, 1}, {10, 20}, {30, 40}})) == Parts{"proto 6 dport 1,10-20,30-40"});
  CHECK(split_text(to_ports({{0, 65535}})) == Parts{"proto 6 dport 0-65535"});
}

TEST_CASE("longer lists become several matches") {
  CHECK(split_text(to_ports({{1, 1}, {3, 3}, {5, 5}, {7, 7}, {9, 9}, {11, 11}})) ==
        Parts{"proto 6 dport 1,3,5,7,9", "proto 6 dport 11"});
  CHECK(split_text(to_ports({{1, 2}, {4, 5}, {7, 8}, {10, 10}})) ==
        Parts{"proto 6 dport 1-2,4-5", "proto 6 dport 7-8,10"});
  Components both = to_ports({{1, 2}, {4, 5}, {7, 8}});
  both.source_port = ports({{10, 11}, {13, 14}, {16, 17}});
  CHECK(split_text(both) == Parts{"proto 6 dport 1-2,4-5 sport 10-11,13-14",
                                  "proto 6 dport 1-2,4-5 sport 16-17", "proto 6 dport 7-8 sport 10-11,13-14",
                                  "proto 6 dport 7-8 sport 16-17"});
}

TEST_CASE("one interval alone comes back from FRR's text, wherever it lies") {
  const auto [first, last] = GENERATE(table<std::uint32_t, std::uint32_t>(
      {{0, 0}, {0, 1}, {0, 65534}, {1, 65535}, {65535, 65535}, {65534, 65535}, {1, 2}, {5, 60000}}));
  CHECK(frr::takes(to_ports({{first, last}})));
}

TEST_CASE("what FRR does not take") {
  Components none;
  CHECK_FALSE(frr::takes(none));
  CHECK(frr::split(none).empty());
  CHECK_FALSE(frr::takes(to_ports({})));
  CHECK(frr::split(to_ports({})).empty());
  CHECK_FALSE(frr::takes(to_ports({{1, 1}, {3, 3}, {5, 5}, {7, 7}, {9, 9}, {11, 11}})));
  Components flags;
  flags.tcp_flags = BitTests{std::vector<BitTest>(6, BitTest{.match = true, .value = 2})};
  CHECK_FALSE(frr::takes(flags));
  CHECK(frr::split(flags).empty());
  flags.tcp_flags->tests.pop_back();
  CHECK(frr::takes(flags));
}

TEST_CASE("no match of components that fit is too long for FRR") {
  const auto full = [](std::uint32_t max) {
    return ValueSet(max, {{max - 10, max - 9}, {max - 7, max - 6}, {max - 4, max - 4}});
  };
  Components match;
  match.family = Family::ipv6;
  match.destination = Prefix::masked(*parse_address("2001:db8::1"), 128);
  match.source = match.destination;
  match.protocol = full(domain::protocol);
  match.port = match.destination_port = match.source_port = full(domain::port);
  match.icmp_type = match.icmp_code = full(domain::icmp);
  match.tcp_flags = BitTests{std::vector<BitTest>(5, BitTest{.match = true, .value = 0x100})};
  match.packet_length = full(domain::packet_length);
  match.dscp = full(domain::dscp);
  match.fragment = BitTests{std::vector<BitTest>(5, BitTest{.match = true, .value = 2})};
  match.flow_label = full(domain::flow_label);
  CHECK(frr::takes(match));
  CHECK(canonical_nlri(match).size() <= frr::most_bytes);
}
