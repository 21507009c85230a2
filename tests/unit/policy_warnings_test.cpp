// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Policy parsed(const std::string& document) {
  return parse_policy(document, "p.json", nullptr);
}

using Texts = std::vector<std::string>;

Texts warnings_of_match(const std::string& match) {
  return policy_warnings(parsed(R"({"terms": [{"name": "t", "match": )" + match +
                                R"(, "then": "accept"}], "default": "reject"})"));
}

/// Of the terms a and b, with `between` between them.
Texts warnings_of_two(const std::string& a, const std::string& b, const std::string& between = "") {
  return policy_warnings(parsed(R"({"terms": [{"name": "a", "match": )" + a + R"(, "then": "reject"}, )" +
                                between + R"({"name": "b", "match": )" + b +
                                R"(, "then": "accept"}], "default": "reject"})"));
}

} // namespace

TEST_CASE("conditions that contradict each other are warned of") {
  struct Row {
    const char* match;
    const char* why;
  };
  const Row rows[] = {
      {R"({"family": "ipv4", "destination": {"within": ["2001:db8::/32"]}})",
       "2001:db8::/32 has no ipv4 prefix"},
      {R"({"family": "ipv6", "source": {"overlapping": ["10.0.0.0/8"]}})", "10.0.0.0/8 has no ipv6 prefix"},
      {R"({"destination": {"within": ["10.0.0.0/8"]}, "source": {"within": ["::/0"]}})",
       "for ipv4 ::/0 has no ipv4 prefix; for ipv6 10.0.0.0/8 has no ipv6 prefix"},
      {R"({"destination": {"within": ["10.0.0.0/8"], "overlapping": ["11.0.0.0/8"]}, "family": "ipv4"})",
       "a destination within 10.0.0.0/8 cannot overlap 11.0.0.0/8"},
      {R"({"family": "ipv4", "source": {"length": {"min": 33}}})", "no ipv4 prefix is as long as /33"},
      {R"({"family": "ipv4", "source": {"within": ["10.0.0.0/8"], "length": {"max": 7}}})",
       "no source within 10.0.0.0/8 is as short as /7"},
      {R"({"family": "ipv4", "source": {"within": ["10.0.0.0/8"]}, "components": {"absent": ["source"]}})",
       "a route without a source is for every address, which is not within 10.0.0.0/8"},
      {R"({"source": {"length": {"min": 1}}, "components": {"absent": ["source"]}})",
       "a route without a source has no prefix as long as /1"},
      {R"({"components": {"present": ["port"], "absent": ["port"]}})", "port is to be present and absent"},
      {R"({"protocol": {"within": ["tcp"], "overlapping": ["udp"]}})",
       "a protocol within 6 cannot overlap 17"},
      {R"({"port": [80], "components": {"absent": ["port"]}})",
       "a route without a port is for every value, which is not within 80"},
      {R"({"rate": {"above": 5, "below": 5}})", "no rate meets all that is asked of it"},
      {R"({"rate": {"above": 1, "below": 1.0000000000000002}})", "no rate meets all that is asked of it"},
      {R"({"rate": {"below": 0}})", "no rate meets all that is asked of it"},
      {R"({"actions": ["accept"], "rate": {"below": 5}})", "no rate meets all that is asked of it"},
      {R"({"actions": ["accept", "discard"]})", "no rate meets all that is asked of it"},
      {R"({"actions": ["rate", "discard"]})", "no rate meets all that is asked of it"},
      {R"({"actions": ["discard"], "rate": {"above": 0}})", "no rate meets all that is asked of it"},
  };
  for (const Row& row : rows) {
    INFO(row.match);
    CHECK(warnings_of_match(row.match) == Texts{"term t can never match: " + std::string(row.why)});
  }
}

