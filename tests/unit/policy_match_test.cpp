// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace flowspec;

namespace {

TermMatch match_of(const std::string& match) {
  return parse_policy(R"({"terms": [{"name": "t", "match": )" + match +
                          R"(, "then": "accept"}], "default": "reject"})",
                      "p.json", nullptr)
      .terms.at(0)
      .match;
}

Entry to(std::string_view destination) {
  Entry entry;
  entry.match.destination = parse_prefix(destination).value();
  entry.match.family = entry.match.destination->family();
  return entry;
}

Entry with_rate(double rate) {
  Entry entry;
  entry.actions.rate = rate;
  return entry;
}

Entry with_ports(std::vector<Interval> ports) {
  Entry entry;
  entry.match.port = ValueSet(65535, std::move(ports));
  return entry;
}

} // namespace

TEST_CASE("conditions on a prefix") {
  Entry everything;
  Entry everything6;
  everything6.match.family = Family::ipv6;
  Entry pattern; // RFC 8956: bits 64 to 72 only
  pattern.match.family = Family::ipv6;
  pattern.match.destination = Prefix::masked(parse_address("::12:0:0:0").value(), 72, 64);

  struct Row {
    const char* match;
    Entry entry;
    bool expected;
  };
  const Row rows[] = {
      {R"({"destination": {"within": ["10.0.0.0/8"]}})", to("10.0.0.0/8"), true},
      {R"({"destination": {"within": ["10.0.0.0/8"]}})", to("10.9.0.0/16"), true},
      {R"({"destination": {"within": ["10.0.0.0/8"]}})", to("10.0.0.0/7"), false},
      {R"({"destination": {"within": ["10.0.0.0/9", "10.128.0.0/9"]}})", to("10.0.0.0/8"), true},
      {R"({"destination": {"within": ["10.0.0.0/8"]}})", everything, false},
      {R"({"destination": {"within": ["0.0.0.0/0"]}})", everything, true},
      {R"({"destination": {"within": ["0.0.0.0/1", "128.0.0.0/1"]}})", everything, true},
      {R"({"destination": {"within": ["0.0.0.0/0"]}})", everything6, false},
      {R"({"destination": {"within": ["::/0"]}})", pattern, false},
      {R"({"destination": {"overlapping": ["10.0.0.0/8"]}})", to("0.0.0.0/0"), true},
      {R"({"destination": {"overlapping": ["10.0.0.0/8"]}})", to("10.1.0.0/16"), true},
      {R"({"destination": {"overlapping": ["10.0.0.0/8"]}})", to("11.0.0.0/8"), false},
      {R"({"destination": {"overlapping": ["10.0.0.0/8"]}})", everything, true},
      {R"({"destination": {"overlapping": ["10.0.0.0/8"]}})", everything6, false},
      {R"({"destination": {"overlapping": ["2001:db8::/32"]}})", pattern, true},
      {R"({"destination": {"length": {"min": 24}}})", to("10.0.0.0/24"), true},
      {R"({"destination": {"length": {"min": 25}}})", to("10.0.0.0/24"), false},
      {R"({"destination": {"length": {"max": 24}}})", to("10.0.0.0/24"), true},
      {R"({"destination": {"length": {"max": 23}}})", to("10.0.0.0/24"), false},
      {R"({"destination": {"length": {"max": 0}}})", everything, true},
      {R"({"destination": {"length": {"min": 1}}})", everything, false},
      {R"({"source": {"within": ["10.0.0.0/8"]}})", to("10.0.0.0/8"), false},
      {R"({"source": {"overlapping": ["10.0.0.0/8"]}})", to("192.0.2.0/24"), true},
      {R"({"family": "ipv4"})", everything, true},
      {R"({"family": "ipv6"})", everything, false},
  };
  for (const Row& row : rows) {
    INFO(row.match << " " << to_string(row.entry.match));
    CHECK(matches(match_of(row.match), row.entry) == row.expected);
  }
}

