// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/validation.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace flowspec;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

const std::string a = "192.0.2.1"; // AS 65001, which announces flowspec routes
const std::string b = "192.0.2.2"; // AS 65002

struct Peer {
  std::string name;
  std::uint32_t as = 65001;
  std::chrono::seconds uptime = 90s;
  std::string state = "Established";
  int sessions = 1;
};

/// FRR as one that is asked for unicast routes.
struct FakeFrr {
  std::vector<Peer> peers{{a, 65001}, {b, 65002}};
  int version = 7;
  /// Prefix, peer and AS_PATH of best paths.
  std::vector<std::array<std::string, 3>> routes{{"10.0.0.0/8", a, "65001"}};
  std::set<std::string> end_of_rib;
  std::map<std::string, std::string> addresses; ///< of unnumbered neighbors
  std::string instead;                          ///< of the routes
  std::vector<std::string> asked;

  std::string answer(const std::string& command) {
    asked.push_back(command);
    if (command.ends_with(" unicast summary json"))
      return summary();
    if (command == "show bgp neighbors json")
      return neighbors();
    if (command == "show bgp ipv4 unicast json" || command == "show bgp ipv6 unicast json")
      return instead.empty() ? table() : instead;
    throw std::logic_error("nobody knows this command: " + command);
  }
  std::string summary() const {
    std::string text;
    for (const Peer& peer : peers)
      text += fmt::format(R"({}"{}":{{"state":"{}","remoteAs":{},"localAs":65000,"pfxRcd":1,)"
                          R"("peerUptimeMsec":{},"connectionsEstablished":{},"connectionsDropped":{}}})",
                          text.empty() ? "" : ",", peer.name, peer.state, peer.as,
                          std::chrono::milliseconds(peer.uptime).count(), peer.sessions, peer.sessions - 1);
    return peers.empty() ? "{}" : fmt::format(R"({{"tableVersion":{},"peers":{{{}}}}})", version, text);
  }
  std::string neighbors() const {
    std::string text;
    for (const Peer& peer : peers) {
      const auto unnumbered = addresses.find(peer.name);
      text += fmt::format(
          R"({}"{}":{{{}"gracefulRestartInfo":{{"endOfRibRecv":{{{}}}}}}})", text.empty() ? "" : ",",
          peer.name,
          unnumbered == addresses.end() ? "" : fmt::format(R"("bgpNeighborAddr":"{}",)", unnumbered->second),
          end_of_rib.contains(peer.name) ? R"("ipv4Unicast":true)" : "");
    }
    return "{" + text + "}";
  }
  std::string table() const {
    std::string text;
    for (const auto& [prefix, peer, path] : routes)
      text += fmt::format(R"({}"{}":[{{"valid":true,"bestpath":true,"peerId":"{}","path":"{}"}}])",
                          text.empty() ? "" : ",", prefix, peer, path);
    return fmt::format(R"({{"tableVersion":{},"routes":{{{}}}}})", version, text);
  }

  AskFrr ask() {
    return [this](const std::string& command) { return answer(command); };
  }
  std::size_t tables_asked() const {
    return static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), [](const std::string& command) {
      return command.ends_with(" unicast json");
    }));
  }
};

ShownPeer flowspec_peer(const std::string& name, std::uint32_t as, std::uint64_t received) {
  ShownPeer peer;
  peer.address = name;
  peer.state = "Established";
  peer.prefixes_received = received;
  peer.uptime = 90s;
  peer.connections_established = 1;
  peer.remote_as = as;
  peer.local_as = 65000;
  peer.said_all = true;
  return peer;
}

/// What FRR shows when `peers` are there and have announced routes for these destinations.
Shown showing(std::vector<ShownPeer> peers, std::vector<std::string> destinations = {"10.1.0.0/16"}) {
  Shown shown;
  shown.peers = std::move(peers);
  for (const std::string& destination : destinations) {
    Entry entry;
    entry.match.destination = parse_prefix(destination);
    shown.routes.entries.push_back(std::move(entry));
  }
  shown.routes.paths = destinations.size();
  return shown;
}

