// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/hold.hpp"
#include "injector/sessions.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

/// A route to 10.0.0.NUMBER; "NUMBER" is what tests call it.
std::string shown_route(int number, const std::vector<std::string>& paths = {"FS:rate 0.000000"}) {
  std::string text = "[";
  for (const std::string& communities : paths)
    text += fmt::format("{}{{\"to\":\"10.0.0.{}/32\"}},{{\"ecomlist\":\"{}\"}},{{\"time\":\"00:00:01\"}}",
                        text.size() > 1 ? "," : "", number, communities);
  return text + "]\n";
}

std::string shown_routes(int from, int to) {
  std::string text;
  for (int number = from; number <= to; ++number)
    text += shown_route(number);
  return text;
}

/// One FRR and one kernel, over time. A kernel holds what the last pass let it hold.
class Passes {
 public:
  Passes() = default;
  template <class Change>
  explicit Passes(Change change) {
    change(options_);
  }

  struct Session {
    std::string state = "Established";
    Instant began{0};
    std::uint64_t established = 1;
    std::uint64_t dropped = 0;
    bool end_of_rib = true;
    std::string unheard = "";
  };

  std::string table; ///< what FRR shows
  std::map<std::string, Session> sessions{{"A", {}}};
  Instant now = 1000s;
  bool forgets = false; ///< the state is lost before every pass

  void down(const std::string& peer) {
    Session& session = sessions.at(peer);
    session.state = "Active";
    ++session.dropped;
    session.began = now;
  }
  void up(const std::string& peer, bool end_of_rib) {
    Session& session = sessions.at(peer);
    session = {"Established", now, session.established + 1, session.dropped, end_of_rib, ""};
  }
  void bgpd_restarts() {
    for (auto& [address, session] : sessions)
      session = {"Active", 0s, 0, 0, false, ""};
    table.clear();
  }

  /// A pass after `pause`. Gives the addresses that are enforced then: "1 2 3".
  std::string pass(Instant pause = 2s) {
    now += pause;
    if (forgets)
      known_.reset();
    Shown shown;
    shown.asked = now;
    shown.text = table;
    shown.routes = read_frr_routes(table, Family::ipv4, {});
    for (const auto& [address, session] : sessions) {
      ShownPeer peer;
      peer.address = address;
      peer.state = session.state;
      peer.uptime = std::chrono::floor<std::chrono::seconds>(now - session.began);
      peer.connections_established = session.established;
      peer.connections_dropped = session.dropped;
      peer.unheard = session.unheard;
      peer.said_all =
          peer.established() && session.unheard.empty() && (session.end_of_rib || now - session.began >= 30s);
      shown.peers.push_back(peer);
    }
    last = keep(shown, known_, installed_, {}, options_, now);
    const Kept taken = keep(shown, known_, installed_, {}, options_, now, &shown.routes);
    CHECK(taken.routes.entries == last.routes.entries);
    CHECK(taken.memory == last.memory);
    CHECK(taken.refused == last.refused);
    if (last.memory)
      known_ = last.memory;
    if (!last.refused) {
      installed_.clear();
      for (const Entry& entry : last.routes.entries)
        installed_.insert(stable_id(entry.match));
      enforced_ = words(last.routes);
    }
    return enforced_;
  }

  void kernel_is_flushed() {
    installed_.clear();
    enforced_.clear();
  }

  Kept last;

 private:
  static std::string words(const RoutesRead& routes) {
    std::vector<int> numbers;
    for (const Entry& entry : routes.entries)
      numbers.push_back(static_cast<int>(entry.match.destination->address.bytes[3]));
    std::sort(numbers.begin(), numbers.end());
    return fmt::format("{}", fmt::join(numbers, " "));
  }

  HoldOptions options_;
  std::optional<FamilyMemory> known_;
  std::set<std::string> installed_;
  std::string enforced_;
};

std::string rate_of(const Kept& kept) {
  return kept.routes.entries.empty() ? "" : to_string(kept.routes.entries.front().actions);
}

} // namespace

TEST_CASE("what a controller that is there withdraws goes at once") {
  Passes passes;
  passes.table = shown_routes(1, 3);
  CHECK(passes.pass() == "1 2 3");
  passes.table = shown_route(1) + shown_route(3);
  CHECK(passes.pass(10s) == "1 3");
  passes.table.clear();
  CHECK(passes.pass().empty());
  CHECK(passes.last.holding.stale == 0);
}

