// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/frr_routes.hpp"
#include "injector/frr_source.hpp"
#include "injector/frr_summary.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

#include <deque>

using namespace flowspec;

namespace {

std::string path(const std::string& to, const std::string& ecomlist) {
  return "{\"to\":\"" + to + "\"}," + (ecomlist.empty() ? "" : "{\"ecomlist\":\"" + ecomlist + "\"},") +
         "{\"time\":\"00:00:01\"}";
}

std::string route(const std::string& to, const std::string& ecomlist) {
  return "[" + path(to, ecomlist) + "]\n";
}

std::string words(const RoutesRead& routes) {
  std::string text;
  for (const Entry& entry : routes.entries)
    text += to_string(entry.match) + ": " + to_string(entry.actions) +
            (entry.sequence ? " #" + std::to_string(*entry.sequence) : "") + "\n";
  for (const Rejected& rejected : routes.rejected)
    text += rejected.subject + ": " + std::string(name(rejected.reason)) + "\n";
  for (const Rejected& remark : routes.remarks)
    text += remark.subject + ": (" + std::string(name(remark.reason)) + ")\n";
  return text;
}

std::string read(const std::string& text) {
  return words(read_frr_routes(text, Family::ipv4, {}));
}

/// FRR as a list of the commands that are expected and their answers.
struct FakeFrr {
  std::deque<std::pair<std::string, std::string>> answers;

  AskFrr ask() {
    return [this](const std::string& command) {
      if (answers.empty())
        throw std::logic_error("one command too many: " + command);
      const auto [expected, answer] = answers.front();
      answers.pop_front();
      CHECK(command == expected);
      if (answer == "FAIL")
        throw Error("no answer");
      return answer;
    };
  }
};

const std::string summary_command = "show bgp ipv4 flowspec summary json";
const std::string routes_command = "show bgp ipv4 flowspec detail json";

std::string summary(const std::string& state, int received, int version = 7) {
  return R"({"tableVersion":)" + std::to_string(version) + R"(,"peers":{"192.0.2.1":{"state":")" + state +
         R"(","pfxRcd":)" + std::to_string(received) + "}}}";
}

} // namespace

TEST_CASE("several paths of one route: the strictest rate, whatever FRR's order, and said") {
  const std::string one = path("10.0.0.0/8", "FS:rate 1000.000000");
  const std::string other = path("10.0.0.0/8", "FS:rate 10.000000");
  const std::string expected = "dst 10.0.0.0/8: rate 10 B/s\ndst 10.0.0.0/8: (conflicting-paths)\n";
  CHECK(read("[" + one + "," + other + "]") == expected);
  CHECK(read("[" + other + "," + one + "]") == expected);
  CHECK(read("[" + one + "," + one + "]") == "dst 10.0.0.0/8: rate 1000 B/s\n");
  CHECK(read("[" + one + "," + path("10.0.0.0/8", "") + "]") ==
        "dst 10.0.0.0/8: rate 1000 B/s\ndst 10.0.0.0/8: (conflicting-paths)\n");
}

TEST_CASE("a path whose action is hidden keeps a route out unless another path discards") {
  const std::string hidden = path("10.0.0.0/8", "UNK:128, 12");
  CHECK(read("[" + hidden + "," + path("10.0.0.0/8", "FS:rate 10.000000") + "]") ==
        "dst 10.0.0.0/8: unreadable-action\n");
  CHECK(read("[" + hidden + "," + path("10.0.0.0/8", "FS:rate 0.000000") + "]") ==
        "dst 10.0.0.0/8: discard\ndst 10.0.0.0/8: (conflicting-paths)\n");
}

TEST_CASE("a path that asks for more than a rate keeps a plain one from being taken for all") {
  const std::string plain = path("10.0.0.0/8", "");
  const std::string limited = path("10.0.0.0/8", "FS:rate 10.000000");
  const std::string redirected = path("10.0.0.0/8", "FS:redirect VRF RT:65002:1");
  for (const std::string& other : {plain, limited})
    for (const std::string& text :
         {"[" + other + "," + redirected + "]", "[" + redirected + "," + other + "]",
          "[" + other + "][" + redirected + "]", "[" + redirected + "][" + other + "]"})
      CHECK(read(text).find("dst 10.0.0.0/8: accept, redirect 65002:1\n") == 0); // which is then rejected
  CHECK(read("[" + redirected + "," + path("10.0.0.0/8", "FS:rate 0.000000") + "]")
            .find("dst 10.0.0.0/8: discard\n") == 0);
}

