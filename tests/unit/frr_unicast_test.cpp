// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/as_number.hpp"
#include "injector/frr_unicast.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace flowspec;
using Catch::Matchers::Contains;

namespace {

std::string capture(const std::string& name) {
  return test_data("captures/" + name + ".txt");
}

/// "PREFIX PEER FIRST_AS", a line each; "c" behind an AS path of a confederation.
std::string words(const UnicastTable& table) {
  std::string text;
  for (const UnicastRoute& route : table.best)
    text += fmt::format("{} {} {}{}\n", to_string(route.prefix), route.peer.empty() ? "own" : route.peer,
                        route.first_as, route.confederation ? " c" : "");
  return text;
}

std::string path(const std::string& members) {
  return R"({"valid":true,"bestpath":true,"peerId":"192.0.2.1","path":"65002")" + members + "}";
}

std::string table(const std::string& routes) {
  return R"({"tableVersion":5,"routes":{)" + routes + "}}";
}

UnicastTable read(const std::string& text) {
  return parse_unicast_table(text, Family::ipv4);
}

} // namespace

TEST_CASE("the best path for each prefix, as FRR 8.4.4 shows many kinds of them") {
  // ECMP, internal peers, a network and two aggregates of our own, an AS_SET, paths that are not the best
  const UnicastTable read = parse_unicast_table(capture("frr-8.4.4/unicast_table"), Family::ipv4);
  CHECK(read.version == 25);
  CHECK_FALSE(read.unchosen);
  CHECK(words(read) == "0.0.0.0/0 10.77.0.2 65002\n"
                       "10.1.0.0/16 own 0\n"
                       "10.1.1.0/24 10.77.0.2 65002\n"
                       "10.2.0.0/16 own 0\n"
                       "10.2.1.0/24 10.77.0.2 65002\n"
                       "10.200.0.0/16 own 0\n"
                       "172.16.0.0/12 10.77.2.2 0\n"
                       "172.20.0.0/16 10.77.2.2 65050\n"
                       "192.0.2.0/24 10.77.2.2 0\n"
                       "198.51.100.0/24 10.77.0.2 65002\n"
                       "198.51.100.128/25 10.77.1.2 65003\n"
                       "203.0.113.0/24 10.77.3.2 65002\n");
  CHECK(words(parse_unicast_table(capture("frr-8.4.4/unicast_table6"), Family::ipv6)) ==
        "::/0 10.77.0.2 65002\n2001:db8::/32 10.77.0.2 65002\n2001:db8:1::/48 10.77.1.2 65003\n");
}

TEST_CASE("both FRR versions show the same of the same routes") {
  for (const std::string version : {"frr-8.4.4", "frr-10.7.0"}) {
    const UnicastTable read = parse_unicast_table(capture(version + "/unicast_longer"), Family::ipv4);
    CHECK(words(read) == "198.51.100.0/24 10.77.0.2 65002\n198.51.100.0/25 10.77.0.3 65003\n");
  }
}

TEST_CASE("segments of a confederation are passed over") {
  const std::string read =
      words(parse_unicast_table(capture("frr-8.4.4/unicast_confederation"), Family::ipv4));
  CHECK_THAT(read, Contains("192.0.2.0/24 10.77.1.2 0 c\n"));
  CHECK_THAT(read, Contains("198.51.100.0/24 10.77.0.2 65002\n"));
}

TEST_CASE("an empty table is told from no table") {
  const UnicastTable empty = parse_unicast_table(capture("frr-8.4.4/unicast_empty"), Family::ipv6);
  CHECK(empty.best.empty());
  CHECK(empty.version == 6);
  CHECK_FALSE(empty.unchosen);
  CHECK_THROWS_WITH(read(capture("frr-8.4.4/unicast_no_instance")), Contains("instance not found"));
  CHECK_THROWS_WITH(read(""), Contains("nothing was answered"));
  CHECK_THROWS_AS(read(capture("frr-8.4.4/unicast_none")), Error);
}

TEST_CASE("paths of which none is the best: FRR has not chosen") {
  const std::string one = R"("10.0.0.0/8":[{"valid":true,"peerId":"192.0.2.1","path":"65002"}])";
  CHECK(read(table(one)).unchosen);
  CHECK_FALSE(read(table(R"("10.0.0.0/8":[{"peerId":"192.0.2.1","path":"65002"}])")).unchosen);
  CHECK_FALSE(read(table(one + R"(,"11.0.0.0/8":[)" + path("") + "]")).unchosen);
}

TEST_CASE("the first AS of an AS path") {
  const auto first = [](const std::string& as_path) {
    const UnicastTable read = parse_unicast_table(
        table(R"("10.0.0.0/8":[{"bestpath":true,"peerId":"192.0.2.1","path":")" + as_path + "\"}]"),
        Family::ipv4);
    return fmt::format("{}{}", read.best.at(0).first_as, read.best.at(0).confederation ? " c" : "");
  };
  CHECK(first("65002 65010") == "65002");
  CHECK(first("4200000000") == "4200000000");
  CHECK(first("1.10 65010") == "65546"); // bgp asnotation dot
  CHECK(first("") == "0");
  CHECK(first("{65002,65003} 65010") == "0");
  CHECK(first("(65101 65102) 65002") == "65002 c");
  CHECK(first("[65101] (65102) 65002") == "65002 c");
  CHECK(first("(65101)") == "0 c");
  for (const char* bad : {"x", "65002x", "(65101", "1.2.3", "4294967296", "1.65536", " 65002"})
    CHECK_THROWS_AS(first(bad), Error);
}

