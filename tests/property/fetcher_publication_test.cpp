// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/decide.hpp"
#include "common/error.hpp"
#include "common/numeric_tests.hpp"
#include "common/rule_text.hpp"
#include "fetcher/frr_limits.hpp"
#include "fetcher/publication.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/generate.hpp"
#include "tests/support/generate_firewall.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

using namespace flowspec;
using generate::chance;
using generate::number;
using generate::Random;

namespace {

bool accepts(const Ruleset& rules, const Packet& packet) {
  const Evaluation evaluation = evaluate(rules, "FORWARD", packet);
  if (evaluation.what == Evaluation::What::returned)
    return rules.find("FORWARD")->policy == Verdict::accept;
  return evaluation.what == Evaluation::What::accept;
}

bool accepts(const std::vector<Entry>& entries, const Packet& packet, Stateful stateful) {
  const auto what = decide(entries, packet, stateful).what;
  return what == Decision::What::accept || what == Decision::What::established ||
         what == Decision::What::rate_limit; // the evaluator takes every rate as not exceeded
}

std::vector<Entry> entries(const Publication& publication) {
  std::vector<Entry> result;
  for (const Route& route : publication.routes)
    result.push_back(route.entry);
  return result;
}

/// True when a rule asks for connection tracking, which puts fragments together before any rule sees them.
bool track_connections(const Ruleset& rules) {
  for (const Chain& chain : rules.chains)
    for (const Rule& rule : chain.rules)
      for (const Match& match : rule.matches)
        if (std::holds_alternative<ConntrackMatch>(match))
          return true;
  return false;
}

bool is_fragment(const Packet& packet) {
  return packet.fragment_offset != 0 || packet.more_fragments;
}

Packet packet(Random& random, const std::vector<Entry>& about) {
  const Components& match = about[number(random, 0, static_cast<std::uint32_t>(about.size() - 1))].match;
  Packet result =
      chance(random, 80) ? generate::packet_near(random, match) : generate::packet(random, match.family);
  result.fragment_header =
      match.family == Family::ipv6 && (result.fragment_offset != 0 || result.more_fragments);
  return result;
}

std::string text(const Ruleset& rules) {
  std::string lines;
  for (const Chain& chain : rules.chains) {
    for (const Rule& rule : chain.rules)
      lines += chain.name + " " + to_string(rule, rules.family) + "\n";
    if (chain.policy)
      lines += chain.name + " policy " + std::string(name(*chain.policy)) + "\n";
  }
  return lines;
}

std::string text(const Publication& publication) {
  std::string lines;
  for (const Route& route : publication.routes)
    lines +=
        to_string(route.entry.match) + ": " + to_string(route.entry.actions) + " # " + route.origin + "\n";
  return lines;
}

std::string rule_name(std::string_view chain, std::size_t index) {
  return std::string(chain) + " " + std::to_string(index + 1);
}

/// None when it takes too many routes.
std::optional<Publication> published(const Ruleset& rules, const PublishOptions& options = {}) {
  try {
    return publish(rules, "FORWARD", rule_name, options);
  } catch (const Error& error) {
    if (std::string(error.what()).find("--max-routes") == std::string::npos)
      throw;
    return std::nullopt;
  }
}

/// The rules without those that were left out. None when a rule was left out on some ways and not on others:
/// then there are no such rules.
std::optional<Ruleset> without_those_left_out(const Ruleset& rules, const Publication& publication) {
  std::map<std::string, std::set<std::size_t>> out;
  for (const RuleReport& rule : publication.rules) {
    if (rule.grade == Grade::unsupported && (rule.routes != 0 || rule.notes.size() > 1))
      return std::nullopt;
    if (rule.grade == Grade::unsupported)
      out[rule.chain].insert(rule.index);
  }
  Ruleset rest = rules;
  for (Chain& chain : rest.chains)
    for (auto index = out[chain.name].rbegin(); index != out[chain.name].rend(); ++index)
      chain.rules.erase(chain.rules.begin() + static_cast<std::ptrdiff_t>(*index));
  return rest;
}

bool matches_nothing(const Components& match) {
  const auto empty = [](const std::optional<ValueSet>& set) { return set && set->empty(); };
  return empty(match.protocol) || empty(match.port) || empty(match.destination_port) ||
         empty(match.source_port) || empty(match.icmp_type) || empty(match.icmp_code) ||
         empty(match.packet_length) || empty(match.dscp) || empty(match.flow_label);
}

Rule known_connections() {
  Rule result;
  result.matches.emplace_back(ConntrackMatch{ConntrackMatch::established | ConntrackMatch::related, false});
  result.target = Verdict::accept;
  return result;
}

} // namespace

