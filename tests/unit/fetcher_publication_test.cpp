// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/publication.hpp"
#include "fetcher/save_text.hpp"

#include <catch2/catch.hpp>

#include <optional>

using namespace flowspec;

namespace {

using Lines = std::vector<std::string>;

std::string rule_name(std::string_view chain, std::size_t index) {
  return std::string(chain) + " " + std::to_string(index + 1);
}

/// Lines of an iptables-save: those that begin with ':' declare a chain, one without a chain is FORWARD's.
Publication publish_rules(const Lines& rules, const std::string& policy = "DROP",
                          const PublishOptions& options = {}) {
  std::string text = "*filter\n:FORWARD " + policy + " [0:0]\n:a - [0:0]\n:b - [0:0]\n:c - [0:0]\n";
  for (const std::string& rule : rules)
    text += (rule.starts_with("-A ") ? rule : "-A FORWARD " + rule) + "\n";
  return publish(parse_save(text + "COMMIT\n", Family::ipv4), "FORWARD", rule_name, options);
}

/// "3 dst 10.0.0.0/8: discard" for each route but the policy's.
Lines routes(const Publication& publication) {
  Lines lines;
  for (const Route& route : publication.routes) {
    if (is_default_policy(route.entry.match))
      continue;
    lines.push_back(std::to_string(route.entry.sequence.value()) + " " + to_string(route.entry.match) + ": " +
                    to_string(route.entry.actions));
    for (const std::string_view target : route.entry.route_targets)
      lines.back().append(" for ").append(target);
  }
  return lines;
}

/// "FORWARD 3: not-needed: never-matches: ..." for each note.
Lines notes(const Publication& publication) {
  Lines lines;
  for (const RuleReport& rule : publication.rules)
    for (const Note& note : rule.notes)
      lines.push_back(rule.rule + ": " + std::string(name(rule.grade)) + ": " +
                      std::string(name(note.reason)) + ": " + note.detail);
  return lines;
}

const std::string known = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";

} // namespace

TEST_CASE("a rule gives a route with its verdict and its place") {
  const Publication publication =
      publish_rules({"-s 10.0.0.0/8 -j ACCEPT", "-m comment --comment \"no more\" -p udp -j DROP",
                     "-p tcp -m tcp --dport 80 -j REJECT"});
  CHECK(routes(publication) ==
        Lines{"1 src 10.0.0.0/8: accept", "2 proto 17: discard", "3 proto 6 dport 80: discard"});
  CHECK(publication.unsupported() == 0);
  CHECK(publication.routes[1].origin == "FORWARD 2: -p udp -m comment --comment \"no more\" -j DROP");
  CHECK(notes(publication) ==
        Lines{"FORWARD 3: exact: published-as: discard: no icmp-port-unreachable is sent"});
  REQUIRE(publication.rules.size() == 3);
  CHECK(publication.rules[0] == RuleReport{"FORWARD", 0, "FORWARD 1", Grade::exact, 1, Gap::none, {}});
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
    const Publication publication =
        publish_rules({known, "-p udp -j ACCEPT", closing, "-j LOG", "-p tcp -j ACCEPT"}, "ACCEPT");
    CHECK(routes(publication) == Lines{"2 proto 17: accept"});
    REQUIRE(publication.routes.size() == 2);
    CHECK(publication.routes[1].entry.actions.discards());
    CHECK(publication.routes[1].origin.starts_with("FORWARD 3: "));
    CHECK(publication.unsupported() == 0);
    CHECK(notes(publication) ==
          Lines{"FORWARD 1: equivalent-when-stateful: not-published: the injector's own rule for known "
                "connections stands for it, before the default policy",
                "FORWARD 3: equivalent-when-stateful: published-as: discard, as the default policy: nothing "
                "below it is reached",
                "FORWARD 4: not-needed: not-published: FORWARD 3 decides every packet before it",
                "FORWARD 5: not-needed: not-published: FORWARD 3 decides every packet before it"});
  }
  // In a chain of its own, and behind a goto, too.
  for (const char* call : {"-j a", "-g a"}) {
    const Publication publication =
        publish_rules({known, call, "-p tcp -j ACCEPT", "-A a -p udp -j ACCEPT", "-A a -j DROP"}, "ACCEPT");
    CHECK(routes(publication) == Lines{"3 proto 17: accept"});
    CHECK(publication.routes.back().entry.actions.discards());
  }
  // Without one the firewall cuts replies as well; and an accepting policy has no rule of the injector's
  // before it.
  CHECK(routes(publish_rules({"-j DROP", "-p tcp -j ACCEPT"}, "ACCEPT")) ==
        Lines{"1 dst 0.0.0.0/0: discard"});
  CHECK(
      notes(publish_rules({known}, "ACCEPT")) ==
      Lines{"FORWARD 1: exact: not-published: the default policy accepts, so that known connections need no "
            "rule before it"});
}

