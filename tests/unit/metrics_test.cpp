// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/metrics.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

Entry to(const char* destination) {
  Entry entry;
  entry.match.destination = parse_prefix(destination);
  entry.match.family = entry.match.destination->family();
  return entry;
}

KnownPeer peer(std::string address, std::string state, std::uint64_t received) {
  KnownPeer made;
  made.address = std::move(address);
  made.state = std::move(state);
  made.prefixes_received = received;
  return made;
}

Chain chain_of(std::size_t rules) {
  return {"FLOWSPEC", std::nullopt, std::vector<Rule>(rules)};
}

/// Both families: of IPv4 one route is active, two are stale and one is unconfirmed, and one is rejected.
PassOutcome outcome() {
  PassOutcome made;
  made.pass.routes.ipv4 = 3;
  made.pass.routes.ipv6 = 1;
  made.pass.installed = std::vector{to("10.1.0.0/16"), to("10.2.0.0/16"), to("10.3.0.0/16"),
                                    to("10.4.0.0/16"), to("2001:db8::/32")};
  made.pass.enforced = {4, 1};
  made.pass.rejected = {{"dst 10.9.0.0/16", Reason::unreadable_action, "UNK:128, 12"}};
  made.pass.remarks = {{"", Reason::lost_route, "FRR received 4 routes and shows 3"}};
  made.pass.tables = {{Family::ipv4, "filter", {chain_of(5), chain_of(2)}, {}},
                      {Family::ipv4, "mangle", {}, {}},
                      {Family::ipv6, "filter", {chain_of(1)}, {}},
                      {Family::ipv6, "mangle", {}, {}}};
  made.state.families[Family::ipv4].held = {{stable_id(to("10.2.0.0/16").match), 5s, {"192.0.2.2"}},
                                            {stable_id(to("10.3.0.0/16").match), 5s, {"192.0.2.2"}},
                                            {stable_id(to("10.4.0.0/16").match), 9s, {}},
                                            {stable_id(to("10.5.0.0/16").match), 9s, {}}}; // without rules
  made.peers[Family::ipv4] = {peer("192.0.2.1", "Established", 3), peer("192.0.2.2", "Active", 2)};
  made.peers[Family::ipv6] = {peer("2001:db8::1", "Established", 1)};
  using Seconds = StageTimes::Seconds;
  made.times = {Seconds(0.05), Seconds(0.002), Seconds(0.001), Seconds(0.004), Seconds(0.0075), Seconds(0)};
  return made;
}

State busy_state() {
  State state;
  state.gauges = gauges_of(outcome());
  state.totals.passes_changed = 12;
  state.totals.passes_unchanged = 40'000;
  state.totals.failures = {{"lock", 3}, {"no-answer", 7}};
  state.totals.commits = {{"filter", 11}, {"IPv6 filter", 2}, {"IPv6 mangle", 1}};
  state.totals.repairs = {{"jump-gone", 2}};
  state.totals.lock_waits = 4;
  state.totals.lock_waited = 1'050ms;
  state.last_pass = 1'790'000'010;
  state.last_success = 1'790'000'000;
  state.last_failure = "ask FRR: exit status 1";
  return state;
}

std::vector<EntrySample> entries() {
  return {{Family::ipv4, "47b8319553afa72d", "dst 10.1.0.0/16", 10, 7, 420, "discard"},
          {Family::ipv4, "2773850b40a75435", "dst 10.2.0.0/16 proto 6 dport 80,443", {}, 0, 0, "accept"},
          {Family::ipv4, "0123456789abcdef", "dst 10.3.0.0/16", 30, 9, 540, "discard"},
          {Family::ipv6, "fedcba9876543210", "dst 2001:db8::/32", {}, 9, 720, "rate 125000 B/s"}};
}

MetricsOptions options(std::size_t per_entry = 0) {
  return {"1.2.3", "FLOWSPEC", 250'000, per_entry};
}

/// The lines that begin so.
std::string lines(const std::string& text, const std::string& begin) {
  std::string found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    REQUIRE(end > at);
    if (text.compare(at, begin.size(), begin) == 0)
      found += text.substr(at, end - at);
    at = end;
  }
  return found;
}

} // namespace

// tests/e2e/test_monitoring.py holds these files against promtool, the alerts and the dashboard.
TEST_CASE("metrics as they were looked at") {
  CHECK(is_golden("metrics/full.prom", metrics_text(busy_state(), entries(), options(10))));
  CHECK(is_golden("metrics/empty.prom", metrics_text({}, {}, options())));

  const std::string hostile = "a \"quote\", a \\ backslash\\, a\nnewline, \xff\xc3(, Zürich 東京, \x01\x7f}{";
  State state;
  state.totals.failures[hostile] = 1;
  state.totals.commits["IPv6 " + hostile] = 2;
  state.totals.repairs[hostile] = 3;
  PassOutcome strange;
  strange.peers[Family::ipv4] = {peer(hostile, hostile, 1), peer("", "Established", 2)};
  state.gauges = gauges_of(strange);
  const std::vector<EntrySample> odd{{Family::ipv4, hostile, hostile,
                                      std::numeric_limits<std::uint64_t>::max(),
                                      std::numeric_limits<std::uint64_t>::max(), 0, hostile}};
  CHECK(is_golden("metrics/hostile.prom",
                  metrics_text(state, odd, {hostile, hostile, std::numeric_limits<std::size_t>::max(), 1})));
}

