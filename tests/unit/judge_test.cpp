// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/judge.hpp"
#include "injector/report.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Entry entry(const char* destination, std::optional<double> rate = 0) {
  Entry entry;
  entry.match.destination = parse_prefix(destination);
  entry.match.family = entry.match.destination->family();
  entry.actions.rate = rate;
  return entry;
}

Policy policy(const std::string& document) {
  return parse_policy(document, "p.json",
                      [](const std::string& path) -> std::string { throw Error("no " + path); });
}

const Policy& strict() {
  static const Policy result = policy(R"({"terms": [
    {"name": "floor", "match": {"rate": {"above": 0, "below": 125000}}, "then": {"set": {"rate": 125000}}},
    {"name": "no-host", "match": {"destination": {"length": {"min": 32}}}, "then": "reject"},
    {"name": "ours", "match": {"destination": {"within": ["10.0.0.0/8"]}}, "then": "accept"}],
    "default": "reject"})");
  return result;
}

std::vector<std::string> reasons(const Judged& judged) {
  std::vector<std::string> result;
  for (const Rejected& aside : judged.aside)
    result.push_back(to_string(aside));
  return result;
}

} // namespace

TEST_CASE("without anything to judge by every route stays as it is") {
  const std::vector<Entry> entries{entry("10.0.0.1/32"), entry("2001:db8::/32", 5)};
  const Judged judged = judge(entries, {}, {});
  CHECK(judged.entries == entries);
  CHECK(judged.aside.empty());
  CHECK(judged.rejected_by_term.empty());
}

TEST_CASE("a route goes through feasibility, policy and scope, and is left out by the first that says so") {
  const Entry not_feasible = entry("10.0.0.0/24"), host = entry("10.0.0.1/32"),
              foreign = entry("192.0.2.0/24"), far = entry("10.9.0.0/16"), near = entry("10.0.7.0/24", 10);
  const std::map<Family, Infeasible> infeasible{
      {Family::ipv4, {{stable_id(not_feasible.match), "no unicast route"}, {stable_id(host.match), "none"}}}};
  const PrefixSet own({*parse_prefix("10.0.0.0/16")});
  const Judged judged = judge({not_feasible, host, foreign, far, near, entry("10.0.8.1/32")}, infeasible,
                              {&strict(), &own, false});

  REQUIRE(judged.entries.size() == 1);
  CHECK(judged.entries.front().match == near.match);
  CHECK(judged.entries.front().actions.rate == 125000.0); // as the policy changed it
  const std::vector<std::string> said = reasons(judged);
  REQUIRE(said.size() == 5);
  CHECK(said[0] == "dst 10.0.0.0/24: not-feasible: no unicast route");
  CHECK(said[1] == "dst 10.0.0.1/32: not-feasible: none");
  CHECK(said[2] == "dst 192.0.2.0/24: rejected-by-policy: the default");
  CHECK(said[3] == "dst 10.0.8.1/32: rejected-by-policy: term no-host");
  CHECK_THAT(said[4], Catch::StartsWith("dst 10.9.0.0/16: not-local: "));
}

TEST_CASE("feasibility is a matter of each family") {
  const Entry route = entry("10.0.0.0/24");
  const std::map<Family, Infeasible> of_the_other{{Family::ipv6, {{stable_id(route.match), "no"}}}};
  CHECK(judge({route}, of_the_other, {}).entries.size() == 1);
}

TEST_CASE("rejections are counted by term, those of terms that reject nothing too") {
  const Judged judged = judge({entry("10.0.0.1/32"), entry("10.0.0.2/32"), entry("192.0.2.0/24")}, {},
                              {&strict(), nullptr, false});
  CHECK(judged.rejected_by_term == std::map<std::string, std::size_t>{{"default", 1}, {"no-host", 2}});
  CHECK(judge({}, {}, {&strict(), nullptr, false}).rejected_by_term ==
        std::map<std::string, std::size_t>{{"default", 0}, {"no-host", 0}});
}

TEST_CASE("what each term did to each route is told when it is asked for") {
  const Judged judged =
      judge({entry("10.0.0.0/24", 10), entry("192.0.2.0/24")}, {}, {&strict(), nullptr, true});
  REQUIRE(judged.traces.size() == 2);
  CHECK(judged.traces[0].route == "dst 10.0.0.0/24: rate 10 B/s");
  REQUIRE(judged.traces[0].steps.size() == 2);
  CHECK_THAT(judged.traces[0].steps[0], Catch::StartsWith("term floor: ") && Catch::Contains("125000"));
  CHECK(judged.traces[0].steps[1] == "term ours: accepted");
  CHECK(judged.traces[1].steps == std::vector<std::string>{"the default: rejected"});
  CHECK_THAT(traces_text(judged.traces),
             Catch::Contains("policy: dst 192.0.2.0/24: discard\n  the default: rejected\n"));
  CHECK(judge({entry("10.0.0.0/24")}, {}, {&strict(), nullptr, false}).traces.empty());
}

TEST_CASE("what is left out is said in few lines, but for routes that are not feasible") {
  const std::vector<Rejected> aside{{"dst 10.0.0.1/32", Reason::not_feasible, "no unicast route"},
                                    {"dst 10.0.0.2/32", Reason::rejected_by_policy, "term a"},
                                    {"dst 10.0.0.3/32", Reason::rejected_by_policy, "term a"},
                                    {"dst 10.0.0.4/32", Reason::not_local, "x"},
                                    {"dst 10.0.0.5/32", Reason::no_segment, "y"}};
  CHECK(aside_text(aside, "# ") == "# left out: dst 10.0.0.1/32: not-feasible: no unicast route\n"
                                   "# left out: 1 route: no-segment\n"
                                   "# left out: 1 route: not-local\n"
                                   "# left out: 2 routes: rejected-by-policy: term a\n");
}