TEST_CASE("a long list gives several routes of the same place") {
  const Publication publication =
      publish_rules({"-p udp -j DROP", "-p tcp -m multiport --dports 1,3,5,7,9,11 -j ACCEPT"});
  CHECK(routes(publication) ==
        Lines{"1 proto 17: discard", "2 proto 6 dport 1,3,5,7,9: accept", "2 proto 6 dport 11: accept"});
  CHECK(publication.rules[1].routes == 2);
}

TEST_CASE("rules that nothing reaches are left out, with a note") {
  const auto [rules, published, note] = GENERATE(table<Lines, Lines, std::string>({
      {{"-s 10.0.0.0/8 -j DROP", "-s 10.1.0.0/16 -p udp -j ACCEPT"},
       {"1 src 10.0.0.0/8: discard"},
       "FORWARD 2: not-needed: not-published: FORWARD 1 decides its packets before it"},
      {{"-p tcp -m tcp --dport 0:1023 -j DROP", "-p tcp -m tcp --dport 1024: -j DROP",
        "-p tcp -m tcp -j ACCEPT"},
       {"1 proto 6 dport 0-1023: discard", "2 proto 6 dport 1024-65535: discard"},
       "FORWARD 3: not-needed: not-published: rules before it decide all of its packets"},
      {{"-d 10.0.0.0/25 -j DROP", "-d 10.0.0.128/25 -j ACCEPT", "-d 10.0.0.0/24 -j DROP"},
       {"1 dst 10.0.0.0/25: discard", "2 dst 10.0.0.128/25: accept"},
       "FORWARD 3: not-needed: not-published: rules before it decide all of its packets"},
      // A rule that flowspec could not say is no trouble where nothing reaches it.
      {{"-p udp -j DROP", "-p udp -m ttl --ttl-eq 1 -j ACCEPT"},
       {"1 proto 17: discard"},
       "FORWARD 2: not-needed: not-published: FORWARD 1 decides its packets before it"},
      {{"-j a", "-A a -p udp -j DROP", "-A a -j RETURN", "-A a -p tcp -j DROP"},
       {"2 proto 17: discard"},
       "a 3: not-needed: not-published: the rules before it in chain a leave it no packet"},
  }));
  const Publication publication = publish_rules(rules);
  CHECK(routes(publication) == published);
  CHECK(notes(publication) == Lines{note});
}

TEST_CASE("rules without a verdict, and those that match nothing, are passed over with a note") {
  const auto [rule, note] = GENERATE(table<const char*, const char*>({
      {"-j LOG", "not-published: LOG decides nothing: passed over"},
      {"-m limit --limit 5/sec -j LOG --log-prefix \"x \"",
       "not-published: LOG decides nothing: passed over"},
      {"-j NFLOG --nflog-group 3", "not-published: NFLOG decides nothing: passed over"},
      {"-i eth0 -j MARK --set-xmark 0x10/0xff", "not-published: MARK decides nothing: passed over"},
      {"-s 10.0.0.0/8", "not-published: a rule without target decides nothing: passed over"},
      {"-m limit --limit 5/sec -j b", "not-published: no rule of chain b decides"},
      {"-i lo -j ACCEPT", "never-matches: nothing is forwarded from or to the loopback interface"},
      {"-p tcp -m tcp --dport 80 -m multiport --dports 22 -j DROP",
       "never-matches: its conditions exclude each other"},
  }));
  const Publication publication =
      publish_rules({"-p udp -j DROP", rule, "-A b -j LOG", "-A b -m limit --limit 1/sec -j RETURN"});
  CHECK(routes(publication) == Lines{"1 proto 17: discard"});
  CHECK(notes(publication) == Lines{std::string("FORWARD 2: not-needed: ") + note});
}