TEST_CASE("a route whose action is hidden is not forgotten when its match comes again") {
  const std::string hidden = route("10.0.0.0/8", "UNK:128, 12");
  const std::string plain = route("10.0.0.0/8", "");
  CHECK(read(hidden + plain) == "dst 10.0.0.0/8: unreadable-action\n");
  CHECK(read(plain + hidden) == "dst 10.0.0.0/8: unreadable-action\n");
  CHECK(read(hidden + route("10.0.0.0/8", "FS:rate 0.000000")) ==
        "dst 10.0.0.0/8: discard\ndst 10.0.0.0/8: (duplicate)\n");
}

TEST_CASE("a match that FRR shows for two routes is one entry with the stricter action, and said") {
  const std::string strict = route("10.0.0.0/8", "65535:3 FS:rate 0.000000");
  const std::string lax = route("10.0.0.0/8", "65535:2");
  const std::string expected = "dst 10.0.0.0/8: discard #3\ndst 10.0.0.0/8: (duplicate)\n";
  CHECK(read(strict + lax) == expected);
  CHECK(read(lax + strict) == expected);
}

TEST_CASE("a bad route does not keep the others out") {
  CHECK(read(route("10.0.0.0/8", "UNK:128, 12") + route("11.0.0.0/8", "")) ==
        "dst 11.0.0.0/8: accept\ndst 10.0.0.0/8: unreadable-action\n");
  CHECK_THROWS_AS(read(route("10.0.0.0/8", "") + route("nowhere", "")), Error);
}

TEST_CASE("IPv6 captures are read as IPv6") {
  CHECK(words(read_frr_routes(test_data("captures/frr-8.4.4/v6.txt"), Family::ipv6, {})) ==
        "dst ::/0: discard\n"
        "dst 2001:db8::/32 src 2001:db8:1::/48 proto 58 flow-label 703710: discard\n"
        "to 2001:db8:5::/48/off 16: not-enforceable\n");
  CHECK_THROWS_AS(read_frr_routes(test_data("captures/frr-8.4.4/v6.txt"), Family::ipv4, {}), Error);
}

TEST_CASE("the summary of both FRR versions") {
  for (const char* version : {"8.4.4", "10.7.0"}) {
    const FlowspecSummary read =
        parse_flowspec_summary(test_data(std::string("captures/frr-") + version + "/summary.txt"));
    CHECK(read.table_version == 3);
    REQUIRE(read.peers.size() == 2);
    CHECK(read.peers[0] == FlowspecPeer{"10.77.0.2", "Established", 3, std::chrono::seconds(1)});
    CHECK(read.paths_received() == 4);
  }
  CHECK_FALSE(parse_flowspec_summary("{}").any_established());
  CHECK_FALSE(parse_flowspec_summary(summary("Active", 0)).any_established());
}

