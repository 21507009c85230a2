// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry_json.hpp"
#include "injector/status_report.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

std::string route(const std::string& to, const std::string& communities,
                  const std::string& age = "00:00:10") {
  return "[{\"to\":\"" + to + "\"},{\"ecomlist\":\"" + communities + "\"},{\"time\":\"" + age + "\"}]\n";
}

const std::string a = route("10.1.0.0/16", "65535:10 FS:rate 0.000000");
const std::string b = route("10.2.0.0/16", "65535:20 FS:rate 1000.000000", "1d02h03m");
const std::string c = route("10.3.0.0/16", "65535:30", "never");
const std::string unreadable = route("1.2.3.4/32", "UNK:128, 12");
const std::string policy =
    "[{\"to\":\"0.0.0.0/0\",\"from\":\"0.0.0.0/0\"},{\"ecomlist\":\"FS:rate 0.000000\"},"
    "{\"time\":\"01w2d03h\"}]\n";

/// The id of the route to `destination`, which asks for nothing else.
std::string id(const char* destination) {
  Components match;
  match.destination = parse_prefix(destination);
  return stable_id(match);
}

KnownPeer peer(const char* address, const char* state, std::uint64_t received = 0) {
  return {address, state, 2, 1, received, 40s, 0s};
}

/// A host at a moment: what was remembered, and what the kernel has, which is what was remembered until a
/// test changes it.
struct Host {
  State state;
  Pass pass;
  std::vector<TableNow> tables;
  std::string no_state;
  Ownership ours;
  Instant now = 100s;

  Host() = default;
  explicit Host(const std::string& routes, const std::string& routes6 = "",
                const CompileOptions& options = {}) {
    RoutesRead read;
    std::vector<Family> families;
    const auto remember = [&](Family family, const std::string& text) {
      FamilyMemory& memory = state.families[family];
      memory.source = "FRR (vtysh)";
      memory.polled = 97s;
      memory.peers = {peer("192.0.2.1", "Established", 4)};
      memory.routes = text;
      read.append(read_frr_routes(text, family, {}));
      families.push_back(family);
    };
    remember(Family::ipv4, routes);
    if (!routes6.empty())
      remember(Family::ipv6, routes6);
    state.last_pass = state.last_success = 1'800'000'000;
    Wanted wanted = arrange(read.entries, families, options);
    for (const WantedTable& table : wanted.tables)
      tables.push_back(table_with(table));
    pass = Pass(std::move(read), {}, std::move(wanted));
  }

  static TableNow table_with(const WantedTable& wanted) {
    TableNow table{{wanted.family, wanted.table, {}}, {}};
    for (const Hook& hook : wanted.hooks)
      if (table.rules.find(hook.parent) == nullptr)
        table.rules.chains.push_back({hook.parent, Verdict::accept, {}});
    table.rules = with_ours(table.rules, wanted.chains, wanted.hooks, {});
    table.counters = no_counters(table.rules);
    return table;
  }

  RuleList& chain(const std::string& name, std::size_t table = 0) {
    return tables.at(table).rules.find(name)->rules;
  }
  void count(const std::string& chain, std::vector<Counters> counters) {
    for (ChainCounters& each : tables.at(0).counters)
      if (each.chain == chain)
        each.rules = counters;
  }
  /// Counters of nothing, for rules that somebody has changed.
  void recount() {
    for (TableNow& table : tables)
      table.counters = no_counters(table.rules);
  }