TEST_CASE("user chains are followed") {
  const auto [rules, published] = GENERATE(table<Lines, Lines>({
      {{"-s 10.0.0.0/8 -j a", "-p udp -j ACCEPT", "-A a -p tcp -j ACCEPT", "-A a -p udp -j DROP"},
       {"2 src 10.0.0.0/8 proto 6: accept", "3 src 10.0.0.0/8 proto 17: discard", "4 proto 17: accept"}},
      // Nested, and shared by two callers.
      {{"-d 10.1.0.0/16 -j a", "-d 10.2.0.0/16 -j b", "-A a -p tcp -j b",
        "-A b -p tcp -m tcp --dport 80 -j ACCEPT"},
       {"3 dst 10.1.0.0/16 proto 6 dport 80: accept", "5 dst 10.2.0.0/16 proto 6 dport 80: accept"}},
      // What returns is named by what stays.
      {{"-d 10.1.0.0/16 -j a", "-d 10.1.0.0/16 -j ACCEPT", "-A a -p tcp -j RETURN", "-A a -j DROP"},
       {"3 dst 10.1.0.0/16 proto 0-5,7-255: discard", "4 dst 10.1.0.0/16: accept"}},
      // Or followed to its end, where that takes fewer routes.
      {{"-j a", "-A a -s 10.1.2.3 -j RETURN", "-A a -p tcp -j DROP", "-A a -p udp -j DROP"},
       {"3 src 10.1.2.3/32: discard", "4 proto 6: discard", "5 proto 17: discard"}},
      {{"-s 10.0.0.0/8 -g a", "-p udp -j ACCEPT", "-A a -p udp -j DROP"},
       {"2 src 10.0.0.0/8 proto 17: discard", "3 src 10.0.0.0/8: discard", "4 proto 17: accept"}},
      {{"-j a", "-p udp -j ACCEPT", "-A a -p udp -g b", "-A a -j DROP", "-A b -s 10.0.0.0/8 -j DROP"},
       {"3 src 10.0.0.0/8 proto 17: discard", "4 proto 0-16,18-255: discard", "5 proto 17: accept"}},
      {{"-s 10.0.0.0/8 -j RETURN", "-p udp -j ACCEPT"}, {"1 src 10.0.0.0/8: discard", "2 proto 17: accept"}},
  }));
  const Publication publication = publish_rules(rules);
  CHECK(publication.unsupported() == 0);
  CHECK(routes(publication) == published);
}

