// SPDX-License-Identifier: GPL-2.0-or-later
//
// A packet is decided as the entries of its segment say, and by no others; when it is in several, all of them
// have to let it pass.
#include "common/decide.hpp"
#include "common/error.hpp"
#include "tests/property/segment_packets.hpp"
#include "tests/support/packet_bytes.hpp"
#include "tests/support/packet_parser.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

CompileOptions random_options(generate::Random& random) {
  CompileOptions options;
  options.accept = generate::chance(random, 70) ? Verdict::accept : Verdict::return_;
  options.stateful = std::array{Stateful::default_drop, Stateful::never, Stateful::always}.at(
      generate::number(random, 0, 2));
  options.redirects = {{generate::redirect_target, {1, 0xff}}};
  test::add_segments(random, options);
  return options;
}

/// Random ones, and now and then a default drop for one segment.
std::vector<Entry> random_entries(generate::Random& random, Family family) {
  std::vector<Entry> entries =
      generate::entries(random, family, generate::number(random, 1, 12), {true, true, true});
  test::add_targets(random, entries);
  return entries;
}

struct Tally {
  std::size_t alone = 0;   ///< packets of one segment
  std::size_t shared = 0;  ///< of several
  std::size_t rest = 0;    ///< of none, and judged
  std::size_t nobody = 0;  ///< of none, and not judged
  std::size_t dropped = 0; ///< of those that are shared
  std::size_t altered = 0;
  std::size_t charged = 0; ///< buckets
};

/// What table mangle makes of a packet that the filter lets through.
void check_mangle(std::vector<test::SeenTable>& tables, const test::Route& route,
                  const std::vector<std::vector<Entry>>& lists, const Packet& packet,
                  const CompileOptions& options, Tally& tally) {
  const Evaluation routed = evaluate(tables.at(1).from(route.in, ""), "PREROUTING", packet);
  const Evaluation left = evaluate(tables.at(1).from("", route.out), "POSTROUTING", packet);
  std::optional<std::uint8_t> dscp;
  std::optional<std::uint32_t> mark;
  if (lists.size() == 1 && !hands_back(options)) {
    const Decision decision = decide(lists.front(), packet, options.stateful);
    if (decision.what == Decision::What::accept || decision.what == Decision::What::rate_limit) {
      dscp = decision.entry->actions.dscp_mark;
      if (decision.entry->actions.redirect)
        mark = options.redirects.at(*decision.entry->actions.redirect).value;
    }
  }
  if (route.chain == "FORWARD") {
    REQUIRE(left.dscp_mark == dscp);
    REQUIRE(routed.mark == mark);
  } else if (route.chain == "INPUT" && !segments_of(route, options).empty()) {
    REQUIRE_FALSE(routed.mark); // as if another segment had it
  } else if (route.chain == "OUTPUT" && !segments_of(route, options).empty()) {
    REQUIRE_FALSE(left.dscp_mark);
  }
  tally.altered += dscp || mark ? 1U : 0U;
}

/// Nobody's parent is called from another chain there.
bool all_built_in(const CompileOptions& options) {
  return std::ranges::none_of(filter_hooks(options),
                              [](const Hook& hook) { return hook.parent == "CUSTOM"; });
}

} // namespace

TEST_CASE("a packet is decided by the entries of its segments, and by no others") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::Random random(generate::seed());
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  Tally tally;
  for (int set = 0; set < 400; ++set) {
    const CompileOptions options = random_options(random);
    REQUIRE_NOTHROW(check_segments(options));
    const std::vector<Entry> entries = random_entries(random, family);
    const Wanted wanted = arrange(entries, std::array{family}, options);
    REQUIRE(wanted.installed.size() + wanted.rejected.size() + wanted.aside.size() == entries.size());
    if (wanted.installed.empty())
      continue;
    std::vector<test::SeenTable> tables = test::tables_of(wanted);
    for (int index = 0; index < 60; ++index) {
      CAPTURE(set, index);
      const auto chosen =
          generate::number(random, 0, static_cast<std::uint32_t>(wanted.installed.size() - 1));
      Packet packet = test::parse(test::build(generate::plan_near(random, wanted.installed[chosen].match)));
      packet.established = generate::chance(random, 25);
      const test::Route route = test::random_route(random, tables[0]);
      const std::vector<std::vector<Entry>> lists = test::lists_for(route, wanted.installed, options);
      const Evaluation got = evaluate(tables[0].from(route.in, route.out), route.chain, packet);
      CAPTURE(segments_text(options.segments, options.untargeted, options.parents), route.chain, route.in,
              route.out);
      REQUIRE(got.what == test::expected(lists, packet, options));
      REQUIRE_FALSE(got.charged_twice);
      tally.charged += got.buckets.size();
      if (got.what != Evaluation::What::drop && all_built_in(options))
        check_mangle(tables, route, lists, packet, options, tally);
      const std::size_t segments = segments_of(route, options).size();
      ++(segments == 1   ? tally.alone
         : segments > 1  ? tally.shared
         : lists.empty() ? tally.nobody
                         : tally.rest);
      tally.dropped += segments > 1 && got.what == Evaluation::What::drop ? 1U : 0U;
    }
  }
  // The generators must meet every kind of packet, or this shows nothing.
  CHECK(tally.alone > 3000);
  CHECK(tally.shared > 1000);
  CHECK(tally.rest > 3000);
  CHECK(tally.nobody > 1000);
  CHECK(tally.dropped > 100);
  CHECK(tally.altered > 50);
  CHECK(tally.charged > 500);
}

TEST_CASE("what one segment announces leaves the chains of the others as they were") {
  generate::Random random(generate::seed() + 1);
  for (int set = 0; set < 100; ++set) {
    CompileOptions options = random_options(random);
    if (options.segments.size() < 2)
      continue;
    const std::vector<Entry> all = random_entries(random, Family::ipv4);
    std::vector<Entry> without; // the first segment's own
    for (const Entry& entry : all)
      if (entry.route_targets != std::vector{test::target(0)})
        without.push_back(entry);
    options.reassembled = true; // what a default drop changes for everybody
    const auto chain_of = [&](const std::vector<Entry>& entries, const std::string& name) {
      const Wanted wanted = arrange(entries, std::array{Family::ipv4}, options);
      for (const Chain& chain : wanted.tables[0].chains)
        if (chain.name == name)
          return chain;
      return Chain{};
    };
    CHECK(chain_of(all, "FLOWSPEC-s1") == chain_of(without, "FLOWSPEC-s1"));
    CHECK(chain_of(all, "FLOWSPEC-ALL") == chain_of(without, "FLOWSPEC-ALL"));
    CHECK(chain_of(all, "FLOWSPEC") == chain_of(without, "FLOWSPEC"));
  }
}