const ShownPeer announcer = flowspec_peer(a, 65001, 1);

std::string id(const std::string& destination) {
  Components match;
  match.destination = parse_prefix(destination);
  return stable_id(match);
}

Infeasible judged(FakeFrr& frr, const Shown& shown, const Infeasible& before = {},
                  const std::set<std::string>& installed = {}, Validate mode = Validate::rfc8955) {
  return Validator(frr.ask(), mode).judge(shown, shown.routes.entries, {}, before, installed);
}

} // namespace

TEST_CASE("the unicast route moves to another peer and comes back: so does the verdict, in one look each") {
  FakeFrr frr;
  Validator validator(frr.ask(), Validate::rfc8955);
  const Shown shown = showing({announcer}, {"10.1.0.0/16", "10.2.0.0/16"});
  const auto judge = [&] { return validator.judge(shown, shown.routes.entries, {}, {}, {}); };
  CHECK(judge().empty());
  frr.routes = {{"10.0.0.0/8", a, "65001"}, {"10.2.0.0/15", b, "65002"}};
  ++frr.version;
  const Infeasible moved = judge();
  REQUIRE(moved.size() == 1);
  CHECK_THAT(moved.at(id("10.2.0.0/16")), Contains("192.0.2.2"));
  frr.routes.pop_back();
  ++frr.version;
  CHECK(judge().empty());
}

TEST_CASE("the unicast routes are asked for when their version or a session changes, and not else") {
  FakeFrr frr;
  Validator validator(frr.ask(), Validate::rfc8955);
  const Shown shown = showing({announcer});
  const auto asks_for_routes = [&] {
    const std::size_t before = frr.tables_asked();
    validator.judge(shown, shown.routes.entries, {}, {}, {});
    return frr.tables_asked() > before;
  };
  CHECK(asks_for_routes());
  CHECK_FALSE(asks_for_routes());
  frr.peers[1].uptime += 2s;
  CHECK_FALSE(asks_for_routes());
  ++frr.version;
  CHECK(asks_for_routes());
  // bgpd started again, and its versions with it
  frr.peers[1].uptime = 40s;
  CHECK(asks_for_routes());
  frr.peers[1].sessions = 2;
  CHECK(asks_for_routes());
  frr.peers[1].state = "Active";
  CHECK(asks_for_routes());
  frr.peers.push_back({"192.0.2.3", 65003, 90s});
  CHECK(asks_for_routes());
  CHECK_FALSE(asks_for_routes());
  // Without a neighbor FRR does not tell the version.
  frr.peers.clear();
  CHECK(asks_for_routes());
  CHECK(asks_for_routes());
}

TEST_CASE("the routes have the version that stands with them") {
  FakeFrr frr;
  Validator validator(frr.ask(), Validate::rfc8955);
  const Shown shown = showing({announcer});
  const auto judge = [&] { return validator.judge(shown, shown.routes.entries, {}, {}, {}); };
  frr.instead = R"({"tableVersion":8,"routes":{}})"; // changed between the answers
  CHECK(judge().size() == 1);
  frr.version = 8;
  frr.instead = "not asked for";
  CHECK(judge().size() == 1);
}

TEST_CASE("nothing to judge, nothing asked") {
  FakeFrr frr;
  CHECK(judged(frr, showing({announcer}, {})).empty());
  // Nor of whom routes might be.
  CHECK(judged(frr, showing({announcer, flowspec_peer(b, 65002, 3)}, {})).empty());
  CHECK(frr.asked.empty());
}