TEST_CASE("a rule that cannot be published says why, and what is missing without it") {
  const auto [rule, detail, gap] = GENERATE(table<const char*, const char*, Gap>({
      {"-i eth0 -j DROP",
       "no flowspec component says interface eth0; --interface-rt eth0=ASN:N names who gets it; leaving it "
       "out "
       "opens a hole",
       Gap::hole},
      {"! -i eth0 -j REJECT",
       "every interface but one: flowspec has no word for that; leaving it out opens a hole", Gap::hole},
      {"-i eth0 -o eth1 -j ACCEPT",
       "two interfaces: a route target stands for one; leaving it out closes a door", Gap::door},
      {"-m limit --limit 5/sec -j ACCEPT", "not understood: -m limit; leaving it out closes a door",
       Gap::door},
      {"-m limit --limit 5/sec -j a", "not understood: -m limit; leaving it out opens a hole", Gap::hole},
      {"-m limit --limit 5/sec -g a", "not understood: -m limit; what leaving it out changes cannot be told",
       Gap::unclear},
      {"-j NFQUEUE --queue-num 1", "not understood: -j NFQUEUE; what leaving it out changes cannot be told",
       Gap::unclear},
      {"-m conntrack --ctstate INVALID -j DROP",
       "a connection's state has no flowspec component; leaving it out opens a hole", Gap::hole},
      {"-m conntrack --ctstate ESTABLISHED -j DROP",
       "a connection's state has no flowspec component; leaving it out opens a hole", Gap::hole},
      {"-m conntrack --ctstate UNTRACKED -j ACCEPT",
       "a connection's state has no flowspec component; leaving it out closes a door", Gap::door},
      {"-m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT",
       "whether an address was translated has no flowspec component; leaving it out closes a door",
       Gap::door},
      {"-m conntrack --ctstate NEW -j DROP",
       "without its state it would drop known connections too, unless the injectors run with --stateful "
       "always "
       "(say so here as well); leaving it out opens a hole",
       Gap::hole},
      {"-m hashlimit --hashlimit-above 1mb/s --hashlimit-name x -j ACCEPT",
       "a rate limit is published only where what is above it is dropped; leaving it out closes a door",
       Gap::door},
      {"-m hashlimit --hashlimit-above 1mb/s --hashlimit-name x -j DROP",
       "not all packets below the rate limit are accepted by the rules behind it; leaving it out opens a "
       "hole",
       Gap::hole},
  }));
  const Publication publication =
      publish_rules({"-p udp -j ACCEPT", rule, "-p 47 -j ACCEPT", "-A a -p tcp -j DROP"});
  REQUIRE(publication.unsupported() == 1);
  const RuleReport& report = publication.rules.at(1);
  CHECK(report.grade == Grade::unsupported);
  REQUIRE(report.notes.size() == 1);
  CHECK(report.notes[0].reason == Reason::unsupported_rule);
  CHECK(report.notes[0].detail == detail);
  CHECK(report.gap == gap);
  CHECK(report.routes == 0);
  CHECK(routes(publication) == Lines{"1 proto 17: accept", "3 proto 47: accept"});
}

TEST_CASE("an accept of new connections goes without the state, and says so") {
  const Publication publication =
      publish_rules({known, "-p tcp -m conntrack --ctstate NEW -m tcp --dport 80 -j ACCEPT",
                     "-d 10.1.0.0/16 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT"});
  CHECK(routes(publication) == Lines{"2 proto 6 dport 80: accept", "3 dst 10.1.0.0/16: accept"});
  CHECK(publication.rules[1].grade == Grade::stateful);
  CHECK(notes(publication)[1] ==
        "FORWARD 2: equivalent-when-stateful: published-as: without the connection's state: the same for new "
        "connections, and for known ones by the injector's own rule; packets of no connection are taken in "
        "too");
}

TEST_CASE("an accept of some known connections needs no route, and says what passes instead") {
  const Publication publication =
      publish_rules({"-d 10.0.0.0/8 " + known, "-p udp -j DROP", "-p udp -d 10.0.0.0/8 " + known});
  CHECK(routes(publication) == Lines{"2 proto 17: discard"});
  CHECK(publication.rules[0].grade == Grade::stateful);
  CHECK(
      notes(publication) ==
      Lines{
          "FORWARD 1: equivalent-when-stateful: not-published: the injector's own rule for known connections "
          "stands for it, before the default policy, and lets all of them pass, not only these; the drops "
          "below "
          "cut such connections there, unless it runs with --stateful always",
          "FORWARD 3: not-needed: not-published: FORWARD 1 decides its packets before it"});
}