TEST_CASE("routes that go with their session stay for ever, until the peer is back and has said all") {
  Passes passes;
  passes.table = shown_routes(1, 3);
  passes.pass();
  passes.down("A");
  passes.table.clear();
  CHECK(passes.pass() == "1 2 3");
  CHECK(passes.last.holding.stale == 3);
  CHECK(passes.last.holding.peers == std::vector<std::string>{"A (Active)"});
  CHECK_FALSE(passes.last.look_again);
  CHECK(passes.pass(1000h) == "1 2 3");

  passes.up("A", false);
  passes.table = shown_route(4);
  CHECK(passes.pass() == "1 2 3 4");
  CHECK(passes.last.holding.peers == std::vector<std::string>{"A (Established, no End-of-RIB yet)"});
  passes.sessions.at("A").end_of_rib = true;
  CHECK(passes.pass(10s) == "4");
  CHECK(passes.last.memory->held.empty());
}

TEST_CASE("a speaker without End-of-RIB has said all when it has settled") {
  Passes passes;
  passes.table = shown_routes(1, 2);
  passes.pass();
  passes.down("A");
  passes.table.clear();
  passes.pass();
  passes.up("A", false);
  passes.table = shown_route(2);
  CHECK(passes.pass(29s) == "1 2");
  CHECK(passes.pass(2s) == "2");
}

TEST_CASE("a peer that comes back unheard has withdrawn nothing") {
  const std::optional<Instant> hold_time = GENERATE(std::optional<Instant>(), std::optional<Instant>(3600s));
  Passes passes([&](HoldOptions& options) { options.hold_time = hold_time; });
  passes.table = shown_routes(1, 2);
  passes.pass();
  passes.down("A");
  passes.table.clear();
  passes.pass();
  passes.up("A", true);
  passes.sessions.at("A").unheard = "FRR discards its routes";
  CHECK(passes.pass(10s) == "1 2");
  CHECK(passes.pass(60s) == "1 2");
  CHECK(passes.last.holding.peers == std::vector<std::string>{"A (Established, FRR discards its routes)"});
  SECTION("the hold time ends all the same") {
    CHECK(passes.pass(3600s) == (hold_time ? "" : "1 2"));
  }
  SECTION("nor of what nothing is known") {
    passes.forgets = true;
    CHECK(passes.pass() == "1 2");
    CHECK_THAT(passes.last.refused.value_or(""), Catch::Contains("A Established, FRR discards its routes"));
    CHECK(passes.pass(3600s) == (hold_time ? "" : "1 2"));
  }
  SECTION("until it is heard") {
    passes.sessions.at("A").unheard.clear();
    passes.table = shown_route(2);
    CHECK(passes.pass() == "2");
  }
}

TEST_CASE("where only unheard peers are, and nothing is installed, there is nothing to wait for") {
  Passes passes;
  passes.sessions.at("A") = {"Established", 900s, 1, 0, false, "its session has no ipv6 flowspec"};
  CHECK(passes.pass().empty());
  CHECK_FALSE(passes.last.refused);
  // Another may have something to say.
  passes.forgets = true;
  passes.sessions["B"] = {"Established", passes.now, 1, 0, false, ""};
  passes.pass();
  CHECK_THAT(passes.last.refused.value_or(""), Catch::Contains("no peer has sent its End-of-RIB"));
}

TEST_CASE("a session that ended and came back between two looks ended all the same") {
  Passes passes;
  passes.table = shown_routes(1, 3);
  passes.pass();
  const bool counted = GENERATE(true, false);
  if (counted) {
    passes.down("A");
    passes.up("A", false);
  } else { // a bgpd that started again counts anew
    passes.sessions.at("A") = {"Established", passes.now + 1s, 1, 0, false, ""};
  }
  passes.table = shown_route(2);
  CHECK(passes.pass() == "1 2 3");
  CHECK(passes.last.holding.stale == 2);
}

TEST_CASE("what is withdrawn early in a session that is the first goes at once") {
  Passes passes;
  passes.sessions.at("A") = {"Established", 999s, 1, 0, false, ""};
  passes.table = shown_routes(1, 3);
  passes.pass();
  passes.table = shown_route(1) + shown_route(3);
  CHECK(passes.pass() == "1 3");
}

