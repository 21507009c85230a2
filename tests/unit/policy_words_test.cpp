// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Policy parsed(const std::string& document) {
  return parse_policy(document, "p.json", nullptr);
}

} // namespace

TEST_CASE("a policy in words") {
  CHECK(policy_text(parsed(test_data("policies/good/issue.json"))) ==
        "protect destination 10.255.0.0/16: no entry touches it\n"
        "term no-redirect: action redirect: delete the redirect, go on\n"
        "term floor: rate above 0 B/s, rate below 125000 B/s: set rate 125000 B/s, go on\n"
        "term ours: destination within 10.0.0.0/8: accept\n"
        "the default: reject\n");
  CHECK(policy_text(parsed(R"({"default": "accept"})")) == "the default: accept\n");
}

TEST_CASE("every condition and every change has words") {
  const std::string text = policy_text(parsed(R"({
    "protect": [{"destination": {"within": ["10.0.0.0/8"]}, "source": {"within": ["192.0.2.1/32"]}, "rate_below": 5}],
    "terms": [
      {"name": "all", "then": {"set": {"dscp": 1, "sequence": 2, "redirect": "1:2"}, "delete": ["rate", "sample", "unknown"]}},
      {"name": "most", "match": {"family": "ipv4", "source": {"overlapping": ["10.0.0.0/8"], "length": {"min": 1, "max": 9}},
        "components": {"present": ["port", "dscp"], "absent": ["fragment", "icmp_type"]}, "protocol": ["tcp"],
        "port": {"overlapping": ["1-5", 9]}, "route_targets": ["1:1", "1:2"], "communities": ["FS:marking 10"],
        "sequence": {"max": 8}}, "then": {"delete": ["dscp", "redirect", "sequence"], "add": ["sample"]}},
      {"name": "none", "match": {"sequence": "none", "destination": {"length": {"min": 8}}}, "then": "reject"}],
    "default": "accept"})"));
  CHECK(text ==
        "protect destination 10.0.0.0/8 and source 192.0.2.1/32: no discard and no rate below 5 B/s touches "
        "it\n"
        "term all: every route: delete the rate, delete sample, delete unknown actions, set dscp 1, "
        "set redirect 1:2, set sequence number 2, go on\n"
        "term most: family ipv4, source overlapping 10.0.0.0/8, source length 1 to 9, with port and dscp, "
        "without icmp_type or fragment, protocol within 6, port overlapping 1-5,9, route target 1:1 or 1:2, "
        "community FS:marking 10, sequence number at most 8: delete the dscp mark, delete the redirect, "
        "delete the sequence number, add sample, go on\n"
        "term none: destination length at least 8, no sequence number: reject\n"
        "the default: accept\n");
}

TEST_CASE("a long list is cut in words") {
  std::string prefixes;
  for (int number = 0; number < 20; number += 2)
    prefixes += (number == 0 ? "\"10." : ", \"10.") + std::to_string(number) + ".0.0/16\"";
  CHECK_THAT(policy_text(parsed(R"({"terms": [{"name": "t", "match": {"source": {"within": [)" + prefixes +
                                R"(]}}, "then": "accept"}], "default": "reject"})")),
             Catch::StartsWith("term t: source within 10.0.0.0/16, ") &&
                 Catch::Contains(", 10.14.0.0/16 and 2 more: accept\n"));
}