TEST_CASE("a drop behind an accept of some known connections is not exact") {
  const auto [rules, policy, note] = GENERATE_REF(table<Lines, std::string, std::string>({
      {{"-s 10.0.0.0/8 " + known, "-s 10.0.0.0/9 -j DROP"},
       "ACCEPT",
       "the default policy accepts, so that known connections need no rule before it; the drops below cut "
       "such "
       "connections there, unless it runs with --stateful always"},
      {{"-m conntrack --ctstate RELATED -j ACCEPT", "-p udp -j DROP"},
       "DROP",
       "the injector's own rule for known connections stands for it, before the default policy, and lets "
       "ESTABLISHED and RELATED ones pass; the drops below cut such connections there, unless it runs with "
       "--stateful always"},
  }));
  const Publication publication = publish_rules(rules, policy);
  CHECK(publication.rules[0].grade == Grade::stateful);
  CHECK(publication.rules[0].notes.at(0).detail == note);
  CHECK(publication.rules[1].grade == Grade::stateful);
  // ESTABLISHED alone: the injector lets RELATED ones pass before the drop.
  CHECK(publish_rules({"-m conntrack --ctstate ESTABLISHED -j ACCEPT", "-p udp -j DROP"}, "DROP",
                      {.stateful_always = true})
            .rules[1]
            .grade == Grade::stateful);
}

TEST_CASE("a rule whose match another route has says so") {
  const Publication publication =
      publish_rules({known, "-p tcp -m conntrack --ctstate NEW -j ACCEPT", "-p tcp -j DROP"});
  CHECK(routes(publication) == Lines{"2 proto 6: accept"});
  REQUIRE(publication.rules[2].notes.size() == 1);
  CHECK_THAT(publication.rules[2].notes[0].detail,
             Catch::StartsWith("a route of the same match decides before it; FORWARD 2: "));
}

TEST_CASE("a route target stands for one place") {
  const Publication publication =
      publish_rules({"-o eth1 -s 10.0.0.0/8 -j ACCEPT", "-i eth1 -s 10.0.0.0/8 -j DROP"}, "DROP",
                    {.interfaces = {{"eth1", InterfaceTarget::Side::either, "65000:2"}}});
  CHECK(routes(publication) == Lines{"1 src 10.0.0.0/8: accept for 65000:2"});
  REQUIRE(publication.unsupported() == 1);
  CHECK(publication.rules[1].notes.at(0).detail ==
        "route target 65000:2 stands for what leaves by eth1 already; leaving it out opens a hole");
}

TEST_CASE("packets of an interface that leave a chain and cannot be named are told as unclear") {
  const Publication publication =
      publish_rules({"-j a", "-j ACCEPT", "-A a -i eth0 -j RETURN", "-A a -p tcp -j DROP"});
  REQUIRE(publication.unsupported() == 1);
  CHECK(publication.rules[1].rule == "a 1");
  CHECK(publication.rules[1].gap == Gap::unclear);
}

TEST_CASE("what a drop does to known connections depends on what the injectors run with") {
  const Lines rules{known, "-p udp -j DROP"};
  const Publication by_default = publish_rules(rules);
  CHECK(by_default.rules[1].grade == Grade::stateful);
  CHECK(notes(by_default) ==
        Lines{"FORWARD 1: equivalent-when-stateful: not-published: the injector's own rule for known "
              "connections stands for it, before the default policy; the drops below cut such connections "
              "there, unless it runs with --stateful always"});
  const Publication always = publish_rules(rules, "DROP", {.stateful_always = true});
  CHECK(always.rules[1].grade == Grade::exact);
  CHECK(routes(always) == routes(by_default));
  // The other way round: the firewall cuts them, the injectors do not.
  CHECK(publish_rules({"-p udp -j DROP"}, "DROP", {.stateful_always = true}).rules[0].grade ==
        Grade::stateful);
  CHECK(publish_rules({"-p udp -j DROP"}).rules[0].grade == Grade::exact);
  // And a drop of new connections only has no route unless known ones pass before it.
  const Publication fresh = publish_rules({known, "-p tcp -m conntrack --ctstate NEW -m tcp ! --syn -j DROP"},
                                          "DROP", {.stateful_always = true});
  CHECK(routes(fresh) == Lines{"2 proto 6 tcp-flags = ! 2,|∋ 21: discard"});
}