  Status status() const { return status_of({state, no_state, pass, tables, ours, now, 1'800'000'003}); }
  std::string text() const { return status_text(status(), false); }
};

/// "10 active, 20 stale ...", in order, by sequence.
std::string standings(const Status& status) {
  std::string text;
  for (const StatusEntry& entry : status.entries)
    text += (text.empty() ? "" : ", ") + (entry.sequence ? std::to_string(*entry.sequence) : "-") + " " +
            std::string(name(entry.standing));
  return text;
}

Rule intruder() {
  Rule rule;
  rule.source = parse_prefix("10.9.0.0/16");
  rule.target = Verdict::accept;
  return rule;
}

/// Everything that a status can hold.
Host eventful() {
  Host host(a + b + c + policy + unreadable, route("2001:db8::/32/off 0", "65535:5 FS:rate 0.000000"));
  FamilyMemory& memory = host.state.families.at(Family::ipv4);
  memory.peers.push_back(peer("192.0.2.2", "Active"));
  memory.held = {{id("10.2.0.0/16"), 88s, {"192.0.2.2"}}, {id("10.3.0.0/16"), 96s, {}}};
  host.chain("FLOWSPEC").insert(host.chain("FLOWSPEC").begin() + 1, intruder());
  host.chain("FORWARD").insert(host.chain("FORWARD").begin(), intruder());
  host.chain("FLOWSPEC", 2).clear();
  host.recount();
  host.count("FLOWSPEC",
             {{17, 1700}, {3, 300}, {200'000, 99'999'999}, {1, 60}, {5, 50}, {99'999, 123'456}, {40, 400}});
  host.state.last_pass = 1'800'000'001;
  host.state.last_success = 1'799'990'000;
  host.state.last_failure = "ask FRR (vtysh -c show): exit status 1: no answer";
  host.state.totals.failures = {{"no-answer", 3}};
  host.state.totals.commits = {{"filter", 2}};
  host.state.totals.lock_waited = 1500ms;
  return host;
}

} // namespace

TEST_CASE("the status of an eventful host, for people and for machines") {
  const Status status = eventful().status();
  CHECK(is_golden("status/eventful.txt", status_text(status, false)));
  CHECK(is_golden("status/eventful.colour.txt", status_text(status, true)));
  CHECK(is_golden("status/eventful.json", dump(status_json(status))));
}

TEST_CASE("the status of a quiet host, and of one of which nothing is known") {
  CHECK(is_golden("status/quiet.txt", Host(a + policy).text()));
  Host nothing;
  CHECK(is_golden("status/nothing.txt", nothing.text()));
  CHECK(is_golden("status/nothing.json", dump(status_json(nothing.status()))));
  Host forgotten(a + b + policy);
  forgotten.state = {};
  forgotten.pass = {};
  forgotten.no_state = "there is no file /run/flowspec/FLOWSPEC.state";
  CHECK(is_golden("status/forgotten.txt", forgotten.text()));
  CHECK(is_golden("status/forgotten.json", dump(status_json(forgotten.status()))));
}

TEST_CASE("how entries stand") {
  CHECK(standings(Host(c + a + b).status()) == "10 active, 20 active, 30 active");

  SECTION("what is held is stale, or waits for a second look") {
    Host host(a + b + c);
    host.state.families.at(Family::ipv4).held = {{id("10.2.0.0/16"), 90s, {"192.0.2.1", "192.0.2.2"}},
                                                 {id("10.3.0.0/16"), 95s, {}}};
    const Status status = host.status();
    CHECK(standings(status) == "10 active, 20 stale, 30 unconfirmed");
    CHECK(status.entries[1].from == std::vector<std::string>{"192.0.2.1", "192.0.2.2"});
    CHECK(status.entries[1].held == 10s);
    CHECK(status.entries[2].from == std::vector<std::string>{"192.0.2.1"});
    CHECK(status.entries[2].held == 5s);
  }
  SECTION("somebody flushed our chain") {
    Host host(a + b + c);
    host.chain("FLOWSPEC").clear();
    host.recount();
    CHECK(standings(host.status()) == "10 missing, 20 missing, 30 missing");
    CHECK(host.text().find("filter: a pass would place 4 rules and remove 0\n") != std::string::npos);
  }
  SECTION("somebody deleted single rules: each stands where it should") {
    for (const std::size_t gone : {0U, 3U}) {
      Host host(a + b + c); // b has two rules, the first of which drops what is over the rate
      host.chain("FLOWSPEC").erase(host.chain("FLOWSPEC").begin() + static_cast<std::ptrdiff_t>(gone));
      host.recount();
      CHECK(standings(host.status()) ==
            (gone == 0 ? "10 missing, 20 active, 30 active" : "10 active, 20 active, 30 missing"));
    }
    Host host(a + b + c);
    host.chain("FLOWSPEC").erase(host.chain("FLOWSPEC").begin() + 1);
    host.recount();
    CHECK(standings(host.status()) == "10 active, 20 changed, 30 active");
  }
  SECTION("our chain is gone, or the whole table") {
    Host host(a + b + c);
    std::erase_if(host.tables[0].rules.chains, [](const Chain& chain) { return chain.name == "FLOWSPEC"; });
    host.chain("FORWARD").clear();
    host.recount();
    CHECK(standings(host.status()) == "10 missing, 20 missing, 30 missing");
    CHECK(host.text().find("filter: the jump from FORWARD to FLOWSPEC is not there; a pass would place 5 "
                           "rules and remove 0\n") != std::string::npos);
    host.tables.clear();
    CHECK(standings(host.status()) == "10 missing, 20 missing, 30 missing");
    CHECK(host.text().find("filter: nobody has a rule in it; a pass would place 4 rules and remove 0\n") !=
          std::string::npos);
  }
  SECTION("rules that no known route asks for, and those of other people") {
    Host host(a + c);
    host.chain("FLOWSPEC") = Host(a + b + c).chain("FLOWSPEC");
    host.chain("FLOWSPEC").push_back(intruder());
    host.chain("FORWARD").push_back(host.chain("FLOWSPEC")[1]); // not our chain: nothing of ours
    host.recount();
    const Status status = host.status();
    CHECK(standings(status) == "10 active, 20 foreign, 30 active, - foreign");
    CHECK(status.entries[1].id == id("10.2.0.0/16"));
    CHECK(status.entries[1].rules.size() == 2);
    CHECK(status.entries[3].rules == std::vector<std::string>{"-A FLOWSPEC -s 10.9.0.0/16 -j ACCEPT"});
  }
  SECTION("the order is the kernel's, and so are the numbers") {
    Host host(a + b + c);
    const Rule first = host.chain("FLOWSPEC").front();
    host.chain("FLOWSPEC").erase(host.chain("FLOWSPEC").begin());
    host.chain("FLOWSPEC").push_back(first);
    host.recount();
    const Status status = host.status();
    CHECK(standings(status) == "20 active, 30 active, 10 active");
    CHECK(status.entries[2].number == 3);
    CHECK(status.tables[0].added == 1);
  }
}

TEST_CASE("what an entry has counted, over all of its rules") {
  Host host(a + b + policy);
  host.count("FLOWSPEC", {{1, 10}, {2, 20}, {4, 40}, {8, 80}, {16, 160}});
  const Status status = host.status();
  CHECK(status.entries[0].hits == EntryHits{{1, 10}, {1, 10}});
  CHECK(status.entries[1].hits == EntryHits{{6, 60}, {2, 20}}); // over the rate, and within it
  CHECK(status.entries[2].hits == EntryHits{{16, 160}, {16, 160}});
  CHECK(status.tracked == Counters{8, 80});
  CHECK(status.hits == EntryHits{{23, 230}, {19, 190}});
}

TEST_CASE("packets that no entry may touch are counted apart") {
  CompileOptions options;
  options.protect = {*parse_prefix("10.1.2.0/24")};
  Host host(a, "", options);
  host.count("FLOWSPEC", {{1, 10}, {2, 20}, {4, 40}});
  const Status status = host.status();
  CHECK(standings(status) == "10 active");
  CHECK(status.spared == Counters{3, 30});
  CHECK(status.hits == EntryHits{{4, 40}, {4, 40}});
  CHECK(host.text().find("protected prefixes: 3 packets, 30 bytes passed\n") != std::string::npos);
}

TEST_CASE("how old a route is now") {
  Host host(a + b + c);
  Status status = host.status(); // read three seconds ago
  CHECK(status.entries[0].age == 13s);
  CHECK(status.entries[1].age == 26h + 3min + 3s);
  CHECK_FALSE(status.entries[2].age);
  // One that is held was shown last when it vanished.
  host.state.families.at(Family::ipv4).held = {{id("10.1.0.0/16"), 40s, {"192.0.2.1"}}};
  CHECK(host.status().entries[0].age == 70s);
  // A time ahead of this clock makes nothing younger.
  host.now = 20s;
  status = host.status();
  CHECK(status.entries[0].age == 10s);
  CHECK(status.entries[0].held == 0s);
  CHECK(status.families[0].polled == 0s);
}

TEST_CASE("where routes come from: a peer when it can be no other") {
  Host host(a);
  FamilyMemory& memory = host.state.families.at(Family::ipv4);
  const auto from = [&] { return host.status().entries.at(0).from; };
  CHECK(from() == std::vector<std::string>{"192.0.2.1"});
  memory.peers.push_back(peer("192.0.2.2", "Idle (Admin)"));
  CHECK(from() == std::vector<std::string>{"192.0.2.1"});
  memory.peers.push_back(peer("192.0.2.3", "Established"));
  CHECK(from() == std::vector<std::string>{"FRR (vtysh)"});
  memory.peers.clear();
  CHECK(from() == std::vector<std::string>{"FRR (vtysh)"});
  memory.source = "/etc/flowspec/routes";
  memory.from_frr = false;
  CHECK(from() == std::vector<std::string>{"/etc/flowspec/routes"});
}

TEST_CASE("peers: since when, and how many routes are held for them") {
  Host host(a + b);
  FamilyMemory& memory = host.state.families.at(Family::ipv4);
  memory.peers.push_back(peer("192.0.2.2", "removed"));
  memory.held = {{id("10.1.0.0/16"), 90s, {"192.0.2.2"}},
                 {id("10.2.0.0/16"), 90s, {"192.0.2.2", "192.0.2.3"}}};
  const std::vector<StatusPeer> peers = host.status().families.at(0).peers;
  REQUIRE(peers.size() == 2);
  CHECK(peers[0].uptime == 60s);
  CHECK(peers[0].held == 0);
  CHECK_FALSE(peers[1].uptime);
  CHECK(peers[1].held == 2);
}

TEST_CASE("one family is known, and the other is not") {
  Host host(a, route("2001:db8::/32/off 0", "65535:5"));
  host.state.families.erase(Family::ipv6);
  const Status status = host.status();
  CHECK(standings(status) == "10 active, 5 unknown");
  CHECK(status.not_known.empty());
  CHECK(status.entries[1].number == 1);
  CHECK(host.text().find("\nIPv6: what the kernel holds\n") != std::string::npos);
}

TEST_CASE("the jump: gone, or not the first rule any more") {
  Host host(a);
  host.chain("FORWARD").insert(host.chain("FORWARD").begin(), intruder());
  host.recount();
  CHECK(host.status().tables.at(0).complaints ==
        std::vector<std::string>{"the jump to FLOWSPEC is rule 2 of FORWARD, behind rules of others"});
  // The jump of another injector may stand there too.
  host.chain("FORWARD").erase(host.chain("FORWARD").begin());
  Rule to_peers;
  to_peers.target = Jump{"PEERS", false};
  host.chain("FORWARD").insert(host.chain("FORWARD").begin(), to_peers);
  host.tables[0].rules.chains.push_back({"PEERS", std::nullopt, Host(b).chain("FLOWSPEC")});
  host.recount();
  CHECK(host.status().tables.at(0).complaints.empty());
  host.chain("FORWARD") = {intruder()};
  host.recount();
  CHECK(host.status().tables.at(0).complaints ==
        std::vector<std::string>{"the jump from FORWARD to FLOWSPEC is not there"});
  std::erase_if(host.tables[0].rules.chains, [](const Chain& chain) { return chain.name == "FORWARD"; });
  host.recount();
  CHECK(host.status().tables.at(0).complaints ==
        std::vector<std::string>{"there is no chain FORWARD for the jump to FLOWSPEC"});
}

TEST_CASE("another instance's chain is none of this one's business") {
  Host host(a + b);
  host.ours = {"PEERS"};
  host.state = {};
  host.pass = {};
  CHECK(host.status().entries.empty());
  CHECK(host.status().tables.empty());
}

TEST_CASE("a terminal gets one line for a line, whatever was in it") {
  Host host(a + unreadable);
  FamilyMemory& memory = host.state.families.at(Family::ipv4);
  memory.source = "\033[2J\nroutes";
  memory.from_frr = false;
  memory.peers.clear();
  memory.peers.push_back(peer("evil\r", "\nEstablished\033"));
  memory.held = {{id("10.1.0.0/16"), 0s, {"\x07"}}};
  host.state.last_failure = "one\ntwo\033[31m";
  host.pass.rejected.push_back({"a\nb", Reason::never_matches, "\x7f"});
  Rule breaking = intruder();
  breaking.in_interface = "e\nth";
  host.chain("FLOWSPEC").push_back(breaking);
  host.recount();
  const std::string text = host.text();
  for (const char c : text)
    CHECK((c == '\n' || static_cast<unsigned char>(c) >= ' '));
  CHECK(std::count(text.begin(), text.end(), '\n') == 15);
  CHECK(text.find("last pass failed: one\\x0atwo\\x1b[31m\n") != std::string::npos);
  CHECK(text.find("  \n") == std::string::npos);
  CHECK(text.find(" \n") == std::string::npos);
}