TEST_CASE("what a pass measured") {
  const std::map<std::string, double> gauges = gauges_of(outcome());
  const std::map<std::string, double> expected{
      {"flowspec_routes{family=\"ipv4\",state=\"active\"}", 1},
      {"flowspec_routes{family=\"ipv4\",state=\"stale\"}", 2},
      {"flowspec_routes{family=\"ipv4\",state=\"unconfirmed\"}", 1},
      {"flowspec_routes{family=\"ipv6\",state=\"active\"}", 1},
      {"flowspec_routes{family=\"ipv6\",state=\"stale\"}", 0},
      {"flowspec_routes{family=\"ipv6\",state=\"unconfirmed\"}", 0},
      {"flowspec_routes_shown{family=\"ipv4\"}", 3},
      {"flowspec_routes_shown{family=\"ipv6\"}", 1},
      {"flowspec_rejected_routes{reason=\"unreadable-action\"}", 1},
      {"flowspec_rejected_routes{reason=\"empty-match\"}", 0},
      {"flowspec_route_remarks{reason=\"lost-route\"}", 1},
      {"flowspec_route_remarks{reason=\"rate-rounded\"}", 0},
      {"flowspec_rules{family=\"ipv4\",table=\"filter\"}", 7},
      {"flowspec_rules{family=\"ipv4\",table=\"mangle\"}", 0},
      {"flowspec_rules{family=\"ipv6\",table=\"filter\"}", 1},
      {"flowspec_peer_up{family=\"ipv4\",peer=\"192.0.2.1\"}", 1},
      {"flowspec_peer_up{family=\"ipv4\",peer=\"192.0.2.2\"}", 0},
      {"flowspec_peer_routes_received{family=\"ipv4\",peer=\"192.0.2.1\"}", 3},
      {"flowspec_peer_routes_received{family=\"ipv4\",peer=\"192.0.2.2\"}", 0},
      {"flowspec_pass_stage_duration_seconds{stage=\"commit\"}", 0.0075},
      {"flowspec_pass_stage_duration_seconds{stage=\"lock\"}", 0},
  };
  for (const auto& [sample, value] : expected) {
    CAPTURE(sample);
    REQUIRE(gauges.contains(sample));
    CHECK(gauges.at(sample) == value);
  }
}

TEST_CASE("every reason why a route is left out has a sample before it comes up, and no other reason has") {
  std::size_t rejected = 0, aside = 0;
  for (const auto& [sample, value] : gauges_of({})) {
    rejected += sample.starts_with("flowspec_rejected_routes{") ? 1U : 0U;
    aside += sample.starts_with("flowspec_routes_set_aside{") ? 1U : 0U;
  }
  // The reasons of routes stand first in Reason, those of the configuration and of rules behind them.
  CHECK(rejected == static_cast<std::size_t>(Reason::rejected_by_policy));
  CHECK(rejected + aside == static_cast<std::size_t>(Reason::unsupported_rule));
}

TEST_CASE("everything that a pass measures is shown, with the chain, and nothing twice") {
  const State state = busy_state();
  const std::string text = metrics_text(state, {}, options());
  for (const auto& [sample, value] : state.gauges) {
    const std::size_t brace = sample.find('{');
    const std::string shown =
        sample.substr(0, brace) + "{chain=\"FLOWSPEC\"," + sample.substr(brace + 1) + " ";
    CAPTURE(shown);
    CHECK(text.find("\n" + shown) != std::string::npos);
    CHECK(text.find("\n" + shown) == text.rfind("\n" + shown));
  }
}

TEST_CASE("a family that failed keeps its gauges, and the other gets new ones") {
  PassOutcome now = outcome();
  now.state.gauges = gauges_of(now);
  now.failures = {{Family::ipv6, Cause::bad_answer, "an answer cut off"}};
  now.pass.routes = {7, 0};
  now.pass.tables.resize(2);
  now.peers.erase(Family::ipv6);
  const std::map<std::string, double> gauges = gauges_of(now);
  CHECK(gauges.at("flowspec_routes_shown{family=\"ipv4\"}") == 7);
  CHECK(gauges.at("flowspec_routes_shown{family=\"ipv6\"}") == 1);
  CHECK(gauges.at("flowspec_routes{family=\"ipv6\",state=\"active\"}") == 1);
  CHECK(gauges.at("flowspec_peer_up{family=\"ipv6\",peer=\"2001:db8::1\"}") == 1);

  now.failures.clear(); // FRR has no peer of that family any more
  CHECK_FALSE(gauges_of(now).contains("flowspec_routes_shown{family=\"ipv6\"}"));
}