TEST_CASE("conditions on values and components") {
  const Entry none;
  const Entry never = with_ports({});
  struct Row {
    const char* match;
    Entry entry;
    bool expected;
  };
  const Row rows[] = {
      {R"({"port": [80, "443-445"]})", with_ports({{80, 80}, {444, 445}}), true},
      {R"({"port": [80, "443-445"]})", with_ports({{80, 80}, {442, 445}}), false},
      {R"({"port": [80]})", none, false},
      {R"({"port": ["0-65535"]})", none, true},
      {R"({"port": [80]})", never, true}, // no value is outside
      {R"({"port": {"overlapping": [80, 81]}})", with_ports({{1, 80}}), true},
      {R"({"port": {"overlapping": [80, 81]}})", with_ports({{1, 79}, {82, 90}}), false},
      {R"({"port": {"overlapping": [80]}})", none, true},
      {R"({"port": {"overlapping": [80]}})", never, false},
      {R"({"port": {"within": ["1-100"], "overlapping": [80]}})", with_ports({{1, 80}}), true},
      {R"({"port": {"within": ["1-70"], "overlapping": [80]}})", with_ports({{1, 80}}), false},
      {R"({"destination_port": [80]})", with_ports({{80, 80}}), false},
      {R"({"components": ["port"]})", with_ports({{80, 80}}), true},
      {R"({"components": ["port", "protocol"]})", with_ports({{80, 80}}), false},
      {R"({"components": {"absent": ["port"]}})", with_ports({{80, 80}}), false},
      {R"({"components": {"absent": ["protocol", "fragment"]}})", with_ports({{80, 80}}), true},
  };
  for (const Row& row : rows) {
    INFO(row.match << " " << to_string(row.entry.match));
    CHECK(matches(match_of(row.match), row.entry) == row.expected);
  }
}

TEST_CASE("conditions on actions, communities and the sequence number") {
  Entry rich = with_rate(1000);
  rich.actions.sample = true;
  rich.actions.dscp_mark = 0;
  rich.actions.redirect = "65000:1";
  rich.actions.unknown = {"UNK:128, 9"};
  rich.route_targets = {"65000:101", "65000:102"};
  rich.communities = {"65000:101", "65000:102", "FS:marking 10"};
  rich.sequence = 7;
  const Entry plain;
  struct Row {
    const char* match;
    Entry entry;
    bool expected;
  };
  const Row rows[] = {
      {R"({"actions": ["accept"]})", plain, true},
      {R"({"actions": ["accept"]})", with_rate(0), false},
      {R"({"actions": ["discard"]})", with_rate(0), true},
      {R"({"actions": ["discard"]})", with_rate(0.001), false},
      {R"({"actions": ["discard"]})", plain, false},
      {R"({"actions": ["rate"]})", with_rate(0.001), true},
      {R"({"actions": ["rate"]})", with_rate(0), false},
      {R"({"actions": ["rate", "sample", "dscp", "redirect", "unknown"]})", rich, true},
      {R"({"actions": ["sample"]})", plain, false},
      {R"({"actions": ["dscp"]})", plain, false},
      {R"({"actions": ["redirect"]})", plain, false},
      {R"({"actions": ["unknown"]})", plain, false},
      {R"({"rate": {"above": 0}})", with_rate(0), false},
      {R"({"rate": {"above": 0}})", with_rate(1), true},
      {R"({"rate": {"below": 1}})", with_rate(0), true},
      {R"({"rate": {"below": 1}})", with_rate(1), false},
      {R"({"rate": {"below": 1}})", plain, false},
      {R"({"rate": {"above": 5}})", with_rate(HUGE_VAL), true},
      {R"({"route_targets": ["1:1", "65000:102"]})", rich, true},
      {R"({"route_targets": ["65000:10"]})", rich, false},
      {R"({"route_targets": ["65000:10"]})", plain, false},
      {R"({"communities": ["FS:marking 10"]})", rich, true},
      {R"({"communities": ["FS:marking 1"]})", rich, false},
      {R"({"sequence": "any"})", rich, true},
      {R"({"sequence": "any"})", plain, false},
      {R"({"sequence": "none"})", plain, true},
      {R"({"sequence": "none"})", rich, false},
      {R"({"sequence": {"min": 7, "max": 7}})", rich, true},
      {R"({"sequence": {"min": 8}})", rich, false},
      {R"({"sequence": {"max": 6}})", rich, false},
      {R"({"sequence": {"max": 6}})", plain, false},
  };
  for (const Row& row : rows) {
    INFO(row.match << " " << to_string(row.entry.actions));
    CHECK(matches(match_of(row.match), row.entry) == row.expected);
  }
}
