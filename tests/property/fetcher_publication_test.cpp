// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/decide.hpp"
#include "common/numeric_tests.hpp"
#include "common/rule_text.hpp"
#include "fetcher/frr_limits.hpp"
#include "fetcher/publication.hpp"
#include "fetcher/rule_components.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace flowspec;
using generate::chance;
using generate::number;
using generate::Random;

namespace {

PortRange ports(Random& random) {
  const auto first = static_cast<std::uint16_t>(number(random, 0, 12));
  if (chance(random, 10))
    return {first, 65535};
  return {first, static_cast<std::uint16_t>(first + (chance(random, 50) ? 0 : number(random, 0, 4)))};
}

template <typename M>
M port_match(Random& random) {
  M match;
  if (chance(random, 40))
    match.source = ports(random);
  if (chance(random, 60))
    match.destination = ports(random);
  return match;
}

MultiportMatch multiport(Random& random) {
  MultiportMatch match;
  match.side = static_cast<MultiportMatch::Side>(number(random, 0, 2));
  for (std::uint32_t left = number(random, 1, 7); left > 0; --left)
    match.ports.push_back(ports(random));
  return match;
}

IcmpMatch icmp(Random& random) {
  IcmpMatch match;
  match.type = static_cast<std::uint8_t>(chance(random, 20) ? 255 : number(random, 0, 12));
  if (chance(random, 40))
    match.code_first = match.code_last = static_cast<std::uint8_t>(number(random, 0, 5));
  return match;
}

/// A rule that is published, or says nothing.
Rule rule(Random& random, Family family) {
  Rule result;
  if (chance(random, 40))
    result.source = generate::prefix(random, family);
  if (chance(random, 40))
    result.destination = generate::prefix(random, family);
  const std::uint8_t protocols[] = {0, protocol::tcp, protocol::udp, protocol::icmp_of(family), 47};
  result.protocol = protocols[number(random, 0, 4)];
  if (result.protocol == protocol::tcp && chance(random, 60))
    result.matches.emplace_back(port_match<TcpMatch>(random));
  if (result.protocol == protocol::udp && chance(random, 60))
    result.matches.emplace_back(port_match<UdpMatch>(random));
  if ((result.protocol == protocol::tcp || result.protocol == protocol::udp) && chance(random, 40))
    result.matches.emplace_back(multiport(random));
  for (int times = 0; times < 2; ++times)
    if (result.protocol == protocol::icmp_of(family) && chance(random, 60))
      result.matches.emplace_back(icmp(random));
  if (chance(random, 20))
    result.matches.emplace_back(CommentMatch{"a comment"});
  const std::uint32_t target = number(random, 0, 4);
  if (target == 0)
    result.target = RejectTarget{};
  else
    result.target = target < 3 ? Verdict::accept : Verdict::drop;
  return result;
}

Rule known_connections() {
  Rule result;
  result.matches.emplace_back(ConntrackMatch{ConntrackMatch::established | ConntrackMatch::related, false});
  result.target = Verdict::accept;
  return result;
}

Ruleset ruleset(Random& random, Family family) {
  Ruleset result;
  result.family = family;
  result.chains = {{"FORWARD", chance(random, 50) ? Verdict::drop : Verdict::accept, {}}};
  for (std::uint32_t left = number(random, 0, 12); left > 0; --left)
    result.chains[0].rules.push_back(rule(random, family));
  return result;
}

bool accepts(const Ruleset& rules, const Packet& packet) {
  const Evaluation evaluation = evaluate(rules, "FORWARD", packet);
  if (evaluation.what == Evaluation::What::returned)
    return rules.chains[0].policy == Verdict::accept;
  return evaluation.what == Evaluation::What::accept;
}

bool accepts(const std::vector<Entry>& entries, const Packet& packet, Stateful stateful) {
  const auto what = decide(entries, packet, stateful).what;
  return what == Decision::What::accept || what == Decision::What::established;
}

std::vector<Entry> entries(const Publication& publication) {
  std::vector<Entry> result;
  for (const Route& route : publication.routes)
    result.push_back(route.entry);
  return result;
}

Packet packet(Random& random, const std::vector<Entry>& about) {
  const Components& match = about[number(random, 0, static_cast<std::uint32_t>(about.size() - 1))].match;
  return chance(random, 80) ? generate::packet_near(random, match) : generate::packet(random, match.family);
}

std::string text(const Ruleset& rules) {
  std::string lines;
  for (const Rule& rule : rules.chains[0].rules)
    lines += to_string(rule, rules.family) + "\n";
  return lines + "policy " + std::string(name(*rules.chains[0].policy));
}

std::string rule_name(std::size_t index) {
  return "rule " + std::to_string(index + 1);
}

} // namespace