TEST_CASE("the same session is the same, however it is looked at") {
  // FRR tells uptimes in whole seconds.
  Passes passes;
  passes.sessions.at("A").began = 900s + 499ms;
  passes.table = shown_routes(1, 2);
  for (int step = 0; step < 50; ++step)
    REQUIRE(passes.pass(Instant(137 + 211 * step % 1000)) == "1 2");
  passes.table = shown_route(1);
  CHECK(passes.pass() == "1");
}

TEST_CASE("nothing that is shown is stale, and a hold ends with the hold time") {
  Passes passes([](HoldOptions& options) { options.hold_time = 60s; });
  passes.table = shown_routes(1, 2);
  passes.pass();
  passes.down("A");
  passes.table.clear();
  CHECK(passes.pass() == "1 2");
  REQUIRE(passes.last.look_again);
  CHECK(*passes.last.look_again == passes.now + 60s);
  CHECK(passes.pass(59s) == "1 2");
  CHECK(passes.pass(1s).empty());
}

TEST_CASE("a hold time of 0 is no hold; but a table without routes must be believable") {
  Passes passes([](HoldOptions& options) { options.hold_time = 0s; });
  passes.table = shown_routes(1, 2);
  passes.pass();
  passes.down("A");
  passes.up("A", false);
  passes.table.clear();
  CHECK(passes.pass() == "1 2");
  passes.table = shown_route(2);
  CHECK(passes.pass() == "2");
  passes.down("A");
  passes.table.clear();
  CHECK(passes.pass().empty());
}

TEST_CASE("one peer of two: only what goes with its session is held, and the other may withdraw") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_routes(1, 4); // 1 and 2 from A, 3 and 4 from B
  passes.pass();
  passes.down("A");
  passes.table = shown_routes(3, 4);
  CHECK(passes.pass() == "1 2 3 4");
  CHECK(passes.last.holding.stale == 2);
  passes.pass(10s);
  passes.table = shown_route(4);
  CHECK(passes.pass() == "1 2 4");
  // Back, without route 1.
  passes.up("A", true);
  passes.table = shown_route(2) + shown_route(4);
  passes.pass();
  CHECK(passes.pass(10s) == "2 4");
}

TEST_CASE("FRR drops the routes of a session bit by bit") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_routes(1, 4);
  passes.pass();
  passes.down("A");
  passes.sessions.at("A").state = "Clearing";
  passes.table = shown_routes(2, 4);
  CHECK(passes.pass(200ms) == "1 2 3 4");
  passes.sessions.at("A").state = "Idle";
  passes.table = shown_routes(3, 4);
  CHECK(passes.pass(200ms) == "1 2 3 4");
  CHECK(passes.last.holding.stale == 2);
}

TEST_CASE("a neighbor that is removed from FRR's configuration is no withdrawal") {
  Passes passes([](HoldOptions& options) { options.hold_time = 3600s; });
  passes.sessions["B"] = {};
  passes.table = shown_routes(1, 3);
  passes.pass();
  passes.sessions.erase("A");
  passes.table = shown_route(3);
  CHECK(passes.pass() == "1 2 3");
  CHECK(passes.last.holding.peers == std::vector<std::string>{"A (removed)"});
  CHECK(passes.pass(3000s) == "1 2 3");
  CHECK(passes.pass(600s) == "3");
  passes.pass();
  CHECK(passes.last.memory->peers.size() == 1); // nobody waits for it any more
}

TEST_CASE("bgpd starts again, without its peers at first") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_routes(1, 4);
  passes.pass();
  passes.bgpd_restarts();
  CHECK(passes.pass() == "1 2 3 4");
  passes.sessions.at("B") = {"Established", passes.now, 1, 0, true, ""};
  passes.table = shown_route(4);
  passes.pass();
  CHECK(passes.pass(10s) == "1 2 3 4"); // 3 was B's, but nobody can tell while A is away
  passes.sessions.at("A") = {"Established", passes.now, 1, 0, true, ""};
  passes.table = shown_routes(1, 2) + shown_route(4);
  passes.pass();
  CHECK(passes.pass(10s) == "1 2 4");
}