TEST_CASE("who announced a route has to be certain") {
  FakeFrr frr;
  const auto with = [&](std::vector<ShownPeer> peers) { return judged(frr, showing(std::move(peers))); };
  ShownPeer other = flowspec_peer(b, 65002, 2);
  CHECK_THROWS_AS(with({announcer, other}), CannotValidate);
  CHECK_THROWS_WITH(with({announcer, other}),
                    Contains("192.0.2.1 and 192.0.2.2") && Contains("10.4.4") && Contains("one external"));
  other.prefixes_received = 0;
  CHECK(with({announcer, other}).empty());
  other.state = "Active";
  CHECK(with({announcer, other}).empty());
  CHECK(with({other, announcer}).empty());
  // A session that ended a moment ago may have left something, and a peer may have announced meanwhile.
  const Shown more = showing({announcer, other}, {"10.1.0.0/16", "10.2.0.0/16"});
  other.uptime = 1s;
  CHECK(with({announcer, other}).empty());
  Shown mixed = more;
  mixed.peers = {announcer, other};
  CHECK_THROWS_WITH(judged(frr, mixed), Contains("others come or go"));
  mixed.peers = {announcer, flowspec_peer(b, 65002, 0)};
  CHECK_THROWS_WITH(judged(frr, mixed), Contains("others come or go"));
  mixed.peers = {flowspec_peer(a, 65001, 0), flowspec_peer(b, 65002, 0)};
  CHECK_THROWS_WITH(judged(frr, mixed), Contains("others come or go"));
  mixed.peers = {announcer}; // more arrive all the time
  CHECK(judged(frr, mixed).empty());
}

TEST_CASE("routes from inside cannot be judged") {
  FakeFrr frr;
  for (const Validate mode : {Validate::rfc8955, Validate::rfc9117}) {
    const auto with = [&](std::uint32_t as) {
      return judged(frr, showing({flowspec_peer(a, as, 1)}), {}, {}, mode);
    };
    CHECK_THROWS_AS(with(65000), CannotValidate);
    CHECK_THROWS_WITH(with(65000), Contains("internal (AS 65000)") && Contains("ORIGINATOR_ID"));
    CHECK_THROWS_AS(with(0), CannotValidate); // an FRR that does not tell
    CHECK(with(65001).empty());
    FakeFrr confederation;
    confederation.routes = {{"10.0.0.0/8", a, "(65001) 65001"}};
    CHECK_THROWS_WITH(judged(confederation, showing({announcer}), {}, {}, mode), Contains("confederation"));
  }
}

TEST_CASE("an unnumbered peer has the address that its routes are shown with") {
  FakeFrr frr;
  frr.peers = {{"swp1", 65001}, {b, 65002}};
  frr.addresses = {{"swp1", "fe80::1"}};
  frr.routes = {{"10.0.0.0/8", "fe80::1", "65001"}};
  const Shown shown = showing({flowspec_peer("swp1", 65001, 1)});
  CHECK(judged(frr, shown).empty());
  frr.routes[0][1] = "fe80::2";
  CHECK(judged(frr, shown).size() == 1);
  frr.addresses["swp1"] = "none";
  CHECK_THROWS_WITH(judged(frr, shown), Contains("no address of neighbor swp1"));
  frr.peers.push_back({"swp2", 65002});
  frr.addresses = {{"swp1", "fe80::1"}, {"swp2", "fe80::1"}};
  CHECK_THROWS_AS(judged(frr, shown), CannotValidate);
}

TEST_CASE("an answer that cannot be believed is no answer") {
  FakeFrr frr;
  for (const char* bad : {"{", R"({"warning":"Default BGP instance not found"})", "[]"}) {
    frr.instead = bad;
    CHECK_THROWS_AS(judged(frr, showing({announcer})), Error);
  }
  FakeFrr fails;
  Validator validator([](const std::string&) -> std::string { throw NoAnswer("nobody"); }, Validate::rfc8955);
  const Shown shown = showing({announcer});
  CHECK_THROWS_AS(validator.judge(shown, shown.routes.entries, {}, {}, {}), NoAnswer);
}