TEST_CASE("what is published decides as the rules do") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  for (int i = 0; i < 1500; ++i) {
    const Family family = chance(random, 70) ? Family::ipv4 : Family::ipv6;
    Ruleset rules = ruleset(random, family);
    // A rule for known connections in the first place is what --stateful always stands for.
    const bool stateful = chance(random, 30);
    if (stateful)
      rules.chains[0].rules.insert(rules.chains[0].rules.begin(), known_connections());
    INFO(text(rules));
    const Publication publication = publish(rules, "FORWARD", rule_name);
    REQUIRE(publication.problems.empty());
    const std::vector<Entry> published = entries(publication);
    for (int j = 0; j < 20; ++j) {
      const Packet one = packet(random, published);
      REQUIRE(accepts(published, one, stateful ? Stateful::always : Stateful::never) == accepts(rules, one));
    }
  }
}

TEST_CASE("what is published together with rules that are not decides as the rest of the rules does") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  for (int i = 0; i < 500; ++i) {
    Ruleset rules = ruleset(random, Family::ipv4);
    auto& chain = rules.chains[0].rules;
    for (std::uint32_t left = number(random, 1, 5); left > 0; --left)
      chain.insert(chain.begin() + number(random, 0, static_cast<std::uint32_t>(chain.size())),
                   generate::rule(random, Family::ipv4));
    const Publication publication = publish(rules, "FORWARD", rule_name);
    std::set<std::string> left_out;
    for (const Problem& problem : publication.problems)
      left_out.insert(problem.rejected.subject);
    Ruleset rest = rules;
    std::erase_if(rest.chains[0].rules, [&](const Rule& rule) {
      return left_out.contains(
                 rule_name(static_cast<std::size_t>(std::ranges::find(chain, rule) - chain.begin()))) ||
             accepts_known_connections(rule);
    });
    INFO(text(rest));
    const std::vector<Entry> published = entries(publication);
    for (int j = 0; j < 20; ++j) {
      const Packet one = packet(random, published);
      REQUIRE(accepts(published, one, Stateful::never) == accepts(rest, one));
    }
  }
}

TEST_CASE("every published route is one that FRR takes, and none comes twice") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  for (int i = 0; i < 1000; ++i) {
    const Ruleset rules = ruleset(random, chance(random, 70) ? Family::ipv4 : Family::ipv6);
    INFO(text(rules));
    const std::vector<Entry> published = entries(publish(rules, "FORWARD", rule_name));
    std::set<std::vector<std::uint8_t>> matches;
    for (const Entry& entry : published) {
      REQUIRE(frr::takes(entry.match));
      REQUIRE(matches.insert(canonical_nlri(entry.match)).second);
    }
    REQUIRE(std::ranges::count_if(published, [](const Entry& e) { return is_default_policy(e.match); }) == 1);
  }
}

TEST_CASE("whatever FRR shows of a set that it takes has one useful reading: that set") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  for (int i = 0; i < 3000; ++i) {
    Components match;
    match.destination_port = generate::values(random, domain::port);
    if (!frr::takes(match))
      continue;
    std::vector<NumericTest> shown;
    for (const auto& [first, last] : match.destination_port->intervals()) {
      if (first == last) {
        shown.push_back({.less = false, .greater = false, .equal = true, .value = first});
      } else {
        shown.push_back({.less = false, .greater = true, .equal = true, .value = first});
        shown.push_back({.less = true, .greater = false, .equal = true, .value = last});
      }
    }
    INFO(to_string(match));
    REQUIRE(unique_useful_reading(shown, domain::port) == match.destination_port);
  }
}

TEST_CASE("the parts of a split match together hold the same packets") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  std::size_t several = 0;
  for (int i = 0; i < 1500; ++i) {
    const Components match =
        generate::entry(random, chance(random, 70) ? Family::ipv4 : Family::ipv6, {.every_component = true})
            .match;
    INFO(to_string(match));
    const std::vector<Components> parts = frr::split(match);
    REQUIRE(std::ranges::all_of(parts, [](const Components& part) { return frr::takes(part); }));
    const bool unlimited = to_string(match) == "any"; // no route says that
    REQUIRE(parts.empty() == (unlimited || matches_nothing(match)));
    several += parts.size() > 1 ? 1U : 0U;
    for (int j = 0; j < 20 && !unlimited; ++j) {
      const Packet one = generate::packet_near(random, match);
      const auto hits =
          std::ranges::count_if(parts, [&](const Components& part) { return matches(part, one); });
      REQUIRE((hits > 0) == matches(match, one));
      REQUIRE((hits <= 1 || match.port));
    }
  }
  CHECK(several > 20);
}
