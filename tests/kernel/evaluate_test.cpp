// SPDX-License-Identifier: GPL-2.0-or-later
//
// The tests' own evaluator against the kernel, for the matches that no injector writes: packets go through a
// router, and each rule must have counted those for which the evaluator says that it holds.
#include "common/iptc.hpp"
#include "common/rule_text.hpp"
#include "common/table_snapshot.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/forwarding_lab.hpp"
#include "tests/support/generate.hpp"
#include "tests/support/packet_bytes.hpp"
#include "tests/support/packet_parser.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <thread>

using namespace flowspec;

namespace {

constexpr std::size_t rule_count = 400;
constexpr std::size_t packet_count = 400;

bool is_asked_about(const Match& match) {
  return std::holds_alternative<TosMatch>(match) || std::holds_alternative<IprangeMatch>(match) ||
         std::holds_alternative<DscpMatch>(match);
}

/// Rules that only count, and behind them one that counts every packet.
std::vector<Rule> counting_rules(generate::Random& random, Family family) {
  std::vector<Rule> rules;
  while (rules.size() < rule_count) {
    Rule rule;
    for (Match& match : generate::rule(random, family).matches)
      if (is_asked_about(match))
        rule.matches.push_back(std::move(match));
    if (!rule.matches.empty())
      rules.push_back(std::move(rule));
  }
  rules.emplace_back();
  return rules;
}

test::Bytes some_packet(generate::Random& random, Family family) {
  test::PacketPlan plan;
  plan.source = generate::address(random, family);
  plan.destination = generate::address(random, family);
  plan.dscp = static_cast<std::uint8_t>(generate::number(random, 0, 63));
  plan.protocol = protocol::udp;
  plan.payload = test::udp_header(1024, 53);
  return build(plan);
}

bool holds(const Rule& rule, const Packet& packet) {
  Rule accept = rule;
  accept.target = Verdict::accept;
  const Ruleset ruleset{packet.family(), "filter", {{"FORWARD", Verdict::drop, {accept}}}};
  return evaluate(ruleset, "FORWARD", packet).what == Evaluation::What::accept;
}

/// What the rules of FORWARD have counted, once the last one has seen `packets` of them.
std::vector<Counters> counted(Family family, std::uint64_t packets) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (true) {
    for (const ChainCounters& chain : TableSnapshot(family, "filter").counters())
      if (chain.chain == "FORWARD" && chain.rules.back().packets == packets)
        return chain.rules;
    if (std::chrono::steady_clock::now() > deadline)
      throw Error("the packets do not reach the chain");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

} // namespace

TEST_CASE("the kernel finds in a packet's header what the evaluator finds") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed());
  INFO("seed " << generate::seed());
  test::ForwardingLab lab;
  const std::vector<Rule> rules = counting_rules(random, family);
  std::vector<Edit> edits;
  for (std::size_t i = 0; i < rules.size(); ++i)
    edits.emplace_back(InsertRule{"FORWARD", i, rules[i]});
  KernelTable(family, "filter").commit(edits);

  std::vector<std::uint64_t> expected(rules.size());
  for (std::size_t i = 0; i < packet_count; ++i) {
    const test::Bytes bytes = some_packet(random, family);
    const Packet packet = test::parse(bytes);
    for (std::size_t rule = 0; rule < rules.size(); ++rule)
      expected[rule] += holds(rules[rule], packet) ? 1U : 0U;
    lab.send(bytes);
  }

  const std::vector<Counters> counters = counted(family, packet_count);
  REQUIRE(counters.size() == rules.size());
  std::size_t partly = 0; // rules that hold for some of the packets
  for (std::size_t i = 0; i < rules.size(); ++i) {
    INFO(to_string(rules[i], family));
    CHECK(counters[i].packets == expected[i]);
    partly += expected[i] != 0 && expected[i] != packet_count ? 1U : 0U;
  }
  CHECK(partly > rule_count / 3);
}