TEST_CASE("after an answer that could not be believed the next is asked for anew") {
  FakeFrr frr;
  Validator validator(frr.ask(), Validate::rfc8955);
  const Shown shown = showing({announcer});
  const auto judge = [&] { return validator.judge(shown, shown.routes.entries, {}, {}, {}); };
  CHECK(judge().empty());
  ++frr.version;
  frr.routes[0][1] = b;
  frr.instead = "{";
  CHECK_THROWS_AS(judge(), Error);
  frr.instead.clear();
  CHECK(judge().size() == 1);
}

namespace {

const std::string good = "10.1.0.0/16"; // feasible by the routes of FakeFrr
const std::string bad = "11.0.0.0/8";   // not

/// What is said of a route that was feasible and is not by now, one that was not and is by now, and two new
/// ones.
std::string verdicts(FakeFrr& frr, const ShownPeer& peer, Validate mode = Validate::rfc8955) {
  const Shown shown = showing({peer}, {bad, good, "10.9.0.0/16", "12.0.0.0/8"});
  const Infeasible now = judged(frr, shown, {{id(good), "as before"}}, {id(bad)}, mode);
  std::string text;
  for (const std::string& destination : {bad, good, std::string("10.9.0.0/16"), std::string("12.0.0.0/8")})
    text += now.contains(id(destination)) ? (now.at(id(destination)) == "as before" ? "b" : "-") : "+";
  return text;
}

constexpr const char* as_it_was = "+b+-"; // and what is new by what is there
constexpr const char* as_it_is = "-++-";

} // namespace

TEST_CASE("what was said stays until the peer has said all it has") {
  FakeFrr frr;
  ShownPeer peer = announcer;
  peer.prefixes_received = 4;
  CHECK(verdicts(frr, peer) == as_it_is);
  peer.said_all = false;
  CHECK(verdicts(frr, peer) == as_it_was);
}

TEST_CASE("what was said stays until its unicast routes are there too") {
  FakeFrr frr;
  frr.peers[0].uptime = 3s;
  CHECK(verdicts(frr, announcer) == as_it_was);
  frr.end_of_rib = {a};
  CHECK(verdicts(frr, announcer) == as_it_is);
  frr.end_of_rib.clear();
  frr.peers[0].uptime = 30s;
  CHECK(verdicts(frr, announcer) == as_it_is);
  frr.peers[0].state = "Active";
  CHECK(verdicts(frr, announcer) == as_it_was);
  // One that has no unicast session has nothing to say there.
  frr.peers.erase(frr.peers.begin());
  CHECK(verdicts(frr, announcer) == as_it_is);
}

TEST_CASE("the other peers need not have said all, unless they are of the AS that counts") {
  FakeFrr frr;
  frr.peers[1].uptime = 3s;
  CHECK(verdicts(frr, announcer) == as_it_is);
  CHECK(verdicts(frr, announcer, Validate::rfc9117) == as_it_is);
  frr.peers[1].as = 65001;
  CHECK(verdicts(frr, announcer) == as_it_is);
  CHECK(verdicts(frr, announcer, Validate::rfc9117) == as_it_was);
  frr.peers[1].state = "Idle (Admin)"; // not for ever
  CHECK(verdicts(frr, announcer, Validate::rfc9117) == as_it_is);
}

TEST_CASE("an End-of-RIB that comes after the routes were read says nothing of them") {
  FakeFrr frr;
  frr.peers[0].uptime = 3s;
  verdicts(frr, announcer);
  const auto place = [&](const std::string& command) {
    return std::find(frr.asked.begin(), frr.asked.end(), command) - frr.asked.begin();
  };
  CHECK(place("show bgp neighbors json") < place("show bgp ipv4 unicast json"));
}