TEST_CASE("a byte rate above which packets are dropped is a traffic rate") {
  const std::string above = "-d 10.0.0.0/8 -m hashlimit --hashlimit-above 1mb/s --hashlimit-name x -j DROP";
  const auto [rules, published] = GENERATE_REF(table<Lines, Lines>({
      {{above, "-d 10.0.0.0/8 -j ACCEPT"}, {"1 dst 10.0.0.0/8: rate 1048592 B/s"}},
      {{above, "-p tcp -j ACCEPT", "-d 10.0.0.0/9 -j ACCEPT", "-d 10.128.0.0/9 -j a", "-A a -j ACCEPT"},
       {"1 dst 10.0.0.0/8: rate 1048592 B/s", "2 proto 6: accept"}},
      // What is below is dropped as well.
      {{above, "-d 10.0.0.0/7 -j DROP"}, {"1 dst 10.0.0.0/8: discard", "2 dst 10.0.0.0/7: discard"}},
  }));
  const Publication publication = publish_rules(rules);
  CHECK(publication.unsupported() == 0);
  CHECK(routes(publication) == published);
  // A bucket that others use too, one that packets come to on two ways, and one of packets that several
  // routes name are no rate of one route; a rate of new connections only would hold known ones too.
  CHECK(publish_rules({"-s 10.0.0.0/8 -j a", "-s 11.0.0.0/8 -j a", "-A a " + above, "-j ACCEPT"})
            .unsupported() == 1);
  const std::string limit = " -m hashlimit --hashlimit-above 1mb/s --hashlimit-name x -j DROP";
  CHECK(publish_rules({"-p tcp -m multiport --dports 1,3,5,7,9,11" + limit, "-p tcp -j ACCEPT"})
            .unsupported() == 1);
  CHECK(
      publish_rules({known, "-p udp -m conntrack --ctstate NEW" + limit, "-p udp -j ACCEPT"}).unsupported() ==
      1);
  CHECK(publish_rules({"-p tcp -m multiport --ports 1,3" + limit, "-p tcp -j ACCEPT"}).unsupported() == 0);
  // Two allowances stay two.
  CHECK(routes(
            publish_rules({"-d 10.0.0.0/25" + limit,
                           "-d 10.0.0.128/25 -m hashlimit --hashlimit-above 1mb/s --hashlimit-name y -j DROP",
                           "-d 10.0.0.0/24 -j ACCEPT"},
                          "DROP", {.optimize = true}))
            .size() == 2);
  CHECK(publish_rules({above, "-p udp " + above, "-d 10.0.0.0/8 -j ACCEPT"}).unsupported() == 2);
  CHECK(publish_rules({"! -s 10.0.0.0/8 " + above, "-d 10.0.0.0/8 -j ACCEPT"}).unsupported() == 1);
}

TEST_CASE("a route target stands for an interface") {
  PublishOptions options;
  options.interfaces = {{"eth0", InterfaceTarget::Side::in, "65000:1"},
                        {"eth1", InterfaceTarget::Side::either, "65000:2"}};
  const Publication publication =
      publish_rules({"-i eth0 -s 10.0.0.0/8 -j DROP", "-o eth1 -s 10.0.0.0/8 -j ACCEPT",
                     "-s 10.0.0.0/8 -j ACCEPT", "-i eth1 -s 10.0.0.0/8 -j DROP"},
                    "ACCEPT", options);
  CHECK(publication.unsupported() == 0);
  // Rule 4 is decided by rule 3. The same match for others is another route: BGP would take it for a new
  // version of the first.
  CHECK(routes(publication) == Lines{"1 src 10.0.0.0/8: discard for 65000:1",
                                     "2 src 10.0.0.0/8 dscp 0-63: accept for 65000:2",
                                     "3 src 10.0.0.0/8 length 0-65535: accept"});
  CHECK(publish_rules({"-o eth0 -j DROP"}, "DROP", options).unsupported() == 1);
}

