// SPDX-License-Identifier: GPL-2.0-or-later
//
// The whole way without the daemons: a firewall's rules as text, published, as FRR shows the routes, read,
// compiled: the rules at the other end decide as the first do.
#include "common/error.hpp"
#include "common/rule_text.hpp"
#include "fetcher/publication.hpp"
#include "fetcher/save_text.hpp"
#include "injector/frr_routes.hpp"
#include "injector/ownership.hpp"
#include "injector/wanted.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/frr_text.hpp"
#include "tests/support/generate.hpp"
#include "tests/support/generate_firewall.hpp"
#include "tests/support/packet_bytes.hpp"
#include "tests/support/packet_parser.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <optional>

using namespace flowspec;
using generate::chance;
using generate::number;
using generate::Random;

namespace {

std::string save_text(const Ruleset& rules) {
  std::string declared = "*filter\n";
  std::string lines;
  for (const Chain& chain : rules.chains) {
    declared += ":" + chain.name + " " + (chain.policy ? std::string(name(*chain.policy)) : "-") + " [0:0]\n";
    for (const Rule& rule : chain.rules)
      lines += "-A " + chain.name + " " + to_string(rule, rules.family) + "\n";
  }
  return declared + lines + "COMMIT\n";
}

bool drops(const Ruleset& rules, const std::string& chain, const Packet& packet) {
  const Evaluation evaluation = evaluate(rules, chain, packet);
  if (evaluation.what == Evaluation::What::returned)
    return rules.find(chain)->policy == Verdict::drop;
  return evaluation.what == Evaluation::What::drop;
}

/// Table filter of a switch that has read `shown`, with nothing rejected.
Ruleset injected(const std::string& shown, Family family, Stateful stateful) {
  const RoutesRead read = read_frr_routes(shown, family, {});
  REQUIRE(read.rejected.empty());
  CompileOptions options;
  options.stateful = stateful;
  const Wanted wanted = arrange(read.entries, std::array{family}, options);
  for (const Rejected& rejected : wanted.rejected)
    REQUIRE(rejected.reason == Reason::never_matches);
  const WantedTable& filter = wanted.tables.at(0);
  Ruleset empty{family, filter.table, {}};
  for (const Hook& hook : filter.hooks)
    empty.chains.push_back({hook.parent, Verdict::accept, {}});
  return with_ours(empty, filter.chains, filter.hooks, {});
}

std::vector<Entry> entries(const Publication& publication) {
  std::vector<Entry> result;
  for (const Route& route : publication.routes)
    result.push_back(route.entry);
  return result;
}

/// A whole packet, or a fragment where no connection is tracked, which would put it together. One whose
/// headers are cut off is discarded by the first rule that has to look at them, and the two ends need not
/// look at the same.
std::optional<Packet> whole_packet(Random& random, const Components& near, bool tracked) {
  const Packet packet = test::parse(test::build(generate::plan_near(random, near)));
  if (packet.header_cut || packet.upper_layer_hidden || packet.fragment_hidden)
    return std::nullopt;
  // One fragment header behind another: a fragment of a fragment.
  if ((packet.protocol == protocol::tcp || packet.protocol == protocol::udp) && !packet.source_port &&
      packet.fragment_offset == 0)
    return std::nullopt;
  if (tracked && (packet.fragment_offset != 0 || packet.more_fragments))
    return std::nullopt;
  return packet;
}

struct Tally {
  std::size_t sets = 0;
  std::size_t routes = 0;
  std::size_t exact = 0;    ///< packets compared, of sets in which every rule is exact
  std::size_t stateful = 0; ///< packets of new connections, of the others
  std::size_t refused = 0;
};

/// Rules of `shape`, published and injected; packets near what was published get the same verdict.
void round_trip(Random& random, const generate::FirewallShape& shape, Tally& tally) {
  const Family family = chance(random, 65) ? Family::ipv4 : Family::ipv6;
  const std::string text = save_text(generate::firewall(random, family, shape));
  CAPTURE(text);
  const Ruleset rules = parse_save(text, family);
  PublishOptions options;
  options.max_routes = 20000;
  options.no_common_beginning = chance(random, 30);
  options.optimize = chance(random, 30);
  std::optional<Publication> publication;
  try {
    publication = publish(
        rules, "FORWARD", [](std::string_view, std::size_t) { return ""; }, options);
  } catch (const Error&) {
    ++tally.refused;
    return;
  }
  REQUIRE(publication->unsupported() == 0);
  const std::vector<Entry> routes = entries(*publication);
  const std::string shown = test::frr_text(routes, {});
  const Ruleset other = injected(shown, family, shape.states ? Stateful::default_drop : Stateful::never);
  const bool exact = std::ranges::none_of(
      publication->rules, [](const RuleReport& rule) { return rule.grade == Grade::stateful; });
  ++tally.sets;
  tally.routes += routes.size();
  for (int left = 30; left > 0; --left) {
    const auto chosen = number(random, 0, static_cast<std::uint32_t>(routes.size() - 1));
    const auto packet = whole_packet(random, routes[chosen].match, shape.states);
    if (!packet)
      continue;
    CAPTURE(to_string(routes[chosen].match));
    REQUIRE(drops(other, "FLOWSPEC", *packet) == drops(rules, "FORWARD", *packet));
    ++(exact ? tally.exact : tally.stateful);
  }
}

} // namespace

TEST_CASE("rules of 1 to 200 decide the same at the other end of the loop") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  Tally tally;
  while (tally.sets < 200) {
    generate::FirewallShape shape;
    shape.chains = number(random, 0, 6);
    shape.rules = number(random, 1, chance(random, 50) ? 20 : 200);
    shape.states = chance(random, 40);
    round_trip(random, shape, tally);
    REQUIRE(tally.refused < 20);
  }
  WARN(tally.sets << " sets, " << tally.routes << " routes; packets compared: " << tally.exact << " exact, "
                  << tally.stateful << " equivalent when stateful; " << tally.refused << " sets refused");
  CHECK(tally.exact > 1000);
  CHECK(tally.stateful > 1000);
}