TEST_CASE("a route that lost one of its paths keeps what all of them asked for") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_route(1, {"FS:rate 0.000000", "FS:rate 1000.000000"});
  passes.pass();
  CHECK(rate_of(passes.last) == "discard");
  passes.down("A");
  passes.table = shown_route(1, {"FS:rate 1000.000000"});
  passes.pass();
  CHECK(rate_of(passes.last) == "discard");
  CHECK(passes.last.holding.stale == 1);
  passes.pass(100s);
  CHECK(rate_of(passes.last) == "discard");
  SECTION("until the peer is back without it") {
    passes.up("A", true);
    passes.pass();
    passes.pass(10s);
    CHECK(rate_of(passes.last) == "rate 1000 B/s");
    CHECK(passes.last.memory->held.empty());
  }
  SECTION("or with it") {
    passes.up("A", false);
    passes.table = shown_route(1, {"FS:rate 500.000000", "FS:rate 1000.000000"});
    passes.pass();
    CHECK(rate_of(passes.last) == "discard"); // it has not said all
    passes.sessions.at("A").end_of_rib = true;
    passes.pass();
    CHECK(rate_of(passes.last) == "rate 500 B/s");
  }
}

TEST_CASE("of a route that is held, the stricter word of a controller that is there counts") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_route(1, {"FS:rate 1000.000000", "FS:rate 2000.000000"});
  passes.pass();
  passes.down("A");
  passes.table = shown_route(1, {"FS:rate 2000.000000"});
  passes.pass();
  CHECK(rate_of(passes.last) == "rate 1000 B/s");
  passes.table = shown_route(1);
  passes.pass(10s);
  CHECK(rate_of(passes.last) == "discard");
}

TEST_CASE("a route that two announced waits for both, when both are gone") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_route(1, {"FS:rate 0.000000", "FS:rate 1000.000000"});
  passes.pass();
  passes.down("A");
  passes.table = shown_route(1, {"FS:rate 1000.000000"});
  passes.pass();
  passes.pass(10s);
  passes.down("B");
  passes.table.clear();
  passes.pass();
  passes.up("A", true);
  passes.pass();
  CHECK(passes.pass(10s) == "1");
  CHECK(passes.last.holding.peers == std::vector<std::string>{"B (Active)"});
}

TEST_CASE("a second look is not had of an empty table when nobody is there") {
  Passes passes([](HoldOptions& options) { options.confirm_after = 10s; });
  passes.table = shown_routes(1, 30);
  passes.pass();
  const std::string all = passes.pass();
  passes.down("A");
  passes.table.clear();
  passes.pass();
  passes.up("A", true);
  passes.pass();
  passes.pass(6s);
  CHECK(passes.last.holding.unconfirmed == 30);
  passes.down("A");
  CHECK(passes.pass(10s) == all);
  CHECK(passes.pass(10s) == all);
}

TEST_CASE("what is held counts for the largest number of routes too") {
  Passes passes([](HoldOptions& options) { options.max_routes = 5; });
  passes.table = shown_routes(1, 3);
  passes.pass();
  passes.down("A");
  passes.table.clear();
  CHECK(passes.pass() == "1 2 3");
  passes.up("A", false);
  passes.table = shown_routes(11, 13);
  CHECK(passes.pass() == "1 2 3");
  REQUIRE(passes.last.refused);
  CHECK_THAT(*passes.last.refused, Catch::Contains("6") && Catch::Contains("--max-routes 5"));
}

TEST_CASE("what the other controller changes while one is away is done") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_route(1, {"FS:rate 1000.000000"}) + shown_route(2);
  passes.pass();
  passes.down("A");
  passes.table = shown_route(1, {"FS:rate 2000.000000"});
  passes.pass();
  CHECK(rate_of(passes.last) == "rate 2000 B/s");
}

TEST_CASE("many withdrawals at once wait for a second look") {
  Passes passes([](HoldOptions& options) { options.confirm_after = 10s; });
  passes.table = shown_routes(1, 30);
  passes.pass();
  const std::string all = passes.pass();
  passes.table = shown_routes(1, 10) + shown_route(40);
  CHECK(passes.pass() == all + " 40"); // what comes does not wait
  CHECK(passes.last.holding.unconfirmed == 20);
  REQUIRE(passes.last.look_again);
  CHECK(*passes.last.look_again == passes.now + 10s);
  CHECK(passes.pass(9s) == all + " 40");
  SECTION("they stay away") {
    CHECK(passes.pass(1s) == "1 2 3 4 5 6 7 8 9 10 40");
    CHECK(passes.last.holding.unconfirmed == 0);
  }
  SECTION("they come back") {
    passes.table = shown_routes(1, 30) + shown_route(40);
    CHECK(passes.pass(1s) == all + " 40");
    CHECK(passes.last.memory->held.empty());
  }
  SECTION("those that went later wait longer") {
    passes.table = shown_routes(1, 2);
    CHECK(passes.pass(500ms) == all + " 40");
    CHECK(passes.pass(500ms) == "1 2 3 4 5 6 7 8 9 10 40");
    CHECK(passes.pass(500ms) == "1 2"); // 9 of 11: not many any more
  }
}

