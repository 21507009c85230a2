// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules about a packet's length, DSCP and extension headers, and those that change a packet or take a copy.
#include "fetcher/publication.hpp"
#include "fetcher/rule_components.hpp"
#include "fetcher/save_text.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Ruleset ruleset(const std::string& rule, Family family) {
  return parse_save("*filter\n:FORWARD DROP [0:0]\n-A FORWARD " + rule + "\nCOMMIT\n", family);
}

std::string said(const std::string& text, Family family = Family::ipv4) {
  const auto result = components_of(ruleset(text, family).find("FORWARD")->rules.at(0), family);
  if (const auto* unsayable = std::get_if<Unsayable>(&result))
    return "! " + unsayable->why;
  const Components& match = std::get<Components>(result);
  return (matches_nothing(match) ? "nothing: " : "") + to_string(match);
}

} // namespace

TEST_CASE("lengths and DSCPs as components") {
  const auto [text, components] = GENERATE(table<const char*, const char*>({
      {"-m length --length 40:100", "length 40-100"},
      {"-m length --length 40", "length 40"},
      {"-m length ! --length 40:100", "length 0-39,101-65535"},
      {"-m length --length 40:100 -m length ! --length 50:65535", "length 40-49"},
      {"-m length --length 40 -m length --length 41", "nothing: length none"},
      {"-m length ! --length 0:65535", "nothing: length none"},
      {"-m dscp --dscp 0x0a", "dscp 10"},
      {"-m dscp ! --dscp 0x0a", "dscp 0-9,11-63"},
      {"-m dscp ! --dscp 0x00 -m dscp ! --dscp 0x3f", "dscp 1-62"},
      {"-p tcp -m dscp --dscp 0x2e -m tcp --dport 80 -m length --length 40:",
       "proto 6 dport 80 length 40-65535 dscp 46"},
      {"-p tcp -m tcp --dport 1:9 -m tcp --sport 3 -m tcp --dport 5:20", "proto 6 dport 5-9 sport 3"},
  }));
  CHECK(said(text) == components);
  CHECK(said(text, Family::ipv6) == components);
}

TEST_CASE("a range of lengths that ends before it begins is no length") {
  Rule rule;
  LengthMatch match{.first = 100, .last = 40};
  rule.matches = {match};
  const auto none = components_of(rule, Family::ipv4);
  REQUIRE(std::holds_alternative<Components>(none));
  CHECK(matches_nothing(std::get<Components>(none)));
  match.negated = true;
  rule.matches = {match};
  CHECK(std::get<Components>(components_of(rule, Family::ipv4)).packet_length ==
        ValueSet::all(domain::packet_length));
}

TEST_CASE("extension headers are not published yet") {
  CHECK(said("-m frag --fragfirst", Family::ipv6) == "! fragment headers are not published yet");
  CHECK(said("-m ipv6header ! --header ipv6-frag --soft", Family::ipv6) ==
        "! extension headers are not published yet");
}

TEST_CASE("a rule that changes a packet or takes a copy is a problem, and no route") {
  const auto [target, detail] = GENERATE(table<const char*, const char*>({
      {"-j DSCP --set-dscp 0x2e", "-j DSCP is not published yet; what leaving it out changes cannot be told"},
      {"-j MARK --set-xmark 0x10/0xff",
       "-j MARK is not published yet; what leaving it out changes cannot be told"},
      {"-j NFLOG --nflog-group 3",
       "-j NFLOG is not published yet; what leaving it out changes cannot be told"},
  }));
  const Publication publication = publish(ruleset("-s 10.0.0.0/8 " + std::string(target), Family::ipv4),
                                          "FORWARD", [](std::size_t) { return "rule"; });
  REQUIRE(publication.problems.size() == 1);
  CHECK(publication.problems[0] == Problem{{"rule", Reason::unsupported_rule, detail}, Gap::unclear});
  CHECK(publication.routes.size() == 1); // the policy
}