TEST_CASE("what is published of whole rule sets decides as the rules do") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  std::size_t compared = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 500; ++i) {
    const Family family = chance(random, 70) ? Family::ipv4 : Family::ipv6;
    Ruleset rules = generate::firewall(random, family, {.rules = 12});
    // A rule for known connections in the first place is what --stateful always stands for.
    const bool stateful = chance(random, 30);
    if (stateful)
      rules.chains[0].rules.insert(rules.chains[0].rules.begin(), known_connections());
    PublishOptions options;
    options.stateful_always = stateful;
    options.optimize = chance(random, 30);
    options.no_common_beginning = chance(random, 30);
    INFO(text(rules));
    const auto publication = published(rules, options);
    if (!publication) {
      ++refused;
      continue;
    }
    INFO(text(*publication));
    REQUIRE(publication->unsupported() == 0);
    const std::vector<Entry> routes = entries(*publication);
    for (int j = 0; j < 40; ++j, ++compared) {
      Packet one = packet(random, routes);
      if (stateful && is_fragment(one))
        continue;
      one.established = stateful && chance(random, 30);
      INFO(one.protocol << " " << to_string(one.source) << " > " << to_string(one.destination) << " sport "
                        << one.source_port.value_or(0) << " dport " << one.destination_port.value_or(0)
                        << " flags " << one.tcp_flags.value_or(0) << " offset " << one.fragment_offset
                        << " more " << one.more_fragments << " length " << one.length << " dscp "
                        << int{one.dscp});
      REQUIRE(accepts(routes, one, stateful ? Stateful::always : Stateful::never) == accepts(rules, one));
    }
  }
  CHECK(compared > 12000);
  CHECK(refused < 40);
}

TEST_CASE("what is published together with rules that are not decides as the rest of the rules does") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  std::size_t compared = 0;
  for (int i = 0; i < 350; ++i) {
    const Family family = chance(random, 70) ? Family::ipv4 : Family::ipv6;
    Ruleset rules = generate::firewall(random, family, {.rules = 12});
    for (std::uint32_t left = number(random, 1, 5); left > 0; --left) {
      auto& chain =
          rules.chains[number(random, 0, static_cast<std::uint32_t>(rules.chains.size() - 1))].rules;
      chain.insert(chain.begin() + number(random, 0, static_cast<std::uint32_t>(chain.size())),
                   generate::rule(random, family));
    }
    INFO(text(rules));
    const auto publication = published(rules);
    const auto rest = publication ? without_those_left_out(rules, *publication) : std::nullopt;
    if (!rest)
      continue;
    INFO(text(*publication));
    const std::vector<Entry> routes = entries(*publication);
    for (int j = 0; j < 20; ++j) {
      Packet one = packet(random, routes);
      if (track_connections(rules) && is_fragment(one))
        continue;
      one.established = false;
      bool wanted = false;
      try {
        wanted = accepts(*rest, one);
      } catch (const std::logic_error&) {
        continue; // a rule that nothing reaches, and that the evaluator does not know
      }
      REQUIRE(accepts(routes, one, Stateful::never) == wanted);
      ++compared;
    }
  }
  CHECK(compared > 1500);
}

TEST_CASE("every published route is one that FRR takes, and none comes twice") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  for (int i = 0; i < 300; ++i) {
    const Family family = chance(random, 70) ? Family::ipv4 : Family::ipv6;
    const Ruleset rules = generate::firewall(random, family, {.rules = 12});
    INFO(text(rules));
    PublishOptions options;
    options.no_common_beginning = chance(random, 50);
    const auto publication = published(rules, options);
    if (!publication)
      continue;
    INFO(text(*publication));
    std::set<std::vector<std::uint8_t>> matches;
    for (const Entry& entry : entries(*publication)) {
      REQUIRE(frr::takes(entry.match));
      REQUIRE(matches.insert(canonical_nlri(entry.match)).second);
    }
    REQUIRE(std::ranges::count_if(publication->routes, [](const Route& route) {
              return is_default_policy(route.entry.match);
            }) == 1);
    for (auto next = matches.begin(); options.no_common_beginning && next != matches.end(); ++next)
      if (const auto behind = std::next(next); behind != matches.end() && next->size() <= behind->size())
        REQUIRE_FALSE(std::equal(next->begin(), next->end(), behind->begin()));
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