TEST_CASE("half of the routes, or ten of them, are not many") {
  Passes passes;
  passes.table = shown_routes(1, 24);
  passes.pass();
  passes.table = shown_routes(1, 12);
  CHECK(passes.pass() == "1 2 3 4 5 6 7 8 9 10 11 12");
  passes.table = shown_routes(1, 2);
  CHECK(passes.pass() == "1 2");
}

TEST_CASE("a controller that comes back with hardly anything is looked at twice") {
  Passes passes([](HoldOptions& options) { options.confirm_after = 10s; });
  passes.table = shown_routes(1, 30);
  passes.pass();
  const std::string all = passes.pass();
  passes.down("A");
  passes.table.clear();
  passes.pass();
  passes.up("A", true);
  passes.pass();
  CHECK(passes.pass(6s) == all);
  CHECK(passes.last.holding.unconfirmed == 30);
  CHECK(passes.pass(10s).empty());
}

TEST_CASE("an empty table is believed of nobody who has not said all") {
  Passes passes;
  passes.sessions.at("A") = {"Established", 995s, 1, 0, false, ""};
  passes.table = shown_routes(1, 2);
  passes.pass();
  passes.pass(6s);
  passes.table.clear();
  CHECK(passes.pass() == "1 2");
  CHECK(passes.last.holding.peers == std::vector<std::string>{"A (Established, no End-of-RIB yet)"});
  CHECK(passes.pass(30s).empty());
}

TEST_CASE("nobody is there, and nobody was: that is no reason to believe anything") {
  Passes passes;
  passes.down("A");
  passes.pass();
  REQUIRE(passes.last.refused);
  CHECK_THAT(*passes.last.refused, Catch::Contains("no flowspec peer of its is Established (A is Active)"));
  CHECK_FALSE(passes.last.memory);
}

TEST_CASE("without a state nothing goes that a silent peer may have announced") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_routes(1, 3);
  passes.pass();
  passes.forgets = true;
  passes.down("A");
  passes.table = shown_route(3);
  CHECK(passes.pass() == "1 2 3");
  REQUIRE(passes.last.refused);
  CHECK_THAT(*passes.last.refused,
             Catch::Contains("2 of 3 installed ipv4 routes") && Catch::Contains("A Active"));
  passes.up("A", false);
  CHECK(passes.pass() == "1 2 3");
  CHECK_THAT(*passes.last.refused, Catch::Contains("A Established, no End-of-RIB yet"));
  passes.sessions.at("A").end_of_rib = true;
  CHECK(passes.pass() == "3");
}

TEST_CASE("without a state, many at once are looked at twice too") {
  Passes passes;
  passes.table = shown_routes(1, 30);
  passes.pass();
  const std::string all = passes.pass();
  passes.kernel_is_flushed(); // and put back by a pass, so that both know the same
  passes.pass();
  passes.forgets = true;
  passes.table = shown_route(1);
  CHECK(passes.pass() == all);
  REQUIRE(passes.last.refused);
  passes.forgets = false;
  CHECK(passes.pass(5s) == all);
  CHECK(passes.pass(5s) == "1");
}

TEST_CASE("a kernel that lost its rules gets those back that are held") {
  Passes passes;
  passes.table = shown_routes(1, 2);
  passes.pass();
  passes.down("A");
  passes.table.clear();
  passes.pass();
  passes.kernel_is_flushed();
  CHECK(passes.pass() == "1 2");
  // Also when both happened between two looks.
  passes.up("A", true);
  passes.table = shown_routes(1, 2);
  passes.pass(10s);
  passes.kernel_is_flushed();
  passes.down("A");
  passes.table.clear();
  CHECK(passes.pass() == "1 2");
}