TEST_CASE("conditions that some route meets are not warned of") {
  for (
      const char* match : {
          "{}",
          R"({"destination": {"within": ["10.0.0.0/8"], "overlapping": ["10.1.0.0/16"], "length": {"min": 8, "max": 8}}})",
          R"({"source": {"within": ["0.0.0.0/0"]}, "components": {"absent": ["source"]}})",
          R"({"source": {"length": {"min": 33}}})",
          R"({"port": ["0-65535"], "components": {"absent": ["port"]}})",
          R"({"port": {"overlapping": [80]}, "components": {"absent": ["port"]}})",
          R"({"rate": {"above": 0, "below": 1e-300}})",
          R"({"actions": ["discard"], "rate": {"below": 1}})",
          R"({"sequence": {"min": 18446744073709551615}})",
      }) {
    INFO(match);
    CHECK(warnings_of_match(match).empty());
  }
}

TEST_CASE("a term behind one that takes all of its routes is warned of") {
  const Texts warned{"term b can never match: term a, before it, rejects every such route"};
  struct Row {
    const char* first;
    const char* second;
    bool expected;
  };
  const Row rows[] = {
      {"{}", "{}", true},
      {"{}", R"({"sequence": "any", "port": [80]})", true},
      {R"({"family": "ipv4"})", R"({"destination": {"within": ["10.0.0.0/8"]}})", true},
      {R"({"family": "ipv6"})", R"({"destination": {"within": ["10.0.0.0/8"]}})", false},
      {R"({"destination": {"within": ["10.0.0.0/8"]}})",
       R"({"destination": {"within": ["10.1.0.0/16", "10.2.0.0/16"]}})", true},
      {R"({"destination": {"within": ["10.1.0.0/16"]}})", R"({"destination": {"within": ["10.0.0.0/8"]}})",
       false},
      {R"({"destination": {"within": ["10.0.0.0/8"]}})", R"({"source": {"within": ["10.0.0.0/8"]}})", false},
      {R"({"destination": {"overlapping": ["10.0.0.0/8"]}})",
       R"({"destination": {"within": ["10.1.0.0/16"]}})", true},
      {R"({"destination": {"overlapping": ["10.0.0.0/8"]}})",
       R"({"destination": {"overlapping": ["10.1.0.0/16"]}})", true},
      {R"({"destination": {"within": ["10.0.0.0/8"]}})",
       R"({"destination": {"overlapping": ["10.1.0.0/16"]}})", false},
      {R"({"destination": {"overlapping": ["10.0.0.0/8"]}})",
       R"({"family": "ipv4", "components": {"absent": ["destination"]}})", true},
      {R"({"destination": {"length": {"min": 8}}})", R"({"destination": {"within": ["10.0.0.0/8"]}})", true},
      {R"({"destination": {"length": {"min": 9}}})", R"({"destination": {"within": ["10.0.0.0/8"]}})", false},
      {R"({"destination": {"length": {"max": 8}}})", R"({"destination": {"length": {"max": 8}}})", true},
      {R"({"destination": {"length": {"max": 8}}})", R"({"components": {"absent": ["destination"]}})", true},
      {R"({"components": ["destination"]})", R"({"destination": {"length": {"min": 1}}})", true},
      {R"({"components": ["destination"]})", R"({"destination": {"within": ["0.0.0.0/0"]}})", false},
      {R"({"components": ["port"]})", R"({"port": [80]})", true},
      {R"({"components": ["port"]})", R"({"port": {"overlapping": [80]}})", false},
      {R"({"components": {"absent": ["port"]}})", R"({"components": {"absent": ["port", "dscp"]}})", true},
      {R"({"port": ["1-100"]})", R"({"port": [80, 90]})", true},
      {R"({"port": [80]})", R"({"port": [80, 90]})", false},
      {R"({"port": {"overlapping": ["1-100"]}})", R"({"port": {"overlapping": [80]}})", true},
      // A route may ask for a port that no packet has: it is within the set and
      // overlaps nothing.
      {R"({"port": {"overlapping": ["1-100"]}})", R"({"port": [80]})", false},
      {R"({"actions": ["sample"]})", R"({"actions": ["dscp", "sample"]})", true},
      {R"({"actions": ["sample", "dscp"]})", R"({"actions": ["sample"]})", false},
      {R"({"actions": ["rate"]})", R"({"rate": {"above": 5}})", true},
      {R"({"rate": {"above": 0}})", R"({"actions": ["rate"]})", true},
      {R"({"rate": {"below": 1}})", R"({"actions": ["discard"]})", true},
      {R"({"rate": {"above": 5}})", R"({"rate": {"above": 4}})", false},
      {R"({"actions": ["discard"]})", R"({"actions": ["accept"]})", false},
      {R"({"route_targets": ["1:1", "1:2"]})", R"({"route_targets": ["1:2"]})", true},
      {R"({"route_targets": ["1:1"]})", R"({"route_targets": ["1:1", "1:2"]})", false},
      {R"({"communities": ["1:1"]})", R"({"route_targets": ["1:1"]})", false},
      {R"({"sequence": "any"})", R"({"sequence": {"max": 5}})", true},
      {R"({"sequence": {"max": 5}})", R"({"sequence": "any"})", false},
      {R"({"sequence": "none"})", R"({"sequence": "none"})", true},
  };
  for (const Row& row : rows) {
    INFO(row.first << " then " << row.second);
    CHECK(warnings_of_two(row.first, row.second) == (row.expected ? warned : Texts{}));
  }
}