TEST_CASE("what is no whole table is not believed") {
  const std::string whole = capture("frr-8.4.4/unicast_longer");
  const std::size_t end = whole.find_last_of('}');
  for (std::size_t length = 0; length <= end; length += 7)
    CHECK_THROWS_AS(read(whole.substr(0, length)), Error);
  CHECK_THROWS_AS(read(whole + "vtysh: error reading from bgpd"), Error);
  CHECK_THROWS_AS(parse_unicast_table(whole, Family::ipv6), Error);

  const std::string best = path("");
  for (const std::string& text : {
           std::string("[]"),
           std::string("17"),
           std::string("{}"),
           std::string(R"({"tableVersion":5})"),
           std::string(R"({"routes":{}})"),
           std::string(R"({"tableVersion":-5,"routes":{}})"),
           std::string(R"({"tableVersion":5,"routes":[]})"),
           std::string(R"({"tableVersion":5,"routes":7})"),
           table(R"("10.0.0.0/8":)" + best),
           table(R"("10.0.0.0/8":[[)" + best + "]]"),
           table(R"("10.0.0.0/8":["x"])"),
           table(R"("10.0.0.0/8":null)"),
           table(R"("10.0.0.0/33":[])"),
           table(R"("2001:db8::/32":[)" + best + "]"),
           table(R"("10.0.0.0/8":[{"bestpath":true,"path":"65002"}])"),
           table(R"("10.0.0.0/8":[{"bestpath":true,"peerId":"192.0.2.1"}])"),
           table(R"("10.0.0.0/8":[)" + best + "," + best + "]"),
           table(R"("10.0.0.0/8":[)" + best + R"(],"10.1.0.0/8":[)" + best + "]"),
       }) {
    CAPTURE(text);
    CHECK_THROWS_AS(read(text), Error);
  }
}

TEST_CASE("what stands within a path is none of the table's") {
  const UnicastTable read = parse_unicast_table(
      table(R"("10.0.0.0/8":[)" +
            path(R"(,"nexthops":[{"bestpath":false,"peerId":"x","routes":{"z":[]},"tableVersion":9}])") +
            "]"),
      Family::ipv4);
  CHECK(words(read) == "10.0.0.0/8 192.0.2.1 65002\n");
  CHECK(read.version == 5);
}

TEST_CASE("the summary of unicast peers") {
  const UnicastSummary read = parse_unicast_summary(capture("frr-8.4.4/unicast_summary"));
  CHECK(read.table_version == 25);
  REQUIRE(read.peers.size() == 4);
  const UnicastPeer& peer = read.peers.at("10.77.0.2");
  CHECK(peer.established);
  CHECK(peer.external());
  CHECK(peer.remote_as == 65002);
  CHECK(peer.uptime > std::chrono::minutes(1));
  CHECK(peer.connections_established == 1);
  CHECK_FALSE(read.peers.at("10.77.2.2").external());

  // No neighbor is activated, or there is no instance: only the table tells.
  CHECK(parse_unicast_summary("{}").peers.empty());
  CHECK_FALSE(parse_unicast_summary("{}").any_established());
  CHECK(parse_unicast_summary(R"({"tableVersion":1,"peers":{"swp1":{"state":"Active","remoteAs":"1.10"}}})")
            .peers.at("swp1")
            .remote_as == 65546);
  for (const char* bad :
       {"", "[]", "{", R"({"warning":"View/Vrf is unknown"})", R"({"peers":{}})",
        R"({"tableVersion":1,"peers":[]})", R"({"tableVersion":1,"peers":{"192.0.2.1":{}}})",
        R"({"tableVersion":1,"peers":{"192.0.2.1":7}})"})
    CHECK_THROWS_AS(parse_unicast_summary(bad), Error);
}

TEST_CASE("an unnumbered neighbor is shown with the address of its other end") {
  const auto read = parse_unicast_neighbors(capture("frr-8.4.4/neighbors_unnumbered"), Family::ipv4);
  CHECK(read.at("hd").address == "fe80::6454:32ff:fe7d:d1ee");
  CHECK(read.at("hd").end_of_rib);
  CHECK(read.at("10.77.0.2").address == "10.77.0.2");
  // Its routes have that address.
  CHECK_THAT(words(parse_unicast_table(capture("frr-8.4.4/unicast_unnumbered6"), Family::ipv6)),
             Contains("2001:db8:d::/48 fe80::6454:32ff:fe7d:d1ee 65002"));
  for (const std::string version : {"frr-8.4.4", "frr-10.7.0"}) // a speaker that sends no End-of-RIB
    CHECK_FALSE(
        parse_unicast_neighbors(capture(version + "/neighbor"), Family::ipv4).begin()->second.end_of_rib);
  CHECK(parse_unicast_neighbors(R"({"swp1":{"bgpNeighborAddr":"none"}})", Family::ipv4)
            .at("swp1")
            .address.empty());
  const auto end_of_rib = [](const std::string& family, const std::string& filter) {
    return parse_unicast_neighbors(
               R"({"swp1":{"gracefulRestartInfo":{"endOfRibRecv":{"ipv4Unicast":true}},"addressFamilyInfo":{")" +
                   family + R"(":{")" + filter + R"(":"ANY"}}}})",
               Family::ipv4)
        .at("swp1")
        .end_of_rib;
  };
  CHECK_FALSE(end_of_rib("ipv4Unicast", "routeMapForIncomingAdvertisements"));
  CHECK(end_of_rib("ipv4Unicast", "routeMapForOutgoingAdvertisements"));
  CHECK(end_of_rib("ipv4Flowspec", "routeMapForIncomingAdvertisements"));
  for (const char* bad : {"", "[]", R"({"10.0.0.1":)", R"({"warning":"x"})"})
    CHECK_THROWS_AS(parse_unicast_neighbors(bad, Family::ipv4), Error);
}