TEST_CASE("too many routes change nothing") {
  Passes passes([](HoldOptions& options) { options.max_routes = 3; });
  passes.table = shown_routes(1, 3);
  passes.pass();
  passes.table = shown_routes(2, 5);
  CHECK(passes.pass() == "1 2 3");
  REQUIRE(passes.last.refused);
  CHECK_THAT(*passes.last.refused, Catch::Contains("4") && Catch::Contains("--max-routes 3"));
  passes.table = shown_routes(2, 4);
  CHECK(passes.pass() == "2 3 4");
}

TEST_CASE("what was given by the operator is nobody's session's") {
  Passes passes;
  passes.table = shown_routes(1, 2);
  passes.pass();
  passes.last.memory->from_frr = false;
  const Kept kept = [&] {
    Shown shown;
    shown.asked = passes.now + 2s;
    ShownPeer peer;
    peer.address = "A";
    peer.state = "Active";
    shown.peers.push_back(peer);
    return keep(shown, passes.last.memory, {}, {}, {}, passes.now + 2s);
  }();
  CHECK(kept.refused);
}

TEST_CASE("routes that may be taken are there as long as something can fail") {
  Passes passes;
  passes.table = shown_routes(1, 2);
  passes.pass();
  Shown shown;
  shown.text = passes.table;
  shown.routes = read_frr_routes(passes.table, Family::ipv4, {});
  std::optional<FamilyMemory> known = passes.last.memory;
  SECTION("damaged texts of held routes") {
    known->held_routes = "[{\"to\":\"10.0";
  }
  SECTION("damaged texts of what was shown") {
    known->routes = "[{\"to\":\"10.0";
    known->peers.front().connections_dropped = 7; // the session ended
  }
  CHECK_THROWS_AS(keep(shown, known, {"0123456789abcdef"}, {}, {}, passes.now + 2s, &shown.routes), Error);
  CHECK(shown.routes.entries.size() == 2);
}

TEST_CASE("nobody was missed: each peer has said all, or is away since before") {
  const KnownPeer there{"A", "Established", 2, 1, 0, {}, {}};
  const KnownPeer away{"A", "Active", 2, 2, 0, {}, {}};
  const auto shown = [](const char* state, std::uint64_t established, std::uint64_t dropped, bool said_all) {
    ShownPeer peer;
    peer.address = "A";
    peer.state = state;
    peer.connections_established = established;
    peer.connections_dropped = dropped;
    peer.said_all = said_all;
    return peer;
  };
  const struct {
    std::vector<KnownPeer> known;
    std::vector<ShownPeer> shown;
    bool nobody_missed;
  } cases[] = {
      {{}, {}, true},
      {{there}, {shown("Established", 2, 1, true)}, true},
      {{there}, {shown("Established", 3, 2, true)}, true},
      {{there}, {shown("Established", 2, 1, false)}, false},
      {{there}, {shown("Active", 2, 2, false)}, false},
      {{there}, {}, false},
      {{away}, {shown("Active", 2, 2, false)}, true},
      {{away}, {shown("Idle", 2, 2, false)}, true},
      {{away}, {shown("Active", 3, 3, false)}, false},
      {{away}, {shown("Active", 0, 0, false)}, false}, // bgpd started again
      {{away}, {shown("Established", 3, 2, false)}, false},
      {{}, {shown("Active", 0, 0, false)}, false},
  };
  for (const auto& [known, peers, nobody_missed] : cases) {
    Shown now;
    now.peers = peers;
    CAPTURE(known.size(), peers.size());
    CHECK(nobody_was_missed(known, now) == nobody_missed);
  }
}

TEST_CASE("what is remembered is what was enforced") {
  Passes passes;
  passes.sessions["B"] = {};
  passes.table = shown_route(1, {"FS:rate 0.000000", "FS:rate 1000.000000"}) + shown_routes(2, 3);
  passes.pass();
  passes.down("A");
  passes.table = shown_route(1, {"FS:rate 1000.000000"}) + shown_route(3);
  passes.pass();
  const auto sorted = [](RoutesRead routes) {
    std::sort(routes.entries.begin(), routes.entries.end(),
              [](const Entry& a, const Entry& b) { return stable_id(a.match) < stable_id(b.match); });
    return routes.entries;
  };
  CHECK(sorted(remembered(*passes.last.memory, Family::ipv4, {})) == sorted(passes.last.routes));
}