TEST_CASE("an accept for one interface that routes for another contradict is not exact") {
  using Side = InterfaceTarget::Side;
  PublishOptions options;
  options.interfaces = {
      {"eth0", Side::in, "65000:1"}, {"eth0", Side::out, "65000:3"}, {"eth1", Side::out, "65000:2"}};
  const std::string accept = "-i eth0 -p tcp -j ACCEPT";
  const auto why = [&](const Lines& rules, const std::string& policy) {
    Lines lines = notes(publish_rules(rules, policy, options));
    return lines.empty() ? std::string() : lines.front();
  };
  const std::string contradicted = "FORWARD 1: unsupported: unsupported-rule: its packets may be another "
                                   "interface's too, whose routes drop them: ";
  CHECK(why({accept, "-o eth1 -j DROP"}, "ACCEPT") == contradicted + "FORWARD 2: -o eth1 -j DROP");
  CHECK(why({accept, "-o eth1 -p tcp -j ACCEPT", "-s 10.0.0.0/8 -j DROP"}, "ACCEPT") ==
        contradicted + "FORWARD 3: -s 10.0.0.0/8 -j DROP");
  CHECK(why({accept, "-o eth1 -p udp -j ACCEPT"}, "DROP") == contradicted + "the default policy");
  const Publication closed = publish_rules({accept, "-o eth1 -p udp -j ACCEPT"}, "DROP", options);
  CHECK(closed.unsupported() == 2);
  CHECK(closed.rules[0].gap == Gap::door);
  // A drop before it, one of other packets, one for the same interface, and what leaves where it came in.
  CHECK(why({"-o eth1 -j DROP", accept}, "ACCEPT").empty());
  CHECK(why({accept, "-o eth1 -p udp -j DROP"}, "ACCEPT").empty());
  CHECK(why({accept, "-i eth0 -j DROP", "-o eth1 -p udp -j DROP"}, "ACCEPT").empty());
  CHECK(why({accept, "-o eth0 -j DROP"}, "ACCEPT").empty());
  // Nobody judges what leaves.
  CHECK(why({accept, "-j DROP"}, "DROP").empty());
}

TEST_CASE("a firewall that tracks connections for whatever reason sees no fragments") {
  const Lines rules{"-f -j DROP"};
  CHECK(routes(publish_rules(rules, "ACCEPT")).size() == 1);
  const Publication publication = publish_rules(rules, "ACCEPT", {.connections_tracked = true});
  CHECK(routes(publication).empty());
  CHECK_THAT(notes(publication).at(0), Catch::StartsWith("FORWARD 1: not-needed: never-matches: "));
  CHECK(routes(publish_rules({"-f -j DROP", "-m connlimit --connlimit-above 9 -j LOG"}, "ACCEPT")).empty());
}

TEST_CASE("without a common beginning FRR 10.7 keeps every route") {
  const Lines rules{"-d 10.0.0.0/8 -p tcp -j ACCEPT", "-d 10.0.0.0/8 -j DROP", "-j ACCEPT"};
  CHECK(routes(publish_rules(rules)) ==
        Lines{"1 dst 10.0.0.0/8 proto 6: accept", "2 dst 10.0.0.0/8: discard", "3 dst 0.0.0.0/0: accept"});
  CHECK(routes(publish_rules(rules, "DROP", {.no_common_beginning = true})) ==
        Lines{"1 dst 10.0.0.0/8 proto 6: accept", "2 dst 10.0.0.0/8 dscp 0-63: discard",
              "3 dst 0.0.0.0/0 dscp 0-63: accept"});
}