TEST_CASE("what was said stays while FRR has chosen no unicast route") {
  FakeFrr frr;
  frr.instead =
      R"({"tableVersion":7,"routes":{"10.0.0.0/8":[{"valid":true,"peerId":"192.0.2.1","path":"65001"}]}})";
  CHECK(verdicts(frr, announcer) == "+b--");
}

TEST_CASE("a lost session changes nothing") {
  FakeFrr frr;
  ShownPeer peer = announcer;
  peer.state = "Active";
  peer.said_all = false;
  CHECK(verdicts(frr, peer) == "+b--");
  CHECK(frr.asked.empty());
}

TEST_CASE("what is held keeps its verdict, what is shown beside it is judged") {
  FakeFrr frr;
  Shown shown = showing({announcer}, {good, bad, "10.9.0.0/16", "12.0.0.0/8"});
  shown.peers[0].prefixes_received = 4;
  const Infeasible before{{id(good), "as before"}, {id("13.0.0.0/8"), "gone"}};
  const Infeasible now = Validator(frr.ask(), Validate::rfc8955)
                             .judge(shown, shown.routes.entries, {id(good), id(bad)}, before, {});
  CHECK(now.size() == 2);
  CHECK(now.at(id(good)) == "as before");
  CHECK_FALSE(now.contains(id(bad)));
  CHECK(now.contains(id("12.0.0.0/8")));
  // All of it held: nobody needs to be asked, or known.
  frr.asked.clear();
  const Shown lost = showing({announcer, flowspec_peer(b, 65002, 1)}, {good});
  CHECK(Validator(frr.ask(), Validate::rfc8955)
            .judge(lost, lost.routes.entries, {id(good)}, before, {})
            .size() == 1);
  CHECK(frr.asked.empty());
}

TEST_CASE("each family has its own unicast routes") {
  FakeFrr frr;
  Validator validator(frr.ask(), Validate::rfc8955);
  Shown shown = showing({announcer});
  validator.judge(shown, shown.routes.entries, {}, {}, {});
  shown.family = Family::ipv6;
  shown.routes.entries[0].match.family = Family::ipv6;
  shown.routes.entries[0].match.destination = parse_prefix("2001:db8::/32");
  frr.routes = {{"2001:db8::/32", a, "65001"}};
  CHECK(validator.judge(shown, shown.routes.entries, {}, {}, {}).empty());
  CHECK(frr.asked.back() == "show bgp ipv6 unicast json");
}

TEST_CASE("the answers of FRR 8.4.4") {
  const AskFrr replay = [](const std::string& command) -> std::string {
    const bool summary = command == "show bgp ipv4 unicast summary json";
    REQUIRE((summary || command == "show bgp ipv4 unicast json"));
    return test_data(std::string("captures/frr-8.4.4/unicast_") + (summary ? "summary" : "table") + ".txt");
  };
  ShownPeer peer = flowspec_peer("10.77.0.2", 65002, 9);
  peer.local_as = 65001;
  const Shown shown = showing({peer}, {"10.1.1.0/24", "10.1.0.0/16", "198.51.100.0/24", "198.51.100.0/25",
                                       "203.0.113.0/24", "172.16.0.0/12", "0.0.0.0/0"});
  const auto feasible = [&](Validate mode) {
    const Infeasible not_feasible = Validator(replay, mode).judge(shown, shown.routes.entries, {}, {}, {});
    std::string text;
    for (const Entry& entry : shown.routes.entries)
      if (!not_feasible.contains(stable_id(entry.match)))
        text += to_string(*entry.match.destination) + " ";
    return text;
  };
  // 10.1.0.0/16 is an aggregate of ours; of 198.51.100.0/24 a half is another AS's; 203.0.113.0/24 has the
  // same AS behind two peers, and the other's path is the older one.
  CHECK(feasible(Validate::rfc8955) == "10.1.1.0/24 198.51.100.0/25 ");
  CHECK(feasible(Validate::rfc9117) == "10.1.1.0/24 198.51.100.0/25 203.0.113.0/24 ");
}