TEST_CASE("what is no summary") {
  for (const char* text :
       {"", " \n", "[]", "x", "{", R"({"warning":"Default BGP instance not found"})", R"({"peers":[]})",
        R"({"peers":{}})", R"({"tableVersion":1,"peers":{"1.2.3.4":{}}})",
        R"({"tableVersion":1,"peers":{"1.2.3.4":{"state":"Established"}}})",
        R"({"tableVersion":1,"peers":{"1.2.3.4":"Established"}})", R"({"tableVersion":-1,"peers":{}})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_flowspec_summary(text), Error);
  }
  CHECK_THROWS_WITH(parse_flowspec_summary(R"({"warning":"Default BGP instance not found"})"),
                    Catch::Contains("Default BGP instance not found"));
}

TEST_CASE("a poll asks for the summary before and after the routes, and believes none without an Established "
          "peer") {
  const std::string up = summary("Established", 1);
  FakeFrr frr{{{summary_command, up}, {routes_command, route("10.0.0.0/8", "")}, {summary_command, up}}};
  CHECK(words(poll_frr(frr.ask(), Family::ipv4, {})) == "dst 10.0.0.0/8: accept\n");
  CHECK(frr.answers.empty());

  FakeFrr down{{{summary_command, summary("Active", 0)}}};
  CHECK_THROWS_WITH(poll_frr(down.ask(), Family::ipv4, {}), Catch::Contains("192.0.2.1 is Active"));
  for (std::size_t failing = 0; failing < 3; ++failing) {
    FakeFrr gone{{{summary_command, up}, {routes_command, route("10.0.0.0/8", "")}, {summary_command, up}}};
    gone.answers[failing].second = "FAIL";
    CHECK_THROWS_AS(poll_frr(gone.ask(), Family::ipv4, {}), Error);
  }
}

TEST_CASE("routes of a session that went down while FRR was asked are not believed") {
  const auto two_peers = [](const char* state, int uptime) {
    return R"({"tableVersion":9,"peers":{"192.0.2.1":{"state":"Established","pfxRcd":1,"peerUptimeMsec":90000},"192.0.2.2":{"state":")" +
           std::string(state) + R"(","pfxRcd":1,"peerUptimeMsec":)" + std::to_string(uptime) + "}}}";
  };
  const std::string before = two_peers("Established", 90000);
  for (const std::string& after :
       {two_peers("Active", 0), two_peers("Established", 10), summary("Established", 1), std::string("{}")}) {
    CAPTURE(after);
    FakeFrr frr{
        {{summary_command, before}, {routes_command, route("10.0.0.0/8", "")}, {summary_command, after}}};
    CHECK_THROWS_AS(poll_frr(frr.ask(), Family::ipv4, {}), Error);
  }
}

TEST_CASE("an empty table is believed of a peer that is through, or has settled") {
  const auto peer = [](int uptime, int received = 0, int version = 7) {
    return R"({"tableVersion":)" + std::to_string(version) +
           R"(,"peers":{"192.0.2.1":{"state":"Established","pfxRcd":)" + std::to_string(received) +
           R"(,"peerUptimeMsec":)" + std::to_string(uptime) + "}}}";
  };
  const std::string young = peer(29999);
  const std::string settled = peer(30000);
  const std::string neighbors_command = "show bgp neighbors json";
  const auto neighbors = [](const std::string& received) {
    return R"({"192.0.2.1":{"gracefulRestartInfo":{"endOfRibRecv":)" + received + "}}}";
  };
  FakeFrr old{{{summary_command, settled}, {routes_command, ""}, {summary_command, settled}}};
  CHECK(poll_frr(old.ask(), Family::ipv4, {}).entries.empty());
  FakeFrr through{{{summary_command, young},
                   {routes_command, ""},
                   {summary_command, young},
                   {neighbors_command, neighbors(R"({"ipv4Flowspec":true})")}}};
  CHECK(poll_frr(through.ask(), Family::ipv4, {}).entries.empty());
  for (const std::string& answer :
       {neighbors("{}"), neighbors(R"({"ipv4Unicast":true})"), neighbors(R"({"ipv4Flowspec":false})"),
        neighbors("[]"), std::string("{}"), std::string("[]"), std::string("x"),
        std::string(R"({"192.0.2.2":{"gracefulRestartInfo":{"endOfRibRecv":{"ipv4Flowspec":true}}}})")}) {
    CAPTURE(answer);
    FakeFrr fresh{{{summary_command, young},
                   {routes_command, ""},
                   {summary_command, young},
                   {neighbors_command, answer}}};
    CHECK_THROWS_AS(poll_frr(fresh.ask(), Family::ipv4, {}), Error);
  }
  FakeFrr unsettled{{{summary_command, young}, {routes_command, ""}, {summary_command, young}}};
  CHECK(poll_frr(unsettled.ask(), Family::ipv4, {.reading = {}, .settle = std::chrono::seconds(0)})
            .entries.empty());

  FakeFrr hiding{
      {{summary_command, peer(90000, 300)}, {routes_command, ""}, {summary_command, peer(90000, 300)}}};
  CHECK_THROWS_WITH(poll_frr(hiding.ask(), Family::ipv4, {}), Catch::Contains("received 300 and shows none"));
  FakeFrr withdrawing{
      {{summary_command, peer(90000, 1)}, {routes_command, ""}, {summary_command, peer(90000, 0, 8)}}};
  CHECK(poll_frr(withdrawing.ask(), Family::ipv4, {}).entries.empty());
  // What both FRR versions printed without an End-of-RIB.
  for (const char* version : {"8.4.4", "10.7.0"}) {
    const auto capture = [version](const char* name) {
      return test_data(std::string("captures/frr-") + version + "/" + name + ".txt");
    };
    CHECK_FALSE(
        end_of_rib_received(capture("neighbor"), parse_flowspec_summary(capture("summary")), Family::ipv4));
  }
}