TEST_CASE("neighbours of the same verdict are merged only when asked") {
  const Lines rules{"-d 10.0.0.0/25 -p tcp -m tcp --dport 80 -j ACCEPT",
                    "-d 10.0.0.0/25 -p tcp -m tcp --dport 443 -j ACCEPT",
                    "-d 10.0.0.128/25 -p tcp -m tcp --dport 80 -j ACCEPT",
                    "-d 10.0.0.128/25 -p tcp -m tcp --dport 443 -j ACCEPT",
                    "-d 10.0.0.9 -p tcp -m tcp --dport 443 -j ACCEPT",
                    "-d 10.0.0.0/24 -j DROP",
                    "-d 10.0.1.0/24 -j DROP",
                    "-d 10.0.2.0/24 -j ACCEPT"};
  CHECK(routes(publish_rules(rules)).size() == 7); // the fifth is shadowed
  CHECK(routes(publish_rules(rules, "DROP", {.optimize = true})) ==
        Lines{"1 dst 10.0.0.0/24 proto 6 dport 80,443: accept", "6 dst 10.0.0.0/23: discard",
              "8 dst 10.0.2.0/24: accept"});
}

TEST_CASE("what would take too much is refused, and the rule named") {
  using Catch::Contains;
  PublishOptions few;
  few.max_routes = 40;
  CHECK_THROWS_WITH(publish_rules({"-p udp -j DROP", "! -s 10.1.2.3 ! -d 10.1.2.3 -j DROP"}, "DROP", few),
                    Contains("FORWARD 2: ") && Contains("--max-routes"));
  CHECK_THROWS_WITH(
      publish_rules({"-p udp -j DROP", "! -s 10.1.2.3 -j DROP", "! -d 10.1.2.3 -j ACCEPT"}, "DROP", few),
      Contains("FORWARD 3: ") && Contains("more than 40 routes"));
  // Each of thirty chains calls the next twice: a billion ways to the last.
  std::string text = "*filter\n:FORWARD DROP [0:0]\n:c0 - [0:0]\n";
  std::string calls = "-A FORWARD -j c0\n";
  for (int i = 0; i < 30; ++i) {
    text += ":c" + std::to_string(i + 1) + " - [0:0]\n";
    for (const char* match : {" -p tcp", " -p udp"})
      calls += "-A c" + std::to_string(i) + match + " -j c" + std::to_string(i + 1) + "\n" + "-A c" +
               std::to_string(i) + " -j c" + std::to_string(i + 1) + "\n";
  }
  const Ruleset many =
      parse_save(text + calls + "-A c30 -s 10.0.0.0/8 -p 47 -j DROP\nCOMMIT\n", Family::ipv4);
  CHECK_THROWS_WITH(publish(many, "FORWARD", rule_name, few), Contains("--max-routes"));
}

TEST_CASE("chains that call each other in a circle, and one that is not there") {
  CHECK_THROWS_WITH(publish_rules({"-j a", "-A a -j b", "-A b -p udp -j a", "-A b -j DROP"}),
                    "chain a calls itself, by way of others or directly");
  Ruleset ruleset = parse_save("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", Family::ipv4);
  Rule call;
  call.target = Jump{"gone", false};
  ruleset.chains[0].rules.push_back(call);
  const Publication publication = publish(ruleset, "FORWARD", rule_name);
  REQUIRE(publication.unsupported() == 1);
  CHECK(publication.rules[0].notes[0].detail ==
        "there is no chain gone; what leaving it out changes cannot be told");
}

TEST_CASE("without a chain that has a policy there is nothing to publish") {
  const Ruleset ruleset = parse_save("*filter\n:INPUT DROP [0:0]\n:mine - [0:0]\nCOMMIT\n", Family::ipv4);
  CHECK_THROWS_WITH(publish(ruleset, "FORWARD", rule_name), "no chain FORWARD in table filter");
  CHECK_THROWS_WITH(publish(ruleset, "mine", rule_name), "chain mine is no built-in chain: it has no policy");
}

TEST_CASE("IPv6 rules give IPv6 routes") {
  const Ruleset ruleset = parse_save(
      "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 2001:db8::/32 -j ACCEPT\nCOMMIT\n", Family::ipv6);
  const Publication publication = publish(ruleset, "FORWARD", rule_name);
  CHECK(publication.family == Family::ipv6);
  CHECK(routes(publication) == Lines{"1 src 2001:db8::/32: accept"});
  CHECK(to_string(publication.routes.back().entry.match) == "dst ::/0 src ::/0");
}
