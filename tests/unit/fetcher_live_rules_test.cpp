// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/live_rules.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace flowspec;

namespace {

/// One family, as the kernel has it.
struct FamilyState {
  bool in_use = true;
  std::size_t rules = 0; ///< in FORWARD
  Verdict policy = Verdict::accept;
  bool nf_tables = false;
  bool tracks = false; ///< connections, in another table
};

constexpr FamilyState filtering{.rules = 2};
constexpr FamilyState empty{};
constexpr FamilyState unused{.in_use = false};
constexpr FamilyState elsewhere{.nf_tables = true};

/// `read` collects the families whose table was read: to read one is to make it.
LiveRules live(std::optional<Family> family, const FamilyState& ipv4, const FamilyState& ipv6,
               std::vector<Family>* read = nullptr) {
  const auto state = [&](Family of) { return of == Family::ipv4 ? ipv4 : ipv6; };
  return live_rules(family, {.table_in_use = [=](Family of) { return state(of).in_use; },
                             .read_filter_table =
                                 [=](Family of) {
                                   if (read != nullptr)
                                     read->push_back(of);
                                   Chain forward{"FORWARD", state(of).policy, {}};
                                   forward.rules = std::vector<Rule>(state(of).rules);
                                   return Ruleset{of, "filter", {forward}};
                                 },
                             .nf_tables_hold_rules = [=](Family of) { return state(of).nf_tables; },
                             .tracks_connections = [=](Family of) { return state(of).tracks; }});
}

std::vector<Family> families(const LiveRules& rules) {
  std::vector<Family> found;
  for (const Ruleset& ruleset : rules.rulesets)
    found.push_back(ruleset.family);
  return found;
}

} // namespace

TEST_CASE("both families are read, or the one that is asked for") {
  const LiveRules both = live({}, filtering, filtering);
  CHECK(families(both) == std::vector{Family::ipv4, Family::ipv6});
  CHECK(both.words.empty());
  CHECK(families(live(Family::ipv4, filtering, filtering)) == std::vector{Family::ipv4});
  CHECK(families(live(Family::ipv6, filtering, filtering)) == std::vector{Family::ipv6});
  CHECK(families(live(Family::ipv6, elsewhere, filtering)) == std::vector{Family::ipv6});
}

TEST_CASE("it is said whose connections are tracked") {
  CHECK(live({}, filtering, filtering).tracked.empty());
  CHECK(live({}, filtering, {.rules = 2, .tracks = true}).tracked == std::vector{Family::ipv6});
}

TEST_CASE("IPv6 that nobody uses is left out with a word, and its table is not made") {
  std::vector<Family> read;
  const LiveRules rules = live({}, filtering, unused, &read);
  CHECK(families(rules) == std::vector{Family::ipv4});
  CHECK(read == std::vector{Family::ipv4});
  CHECK(rules.words == std::vector<std::string>{"IPv6 is left out: nobody uses ip6tables-legacy here"});

  const LiveRules other = live({}, filtering, {.in_use = false, .nf_tables = true});
  CHECK(families(other) == std::vector{Family::ipv4});
  CHECK(other.words ==
        std::vector<std::string>{
            "IPv6 is left out: nobody uses ip6tables-legacy here, and what nf_tables hold is not read: "
            "ip6tables-save | flowspec-fetcher generate --rules6 -"});
}

TEST_CASE("a table that nobody uses is no firewall, and is not made by looking") {
  std::vector<Family> read;
  CHECK_THROWS_WITH(live(Family::ipv4, unused, unused, &read),
                    "nobody uses iptables-legacy here: there is no FORWARD to publish");
  CHECK_THROWS_WITH(live(Family::ipv6, unused, unused, &read),
                    "nobody uses ip6tables-legacy here: there is no FORWARD to publish");
  CHECK_THROWS_WITH(live({}, unused, filtering, &read),
                    Catch::EndsWith("there is no FORWARD to publish; --family ipv6 leaves IPv4 out"));
  CHECK(read.empty());
}

TEST_CASE("an empty FORWARD is published with a word when nf_tables hold nothing") {
  const LiveRules rules = live({}, empty, filtering);
  CHECK(families(rules).size() == 2);
  CHECK(rules.words ==
        std::vector<std::string>{"IPv4 FORWARD has no rule: its policy, ACCEPT, is all there is to publish"});
  CHECK(live({}, {.policy = Verdict::drop}, filtering).words.empty());
}

TEST_CASE("an empty FORWARD is refused when nf_tables hold rules") {
  CHECK_THROWS_WITH(live(Family::ipv4, elsewhere, filtering),
                    "FORWARD of iptables-legacy has no rule and accepts everything, and nf_tables hold IPv4 "
                    "rules, which are not read here: iptables-save | flowspec-fetcher generate --rules -");
  CHECK_THROWS_WITH(
      live({}, filtering, elsewhere),
      "FORWARD of ip6tables-legacy has no rule and accepts everything, and nf_tables hold IPv6 rules, which "
      "are "
      "not read here: ip6tables-save | flowspec-fetcher generate --rules6 -; --family ipv4 leaves IPv6 out");
  CHECK_THROWS_AS(live({}, {.in_use = false, .nf_tables = true}, unused), Error);
  CHECK_THROWS_AS(live(Family::ipv6, filtering, {.in_use = false, .nf_tables = true}), Error);
}

TEST_CASE("rules in both places are half of what filters, and that is said") {
  const LiveRules rules = live(Family::ipv4, {.rules = 1, .nf_tables = true}, unused);
  CHECK(families(rules).size() == 1);
  CHECK(rules.words ==
        std::vector<std::string>{"nf_tables hold IPv4 rules too, which are not read here: iptables-save | "
                                 "flowspec-fetcher generate --rules -"});
  // A policy that drops filters too.
  CHECK(live(Family::ipv4, {.policy = Verdict::drop, .nf_tables = true}, unused).words.size() == 1);
}