TEST_CASE("routes that FRR received and does not show are said, when the table stood still") {
  FakeFrr lost{{{summary_command, summary("Established", 2)},
                {routes_command, route("10.0.0.0/8", "")},
                {summary_command, summary("Established", 2)}}};
  CHECK(words(poll_frr(lost.ask(), Family::ipv4, {})) ==
        "dst 10.0.0.0/8: accept\nipv4 table: (lost-route)\n");
  FakeFrr withdrawn{{{summary_command, summary("Established", 2)},
                     {routes_command, route("10.0.0.0/8", "")},
                     {summary_command, summary("Established", 1, 8)}}};
  CHECK(words(poll_frr(withdrawn.ask(), Family::ipv4, {})) == "dst 10.0.0.0/8: accept\n");
}

TEST_CASE("both families are asked for, or those that FRR has a peer for") {
  const std::string summary6 = "show bgp ipv6 flowspec summary json";
  const std::string routes6 = "show bgp ipv6 flowspec detail json";
  const std::string up = summary("Established", 1);
  const std::string route6 = R"([{"to":"2001:db8::/32/off 0"},{"time":"00:00:01"}])";
  // What FRR 8.4.4 prints for a family in which no neighbor is activated.
  FakeFrr only4{{{summary_command, up},
                 {summary_command, up},
                 {routes_command, route("10.0.0.0/8", "")},
                 {summary_command, up},
                 {summary6, "{}\n"}}};
  const PolledRoutes four = poll_families(only4.ask(), {}, {});
  CHECK(four.families == std::vector<Family>{Family::ipv4});
  CHECK(words(four.routes) == "dst 10.0.0.0/8: accept\n");
  CHECK(only4.answers.empty());

  FakeFrr both{{{summary_command, up},
                {summary_command, up},
                {routes_command, route("10.0.0.0/8", "")},
                {summary_command, up},
                {summary6, up},
                {summary6, up},
                {routes6, route6},
                {summary6, up}}};
  const PolledRoutes all = poll_families(both.ask(), {}, {});
  CHECK(all.families == std::vector<Family>{Family::ipv4, Family::ipv6});
  CHECK(words(all.routes) == "dst 10.0.0.0/8: accept\ndst 2001:db8::/32: accept\n");
  CHECK((all.routes.routes.ipv4 == 1 && all.routes.routes.ipv6 == 1));

  // One that cannot be read is no reason not to believe the other, and is not taken for empty.
  FakeFrr half{{{summary_command, summary("Active", 0)}, {summary6, up}, {routes6, route6}, {summary6, up}}};
  const PolledRoutes one = poll_families(half.ask(), {Family::ipv4, Family::ipv6}, {});
  CHECK(one.families == std::vector<Family>{Family::ipv6});
  REQUIRE(one.failures.size() == 1);
  CHECK((one.failures[0].family == Family::ipv4));
  CHECK_THAT(one.failures[0].why, Catch::Contains("ipv4") && Catch::Contains("192.0.2.1 is Active"));

  // Nor is one whose summary already fails.
  FakeFrr broken{
      {{summary_command, "FAIL"}, {summary6, up}, {summary6, up}, {routes6, route6}, {summary6, up}}};
  CHECK(poll_families(broken.ask(), {}, {}).families == std::vector<Family>{Family::ipv6});
  FakeFrr dead{{{summary_command, "FAIL"}, {summary6, "FAIL"}}};
  CHECK_THROWS_WITH(poll_families(dead.ask(), {}, {}), "no answer");

  FakeFrr none{{{summary_command, "{}"}, {summary6, "{}"}}};
  CHECK_THROWS_WITH(poll_families(none.ask(), {}, {}), Catch::Contains("it has no flowspec peer"));
  FakeFrr down{{{summary_command, summary("Active", 0)}}};
  CHECK_THROWS_WITH(poll_families(down.ask(), {Family::ipv4}, {}), Catch::Contains("192.0.2.1 is Active"));
}
