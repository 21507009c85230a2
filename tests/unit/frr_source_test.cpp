// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/frr_source.hpp"
#include "injector/frr_summary.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>

using namespace flowspec;

namespace {

std::string route(const std::string& to) {
  return "[{\"to\":\"" + to + "\"},{\"time\":\"00:00:01\"}]\n";
}

std::string words(const RoutesRead& routes) {
  std::string text;
  for (const Entry& entry : routes.entries)
    text += to_string(entry.match) + "\n";
  for (const Rejected& remark : routes.remarks)
    text += remark.subject + ": (" + std::string(name(remark.reason)) + ")\n";
  return text;
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
        throw NoAnswer("no answer");
      return answer;
    };
  }
};

const std::string summary_command = "show bgp ipv4 flowspec summary json";
const std::string routes_command = "show bgp ipv4 flowspec detail json";
const std::string neighbors_command = "show bgp neighbors json";

std::string summary(const std::string& state, int received, int version = 7, int uptime = 90000) {
  return R"({"tableVersion":)" + std::to_string(version) + R"(,"peers":{"192.0.2.1":{"state":")" + state +
         R"(","pfxRcd":)" + std::to_string(received) + R"(,"peerUptimeMsec":)" + std::to_string(uptime) +
         R"(,"connectionsEstablished":1,"connectionsDropped":0}}})";
}

/// The summary, and then what follows from it.
Shown poll(FakeFrr frr) {
  const FlowspecSummary before = ask_summary(frr.ask(), Family::ipv4);
  Shown shown = poll_frr(frr.ask(), Family::ipv4, before, {});
  CHECK(frr.answers.empty());
  return shown;
}

} // namespace

TEST_CASE("the summary of both FRR versions") {
  for (const char* version : {"8.4.4", "10.7.0"}) {
    const FlowspecSummary read =
        parse_flowspec_summary(test_data(std::string("captures/frr-") + version + "/summary.txt"));
    CHECK(read.table_version == 3);
    REQUIRE(read.peers.size() == 2);
    CHECK(read.peers[0] ==
          FlowspecPeer{"10.77.0.2", "Established", 3, std::chrono::seconds(1), 1, 0, 65002, 65001});
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

TEST_CASE("a poll asks for the summary before and after the routes") {
  const std::string up = summary("Established", 1);
  const Shown shown =
      poll({{{summary_command, up}, {routes_command, route("10.0.0.0/8")}, {summary_command, up}}});
  CHECK(words(shown.routes) == "dst 10.0.0.0/8\n");
  CHECK(shown.text == route("10.0.0.0/8"));
  CHECK(shown.table_version == 7);
  for (std::size_t failing = 0; failing < 3; ++failing) {
    FakeFrr gone{{{summary_command, up}, {routes_command, route("10.0.0.0/8")}, {summary_command, up}}};
    gone.answers[failing].second = "FAIL";
    CHECK_THROWS_AS(poll(gone), NoAnswer);
  }
}

TEST_CASE("routes of a session that went down while FRR was asked are not believed") {
  const auto two_peers = [](const char* state, int uptime, int dropped) {
    return R"({"tableVersion":9,"peers":{"192.0.2.1":{"state":"Established","pfxRcd":1,"peerUptimeMsec":90000},"192.0.2.2":{"state":")" +
           std::string(state) + R"(","pfxRcd":1,"peerUptimeMsec":)" + std::to_string(uptime) +
           R"(,"connectionsDropped":)" + std::to_string(dropped) + "}}}";
  };
  const std::string before = two_peers("Established", 90000, 0);
  for (const std::string& after :
       {two_peers("Active", 0, 1), two_peers("Established", 10, 0), two_peers("Established", 90000, 1),
        summary("Established", 1), std::string("{}")}) {
    CAPTURE(after);
    CHECK_THROWS_WITH(
        poll({{{summary_command, before}, {routes_command, route("10.0.0.0/8")}, {summary_command, after}}}),
        Catch::Contains("went down meanwhile"));
  }
}

TEST_CASE("a peer has said all when its End-of-RIB came, or when it has settled") {
  const std::string settled = summary("Established", 1, 7, 30000); // nobody is asked about it
  CHECK(
      poll({{{summary_command, settled}, {routes_command, route("10.0.0.0/8")}, {summary_command, settled}}})
          .peers.at(0)
          .said_all);
  const std::string young = summary("Established", 0, 7, 29999);
  const auto neighbors = [](const std::string& received) {
    return R"({"192.0.2.1":{"gracefulRestartInfo":{"endOfRibRecv":)" + received + "}}}";
  };
  // Asked for before the routes: one that comes behind them says nothing of what was read.
  const auto said_all = [&](const std::string& answer) {
    return poll({{{summary_command, young},
                  {neighbors_command, answer},
                  {routes_command, ""},
                  {summary_command, young}}})
        .peers.at(0)
        .said_all;
  };
  CHECK(said_all(neighbors(R"({"ipv4Flowspec":true})")));
  for (const std::string& answer :
       {neighbors("{}"), neighbors(R"({"ipv4Unicast":true})"), neighbors(R"({"ipv4Flowspec":false})"),
        neighbors("[]"), std::string("{}"),
        std::string(R"({"192.0.2.2":{"gracefulRestartInfo":{"endOfRibRecv":{"ipv4Flowspec":true}}}})")}) {
    CAPTURE(answer);
    CHECK_FALSE(said_all(answer));
  }
  // FRR that has just started denies all until it attaches the route-map, and marks the End-of-RIB all the
  // same.
  const auto filtered = [](const std::string& family, const std::string& filter) {
    return R"({"192.0.2.1":{"gracefulRestartInfo":{"endOfRibRecv":{"ipv4Flowspec":true}},"addressFamilyInfo":{")" +
           family + R"(":{")" + filter + R"(":"ANY"}}}})";
  };
  CHECK_FALSE(said_all(filtered("ipv4Flowspec", "routeMapForIncomingAdvertisements")));
  CHECK(said_all(filtered("ipv4Flowspec", "routeMapForOutgoingAdvertisements")));
  CHECK(said_all(filtered("ipv4Unicast", "routeMapForIncomingAdvertisements")));
  for (const char* answer : {"[]", "x", ""})
    CHECK_THROWS_AS(parse_flowspec_neighbors(answer, Family::ipv4), Error);
  const std::string down = summary("Active", 0);
  CHECK_FALSE(
      poll({{{summary_command, down}, {routes_command, ""}, {summary_command, down}}}).peers.at(0).said_all);
  // What both FRR versions printed without an End-of-RIB.
  for (const char* version : {"8.4.4", "10.7.0"})
    CHECK(parse_flowspec_neighbors(test_data(std::string("captures/frr-") + version + "/neighbor.txt"),
                                   Family::ipv4) ==
          std::map<std::string, FlowspecNeighbor>{{"10.77.0.2", {}}});
}

