// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/publication.hpp"
#include "fetcher/save_text.hpp"

#include <catch2/catch.hpp>

#include <optional>

using namespace flowspec;

namespace {

Publication publish_rules(const std::vector<std::string>& rules, const std::string& policy = "DROP") {
  std::string text = "*filter\n:FORWARD " + policy + " [0:0]\n:mine - [0:0]\n";
  for (const std::string& rule : rules)
    text += "-A FORWARD " + rule + "\n";
  return publish(parse_save(text + "COMMIT\n", Family::ipv4), "FORWARD",
                 [](std::size_t index) { return "rule " + std::to_string(index + 1); });
}

/// "3 dst 10.0.0.0/8: discard" for each route but the policy's.
std::vector<std::string> routes(const Publication& publication) {
  std::vector<std::string> lines;
  for (const Route& route : publication.routes)
    if (!is_default_policy(route.entry.match))
      lines.push_back(std::to_string(route.entry.sequence.value()) + " " + to_string(route.entry.match) +
                      ": " + to_string(route.entry.actions));
  return lines;
}

std::vector<std::string> remarks(const Publication& publication) {
  std::vector<std::string> lines;
  for (const Rejected& remark : publication.remarks)
    lines.push_back(to_string(remark));
  return lines;
}

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("a rule gives a route with its verdict and its place") {
  const Publication publication =
      publish_rules({"-s 10.0.0.0/8 -j ACCEPT", "-m comment --comment \"no more\" -p udp -j DROP",
                     "-p tcp -m tcp --dport 80 -j REJECT"});
  CHECK(routes(publication) ==
        Lines{"1 src 10.0.0.0/8: accept", "2 proto 17: discard", "3 proto 6 dport 80: discard"});
  CHECK(publication.problems.empty());
  CHECK(publication.routes[1].origin == "2: -p udp -m comment --comment \"no more\" -j DROP");
  CHECK(remarks(publication) == Lines{"rule 3: published-as: discard: no icmp-port-unreachable is sent"});
}

TEST_CASE("the policy is the last route, without a place") {
  const auto [policy, rate] =
      GENERATE(table<const char*, std::optional<double>>({{"DROP", 0}, {"ACCEPT", std::nullopt}}));
  const Publication publication = publish_rules({"-p udp -j DROP"}, policy);
  REQUIRE(publication.routes.size() == 2);
  const Route& last = publication.routes.back();
  CHECK(is_default_policy(last.entry.match));
  CHECK_FALSE(last.entry.sequence);
  CHECK(last.entry.actions.rate == rate);
  CHECK(last.origin == std::string("policy ") + policy);
}

TEST_CASE("a rule for every packet is not taken for the policy") {
  const Publication publication = publish_rules({"-p udp -j ACCEPT", "-j DROP"}, "ACCEPT");
  CHECK(routes(publication) == Lines{"1 proto 17: accept", "2 dst 0.0.0.0/0: discard"});
}

TEST_CASE(
    "a closing drop behind a rule for known connections is the policy, so that replies pass over there too") {
  for (const char* closing : {"-j DROP", "-j REJECT"}) {
    const Publication publication = publish_rules({"-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                                                   "-p udp -j ACCEPT", closing, "-j LOG", "-p tcp -j ACCEPT"},
                                                  "ACCEPT");
    CHECK(routes(publication) == Lines{"2 proto 17: accept"});
    REQUIRE(publication.routes.size() == 2);
    CHECK(publication.routes[1].entry.actions.discards());
    CHECK(publication.problems.empty());
    CHECK(remarks(publication) ==
          Lines{"rule 1: not-published: the injector's own rule for known connections stands for it, before "
                "the default policy",
                "rule 3: published-as: discard, as the default policy: nothing below it is reached",
                "rule 4: not-published: rule 3 decides every packet before it",
                "rule 5: not-published: rule 3 decides every packet before it"});
  }
  // Without one the firewall cuts replies as well; and an accepting policy has no rule of the injector's
  // before it.
  CHECK(routes(publish_rules({"-j DROP", "-p tcp -j ACCEPT"}, "ACCEPT")) ==
        Lines{"1 dst 0.0.0.0/0: discard", "2 proto 6: accept"});
  CHECK(remarks(publish_rules({"-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"}, "ACCEPT")) ==
        Lines{"rule 1: not-published: the default policy accepts, so that known connections need no rule "
              "before it"});
}

TEST_CASE("a long list gives several routes of the same place") {
  const Publication publication =
      publish_rules({"-p udp -j DROP", "-p tcp -m multiport --dports 1,3,5,7,9,11 -j ACCEPT"});
  CHECK(routes(publication) ==
        Lines{"1 proto 17: discard", "2 proto 6 dport 1,3,5,7,9: accept", "2 proto 6 dport 11: accept"});
}

TEST_CASE("no match is published twice") {
  const Publication publication =
      publish_rules({"-p tcp -m multiport --dports 1,3,5,7,9 -j ACCEPT",
                     "-p tcp -m multiport --dports 1,3,5,7,9,11 -j DROP",
                     "-p tcp -m multiport --sports 7,7 -j DROP", "-p tcp -m tcp --sport 7 -j REJECT"});
  CHECK(routes(publication) == Lines{"1 proto 6 dport 1,3,5,7,9: accept", "2 proto 6 dport 11: discard",
                                     "3 proto 6 sport 7: discard"});
  CHECK(remarks(publication) == Lines{"rule 4: not-published: rule 3 of the same match decides before it"});
}

TEST_CASE("rules that need no route") {
  CHECK(remarks(publish_rules({"-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"})) ==
        Lines{"rule 1: not-published: the injector's own rule for known connections stands for it, before "
              "the default "
              "policy"});
  CHECK(remarks(publish_rules({"-m state --state ESTABLISHED -j ACCEPT", "-p udp -j DROP"})) ==
        Lines{"rule 1: not-published: the injector's own rule for known connections stands for it, before "
              "the default "
              "policy; the drops below cut such connections there, unless it runs with --stateful always"});
  const Publication never = publish_rules({"-p tcp -m tcp --dport 80 -m multiport --dports 22 -j DROP"});
  CHECK(remarks(never) == Lines{"rule 1: never-matches: its conditions exclude each other"});
  CHECK(never.routes.size() == 1);
  CHECK(never.problems.empty());
}

TEST_CASE("a rule that cannot be published says why, and what is missing without it") {
  const auto [rule, detail, gap] = GENERATE(table<const char*, const char*, Gap>({
      {"-i eth0 -j DROP", "interfaces have no flowspec component; leaving it out opens a hole", Gap::hole},
      {"-i eth0 -j REJECT", "interfaces have no flowspec component; leaving it out opens a hole", Gap::hole},
      {"-i eth0 -j ACCEPT", "interfaces have no flowspec component; leaving it out closes a door", Gap::door},
      {"-m limit --limit 5/sec -j ACCEPT", "not understood: -m limit; leaving it out closes a door",
       Gap::door},
      {"-s 10.0.0.0/8 -j mine", "chain mine is not followed yet; what leaving it out changes cannot be told",
       Gap::unclear},
      {"-g mine", "chain mine is not followed yet; what leaving it out changes cannot be told", Gap::unclear},
      {"-j RETURN", "RETURN is not published yet; what leaving it out changes cannot be told", Gap::unclear},
      {"-j LOG", "not understood: -j LOG; what leaving it out changes cannot be told", Gap::unclear},
      {"-m limit --limit 5/sec -j LOG", "not understood: -j LOG; what leaving it out changes cannot be told",
       Gap::unclear},
      {"-s 10.0.0.0/8", "it has no target; leaving it out changes no verdict", Gap::none},
  }));
  const Publication publication = publish_rules({"-p udp -j ACCEPT", rule});
  REQUIRE(publication.problems.size() == 1);
  CHECK(publication.problems[0] == Problem{{"rule 2", Reason::unsupported_rule, detail}, gap});
  CHECK(routes(publication) == Lines{"1 proto 17: accept"});
}

TEST_CASE("without a chain that has a policy there is nothing to publish") {
  const Ruleset ruleset = parse_save("*filter\n:INPUT DROP [0:0]\n:mine - [0:0]\nCOMMIT\n", Family::ipv4);
  const RuleName name = [](std::size_t) { return ""; };
  CHECK_THROWS_WITH(publish(ruleset, "FORWARD", name), "no chain FORWARD in table filter");
  CHECK_THROWS_WITH(publish(ruleset, "mine", name), "chain mine is no built-in chain: it has no policy");
}

TEST_CASE("IPv6 rules give IPv6 routes") {
  const Ruleset ruleset = parse_save(
      "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 2001:db8::/32 -j ACCEPT\nCOMMIT\n", Family::ipv6);
  const Publication publication = publish(ruleset, "FORWARD", [](std::size_t) { return ""; });
  CHECK(routes(publication) == Lines{"1 src 2001:db8::/32: accept"});
  CHECK(to_string(publication.routes.back().entry.match) == "dst ::/0 src ::/0");
}