TEST_CASE("totals are printed to the last digit, and what is known to be counted begins with 0") {
  State state = busy_state();
  state.totals.passes_unchanged = 9'007'199'254'740'993; // 2^53 + 1: no double
  state.totals.lock_waited = 123'456'789'005ms;
  const std::string text = metrics_text(state, {}, options());
  CHECK(lines(text, "flowspec_passes_total") ==
        "flowspec_passes_total{chain=\"FLOWSPEC\",result=\"changed\"} 12\n"
        "flowspec_passes_total{chain=\"FLOWSPEC\",result=\"unchanged\"} 9007199254740993\n");
  CHECK(lines(text, "flowspec_lock_wait_seconds_total") ==
        "flowspec_lock_wait_seconds_total{chain=\"FLOWSPEC\"} 123456789.005\n");
  CHECK(lines(text, "flowspec_commits_total") ==
        "flowspec_commits_total{chain=\"FLOWSPEC\",family=\"ipv6\",table=\"filter\"} 2\n"
        "flowspec_commits_total{chain=\"FLOWSPEC\",family=\"ipv6\",table=\"mangle\"} 1\n"
        "flowspec_commits_total{chain=\"FLOWSPEC\",family=\"ipv4\",table=\"filter\"} 11\n"
        "flowspec_commits_total{chain=\"FLOWSPEC\",family=\"ipv4\",table=\"mangle\"} 0\n");
  const std::string fresh = metrics_text({}, {}, options());
  for (const Cause cause : every_cause)
    CHECK(lines(fresh, "flowspec_failures_total{chain=\"FLOWSPEC\",cause=\"" + std::string(name(cause))) !=
          "");
  for (const char* kind : {"chain-gone", "jump-gone", "jump-moved", "rules-changed"})
    CHECK(lines(fresh, "flowspec_tamper_repairs_total{chain=\"FLOWSPEC\",kind=\"" + std::string(kind)) != "");
}

TEST_CASE("whether the last pass went well") {
  const auto success = [](std::int64_t last_pass, const std::string& failure) {
    State state;
    state.last_pass = last_pass;
    state.last_failure = failure;
    return lines(metrics_text(state, {}, {}), "flowspec_last_pass_success{");
  };
  CHECK(success(0, "") == "flowspec_last_pass_success{chain=\"FLOWSPEC\"} 0\n");
  CHECK(success(1'790'000'000, "") == "flowspec_last_pass_success{chain=\"FLOWSPEC\"} 1\n");
  CHECK(success(1'790'000'000, "lock") == "flowspec_last_pass_success{chain=\"FLOWSPEC\"} 0\n");
}

TEST_CASE("a gauge of another version, or damaged, is left out and spoils no other") {
  State state;
  for (const char* sample :
       {"flowspec_rules{family=\"ipv4\",table=\"filter\"}", "flowspec_rules", "flowspec_rules{}",
        "flowspec_rules{", "flowspec_rules{family=\"ipv4\"",
        "flowspec_rules{family=\"ipv4\"} 7\nflowspec_evil{a=\"b\"}", "flowspec_rules{chain=\"OTHER\"}",
        "flowspec_rulesofold{family=\"ipv4\"}", "flowspec_evil{a=\"b\"}", "", "\n", "\xff"})
    state.gauges[sample] = 5;
  const std::string text = metrics_text(state, {}, options());
  CHECK(lines(text, "flowspec_rules") ==
        "flowspec_rules{chain=\"FLOWSPEC\",family=\"ipv4\",table=\"filter\"} 5\n");
  CHECK(text.find("evil") == std::string::npos);
}

TEST_CASE("entries get samples up to a number: those with the most packets, in their order") {
  const auto packets = [](std::size_t per_entry) {
    const std::vector<EntrySample> all = entries();
    const std::string text = metrics_text({}, all, options(per_entry));
    std::string ids;
    for (const EntrySample& entry : all)
      if (text.find("flowspec_entry_packets_total{chain=\"FLOWSPEC\",family=\"" +
                    std::string(name(entry.family)) + "\",id=\"" + entry.id) != std::string::npos)
        ids += entry.id.substr(0, 4) + " ";
    return ids + lines(text, "flowspec_entries_without_samples{");
  };
  const std::string left = "flowspec_entries_without_samples{chain=\"FLOWSPEC\"} ";
  CHECK(packets(0) == "");
  CHECK(packets(1) == "0123 " + left + "3\n"); // as many as another, and before it
  CHECK(packets(2) == "0123 fedc " + left + "2\n");
  CHECK(packets(3) == "47b8 0123 fedc " + left + "1\n");
  CHECK(packets(4) == "47b8 2773 0123 fedc " + left + "0\n");
  CHECK(packets(9) == "47b8 2773 0123 fedc " + left + "0\n");
}