TEST_CASE("a peer whose routes FRR lets none of in has not said all, however long it has been there") {
  const std::string end_of_rib = R"("gracefulRestartInfo":{"endOfRibRecv":{"ipv4Flowspec":true}})";
  const auto policy = [](const std::string& family, const std::string& says) {
    return R"("addressFamilyInfo":{")" + family + R"(":{")" + says + R"(":"discarded"}})";
  };
  const auto session = [](const std::string& families) {
    return R"("neighborCapabilities":{"multiprotocolExtensions":{)" + families + "}}";
  };
  const std::string unicast = R"("ipv4Unicast":{"advertisedAndReceived":true})";
  const struct {
    std::string told;
    std::string unheard;
  } cases[] = {
      {policy("ipv4Flowspec", "inboundEbgpRequiresPolicy"),
       "FRR discards its routes for want of an inbound policy"},
      {policy("ipv4Flowspec", "outboundEbgpRequiresPolicy"), ""},
      {policy("ipv4Unicast", "inboundEbgpRequiresPolicy"), ""},
      {session(unicast), "its session has no ipv4 flowspec"},
      {session(unicast + R"(,"ipv4Flowspec":{"advertised":true})"), "its session has no ipv4 flowspec"},
      {session(unicast + R"(,"ipv4Flowspec":{"received":true})"), "its session has no ipv4 flowspec"},
      {session(R"("ipv4Flowspec":{"advertisedAndReceived":true})"), ""},
      {R"("neighborCapabilities":{})", ""},
  };
  for (const auto& [told, unheard] : cases) {
    CAPTURE(told);
    const std::string answer = R"({"192.0.2.1":{)" + end_of_rib + "," + told + "}}";
    const auto peer_up_for = [&](int uptime) {
      const std::string up = summary("Established", 0, 7, uptime);
      return poll({{{summary_command, up},
                    {neighbors_command, answer},
                    {routes_command, ""},
                    {summary_command, up}}})
          .peers.at(0);
    };
    const ShownPeer settled = peer_up_for(30000);
    CHECK(settled.said_all == unheard.empty());
    CHECK(settled.unheard == unheard);
    const ShownPeer young = peer_up_for(29999); // its route-map may have yet to be attached
    CHECK(young.said_all == unheard.empty());
    CHECK(young.unheard.empty());
  }
}

TEST_CASE("what FRR 8.4.4 tells of neighbors without a policy, and of one without the family") {
  // Their "peerState" in the summary: Policy, Policy, OK, Passive.
  const std::string discarded = "FRR discards its routes for want of an inbound policy";
  CHECK(parse_flowspec_neighbors(test_data("captures/frr-8.4.4/neighbors_policy.txt"), Family::ipv4) ==
        std::map<std::string, FlowspecNeighbor>{
            {"10.99.0.2", {true, discarded}},
            {"10.99.0.3", {false, ""}}, // with an inbound route-map
            {"10.99.0.4", {false, "its session has no ipv4 flowspec"}},
            {"10.99.0.5", {true, discarded}}, // passive
        });
}

TEST_CASE("a table that shows nothing of what FRR received is not believed") {
  const std::string hiding = summary("Established", 300);
  CHECK_THROWS_WITH(poll({{{summary_command, hiding}, {routes_command, ""}, {summary_command, hiding}}}),
                    Catch::Contains("received 300 and shows none"));
  CHECK(poll({{{summary_command, summary("Established", 1)},
               {routes_command, ""},
               {summary_command, summary("Established", 0, 8)}}})
            .routes.entries.empty());
}

TEST_CASE("routes that FRR received and does not show are said, when the table stood still") {
  const auto two = summary("Established", 2);
  CHECK(words(poll({{{summary_command, two}, {routes_command, route("10.0.0.0/8")}, {summary_command, two}}})
                  .routes) == "dst 10.0.0.0/8\nipv4 table: (lost-route)\n");
  CHECK(words(poll({{{summary_command, two},
                     {routes_command, route("10.0.0.0/8")},
                     {summary_command, summary("Established", 1, 8)}}})
                  .routes) == "dst 10.0.0.0/8\n");
}