TEST_CASE("what is changed between two terms may make the later one match") {
  struct Row {
    std::string part; ///< of a route, that both are about
    const char* match;
    const char* then;
  };
  const Row rows[] = {
      {"rate", R"({"actions": ["discard"]})", R"({"set": {"rate": 0}})"},
      {"rate", R"({"rate": {"above": 5}})", R"({"set": {"rate": 6}})"},
      {"rate", R"({"actions": ["accept"]})", R"({"delete": ["rate"]})"},
      {"sample", R"({"actions": ["sample"]})", R"({"add": ["sample"]})"},
      {"dscp", R"({"actions": ["dscp"]})", R"({"set": {"dscp": 0}})"},
      {"redirect", R"({"actions": ["redirect"]})", R"({"set": {"redirect": "1:2"}})"},
      {"unknown", R"({"actions": ["unknown"]})", R"({"delete": ["unknown"]})"},
      {"sequence", R"({"sequence": "any"})", R"({"set": {"sequence": 5}})"},
      {"sequence", R"({"sequence": "none"})", R"({"delete": ["sequence"]})"},
  };
  for (const Row& asked : rows)
    for (const Row& changed : rows) {
      INFO(asked.match << " and " << changed.then);
      const std::string between =
          R"({"name": "c", "match": {"port": [80]}, "then": )" + std::string(changed.then) + "}, ";
      CHECK(warnings_of_two(asked.match, asked.match, between).empty() == (asked.part == changed.part));
    }
  // A term that takes every route takes what was changed, too, and leaves none to change.
  CHECK(
      warnings_of_two("{}", R"({"actions": ["discard"]})", R"({"name": "c", "then": {"set": {"rate": 0}}}, )")
          .size() == 2);
}

TEST_CASE("protections and lists without effect are warned of") {
  CHECK(policy_warnings(parsed(R"({
    "prefix_lists": {"idle": ["::/0"]},
    "protect": [
      {"destination": {"within": ["10.1.0.0/16"]}, "source": {"within": ["192.0.2.0/24"]}},
      {"destination": {"within": ["10.0.0.0/8"]}},
      {"destination": {"within": ["10.2.0.0/16"]}, "rate_below": 5},
      {"destination": {"within": ["11.0.0.0/8"]}, "rate_below": 5},
      {"destination": {"within": ["11.1.0.0/16"]}, "rate_below": 6},
      {"destination": {"within": ["11.2.0.0/16"]}},
      {"destination": {"within": ["2001:db8::/32"]}},
      {"destination": {"within": ["2001:db8::/32"]}}],
    "default": "reject"})")) == Texts{
                                    "the protection of destination 10.1.0.0/16 and source 192.0.2.0/24 "
                                    "has no effect: that of destination 10.0.0.0/8 is as strict",
                                    "the protection of destination 10.2.0.0/16 has no effect: that of "
                                    "destination 10.0.0.0/8 is as strict",
                                    "the protection of destination 2001:db8::/32 has no effect: that "
                                    "of destination 2001:db8::/32 is as strict",
                                    "prefix list idle is not used",
                                });
}
