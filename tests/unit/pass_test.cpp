// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/iptc.hpp"
#include "common/lock_held.hpp"
#include "injector/pass.hpp"
#include "injector/tampering.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>
#include <new>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

/// FRR, a kernel and a disk in memory, each of which can fail.
struct FakeWorld {
  // FRR
  std::string table4 =
      "[{\"to\":\"10.0.0.1/32\"},{\"ecomlist\":\"FS:rate 0.000000\"},{\"time\":\"00:00:01\"}]";
  std::string state4 = "Established";
  int version = 1;
  int dropped = 0;
  bool silent4 = false;
  std::vector<std::string> asked;
  // the kernel
  std::map<std::pair<Family, std::string>, Ruleset> kernel{{{Family::ipv4, "filter"}, empty_filter()}};
  int commits = 0;
  std::function<void()> at_commit = [] {};
  std::function<void()> at_open = [] {};
  // the disk
  State disk;
  std::map<Family, std::pair<std::string, std::string>> texts;
  std::map<Family, std::pair<std::string, std::string>> staged;
  int saved_of_their_own = 0; ///< texts that were not staged
  bool unstageable = false;
  bool unwritable = false;
  bool damaged = false;
  bool unreadable = false;
  int saves = 0;
  // this machine
  std::vector<Prefix> own{*parse_prefix("10.0.0.0/24")};
  bool own_unreadable = false;
  Instant now = 1000s;

  static Ruleset empty_filter() {
    return {
        Family::ipv4,
        "filter",
        {{"INPUT", Verdict::accept, {}}, {"FORWARD", Verdict::accept, {}}, {"OUTPUT", Verdict::accept, {}}}};
  }

  std::string answer(const std::string& command) {
    asked.push_back(command);
    if (command.find("ipv6") != std::string::npos)
      return "{}";
    if (silent4)
      throw NoAnswer("ask FRR: no answer within 10 s");
    if (command == "show bgp neighbors json")
      return "{}";
    if (command.find("summary") != std::string::npos)
      return fmt::format(
          R"({{"tableVersion":{},"peers":{{"192.0.2.1":{{"state":"{}","pfxRcd":0,"peerUptimeMsec":{},)"
          R"("connectionsEstablished":1,"connectionsDropped":{}}}}}}})",
          version, state4, dropped == 0 ? now.count() : 0, dropped);
    return table4;
  }

  PassWorld world() {
    PassWorld world;
    world.ask = [this](const std::string& command) { return answer(command); };
    world.source = "FRR (fake)";
    world.now = [this] { return now; };
    world.unix_time = [this] { return now / 1s; };
    world.tables.in_use = [this](Family family, const std::string& name) {
      return kernel.contains({family, name});
    };
    world.tables.look = [this](Family family, const std::string& name) { return kernel.at({family, name}); };
    world.tables.open = [this](Family family, const std::string& name) {
      at_open();
      Ruleset& table = kernel.at({family, name});
      return OpenTable{table, [this, &table](const std::vector<Edit>& edits) {
                         at_commit();
                         table = apply(edits, std::move(table));
                         ++commits;
                       }};
    };
    world.tracks_connections = [] { return false; };
    world.own_prefixes = [this] {
      if (own_unreadable)
        throw Error("read this machine's addresses: No buffer space available");
      return own;
    };
    world.lock_waited = [] { return 0ms; };
    world.disk.load = [this] {
      if (damaged)
        throw Damaged("read the state: not one JSON object");
      if (unreadable)
        throw Error("open the state: Input/output error");
      return disk;
    };
    world.disk.load_texts = [this](State& state) {
      for (auto& [family, memory] : state.families)
        std::tie(memory.routes, memory.held_routes) = texts[family];
    };
    world.disk.stage_texts = [this](const State& state) {
      if (unstageable)
        throw Error("write the texts: No space left on device");
      for (const auto& [family, memory] : state.families)
        staged[family] = {memory.routes, memory.held_routes};
    };
    world.disk.save = [this](const State& state, bool with_texts) {
      if (unwritable)
        throw Error("write the state: No space left on device");
      ++saves;
      disk = state;
      for (auto& [family, memory] : disk.families) {
        if (with_texts && staged.contains(family)) {
          texts[family] = staged[family];
        } else if (with_texts) {
          texts[family] = {memory.routes, memory.held_routes};
          ++saved_of_their_own;
        }
        memory.routes = memory.held_routes = {};
      }
      if (with_texts)
        staged.clear();
    };
    return world;
  }

  std::size_t rules() const {
    const Chain* chain = kernel.at({Family::ipv4, "filter"}).find("FLOWSPEC");
    return chain == nullptr ? 0 : chain->rules.size();
  }
  Ruleset& filter() { return kernel.at({Family::ipv4, "filter"}); }
};

std::vector<std::string> kinds(const PassOutcome& outcome) {
  std::vector<std::string> result;
  for (const Tampering& found : outcome.tampering)
    result.push_back(found.kind);
  return result;
}

Cause cause_of(Passes& passes) {
  try {
    passes.run(Depth::full, Doing::sync);
  } catch (const PassFailed& failed) {
    return failed.cause();
  }
  FAIL("it did not fail");
  return Cause::kernel;
}

std::string routes_up_to(int last) {
  std::string text;
  for (int number = 1; number <= last; ++number)
    text += fmt::format("[{{\"to\":\"10.0.0.{}/32\"}},{{\"time\":\"00:00:01\"}}]", number);
  return text;
}

std::string forty_routes() {
  return routes_up_to(40);
}

/// IPv4 routes; the text lives as long as the world.
auto giving(const std::string& text) {
  return [&text](const AboutToRead& about_to_read) {
    Shown shown;
    shown.text = text;
    about_to_read(shown);
    shown.routes = read_frr_routes(text, Family::ipv4, {});
    return std::vector<Shown>{shown};
  };
}

} // namespace

TEST_CASE("a pass makes the kernel what FRR says, and the next has nothing to do") {
  FakeWorld fake;
  Passes passes({}, fake.world());
  const PassOutcome first = passes.run(Depth::full, Doing::sync);
  CHECK(fake.rules() == 1);
  CHECK(fake.commits == 1);
  CHECK(first.failures.empty());
  CHECK(first.tampering.empty());
  CHECK(fake.disk.totals.passes_changed == 1);
  CHECK(fake.disk.last_success == 1000);

  fake.now += 2s;
  const PassOutcome second = passes.run(Depth::full, Doing::sync);
  CHECK(fake.commits == 1);
  CHECK(fake.disk.totals.passes_unchanged == 1);
  CHECK(fake.disk.totals.commits.at("filter") == 1);
  CHECK(fake.disk.last_success == 1002);
}

TEST_CASE("a plan changes nothing and remembers nothing") {
  FakeWorld fake;
  const Ruleset before = fake.filter();
  CHECK(Passes({}, fake.world()).run(Depth::full, Doing::plan).pass.changes.at(0).edits.size() == 3);
  CHECK(fake.filter() == before);
  CHECK(fake.saves == 0);
}

TEST_CASE("the cheap look asks for no routes when the summary is the same, and sees tampering all the same") {
  FakeWorld fake;
  Passes passes({}, fake.world());
  passes.run(Depth::full, Doing::sync);
  fake.asked.clear();
  fake.now += 2s;
  PassOutcome outcome = passes.run(Depth::summary, Doing::sync);
  CHECK(fake.asked == std::vector<std::string>{"show bgp ipv4 flowspec summary json",
                                               "show bgp ipv6 flowspec summary json"});
  CHECK_FALSE(outcome.in_full);
  CHECK(outcome.pass.enforced.ipv4 == 1);
  CHECK(fake.rules() == 1);

  fake.filter().find("FLOWSPEC")->rules.clear();
  outcome = passes.run(Depth::summary, Doing::sync);
  CHECK(kinds(outcome) == std::vector<std::string>{"rules-changed"});
  CHECK(fake.rules() == 1);
  CHECK(fake.disk.totals.repairs.at("rules-changed") == 1);

  ++fake.version;
  fake.table4.clear();
  CHECK(passes.run(Depth::summary, Doing::sync).in_full);
  CHECK(fake.rules() == 0);
}

TEST_CASE("while paths of a route ask for different things, the routes are read again for a minute") {
  FakeWorld fake;
  const auto path = [](const std::string& action) {
    return R"([{"to":"10.0.0.1/32"},{"ecomlist":"FS:)" + action + R"("},{"time":"00:00:01"}])";
  };
  const std::string first = path("rate 0.000000 65535:4");
  const auto both = [&](const std::string& second) {
    fake.table4 = first.substr(0, first.size() - 1) + "," + path(second).substr(1);
  };
  both("rate 0.000000 65535:3"); // the change has come by one of them
  Passes passes({}, fake.world());
  CHECK(passes.run(Depth::full, Doing::sync).in_full);
  fake.now += 1s;
  CHECK(passes.run(Depth::summary, Doing::sync).in_full);

  SECTION("until they agree") {
    both("rate 0.000000 65535:4"); // and FRR's table version is the same
    CHECK(passes.run(Depth::summary, Doing::sync).in_full);
    CHECK_FALSE(passes.run(Depth::summary, Doing::sync).in_full);
  }
  SECTION("no longer when they mean it") {
    fake.now += 60s;
    CHECK_FALSE(passes.run(Depth::summary, Doing::sync).in_full);
    fake.now += 1s;
    CHECK_FALSE(passes.run(Depth::summary, Doing::sync).in_full);
    ++fake.version;
    CHECK(passes.run(Depth::summary, Doing::sync).in_full);
    CHECK(passes.run(Depth::summary, Doing::sync).in_full);
  }
}

TEST_CASE("routes that go with their session stay, in another process too") {
  FakeWorld fake;
  Passes({}, fake.world()).run(Depth::full, Doing::sync);
  fake.state4 = "Active";
  fake.dropped = 1;
  fake.table4.clear();
  fake.now += 2s;
  const PassOutcome outcome = Passes({}, fake.world()).run(Depth::full, Doing::sync);
  CHECK(fake.rules() == 1);
  REQUIRE(outcome.holding.size() == 1);
  CHECK(outcome.holding[0].stale == 1);
  CHECK(outcome.pass.held.ipv4 == 1);
  CHECK(fake.commits == 1);

  // And when its place is lost, nothing goes.
  fake.disk = {};
  Passes without({}, fake.world());
  CHECK(cause_of(without) == Cause::refused);
  CHECK(fake.rules() == 1);
  CHECK(fake.disk.totals.failures.at("refused") == 1);
  CHECK_THAT(fake.disk.last_failure, Catch::Contains("192.0.2.1"));
}

TEST_CASE("what fails has a cause, is counted once, and changes nothing") {
  FakeWorld fake;
  Passes passes({}, fake.world());
  passes.run(Depth::full, Doing::sync);
  const Ruleset installed = fake.filter();
  fake.table4 = "[]";
  CHECK(cause_of(passes) == Cause::bad_answer);
  fake.silent4 = true;
  CHECK(cause_of(passes) == Cause::no_answer);
  fake.silent4 = false;
  fake.table4.clear();
  fake.at_open = [] { throw LockHeld("lock /run/xtables.lock: held"); };
  CHECK(cause_of(passes) == Cause::lock);
  fake.at_open = [] {};
  fake.at_commit = [] { throw Error("commit: this kernel lacks match hashlimit"); };
  CHECK(cause_of(passes) == Cause::kernel);
  fake.at_commit = [] { throw std::bad_alloc(); };
  CHECK(cause_of(passes) == Cause::resources);
  CHECK(fake.filter() == installed);
  CHECK(fake.disk.totals.failures ==
        std::map<std::string, std::uint64_t>{
            {"bad-answer", 1}, {"no-answer", 1}, {"lock", 1}, {"kernel", 1}, {"resources", 1}});
  fake.at_commit = [] {};
  const PassOutcome outcome = passes.run(Depth::full, Doing::sync);
  CHECK(outcome.tampering.empty()); // what we were about to do is no tampering
  CHECK(fake.rules() == 0);
}

TEST_CASE("a state that cannot be written or read is said, and the rules are changed all the same") {
  FakeWorld fake;
  fake.unwritable = true;
  Passes passes({}, fake.world());
  const PassOutcome unwritten = passes.run(Depth::full, Doing::sync);
  CHECK(fake.rules() == 1);
  REQUIRE_FALSE(unwritten.failures.empty());
  CHECK((unwritten.failures[0].cause == Cause::state));
  CHECK_FALSE(unwritten.failures[0].family);

  fake.unwritable = false;
  fake.unreadable = true;
  Passes another({}, fake.world());
  CHECK(cause_of(another) == Cause::state); // what cannot be read now is not written over
  CHECK(fake.saves == 0);
  fake.unreadable = false;
  fake.damaged = true;
  const PassOutcome unread = another.run(Depth::full, Doing::sync);
  CHECK(unread.failures.size() == 1);
  fake.damaged = false;
  CHECK(passes.run(Depth::full, Doing::sync).failures.empty());
}

TEST_CASE("a pass that is killed at its commit leaves old rules or new ones; neither is tampering") {
  for (const bool committed : {false, true}) {
    FakeWorld other;
    Passes first({}, other.world());
    first.run(Depth::full, Doing::sync);
    const Ruleset old = other.filter();
    State before_commit;
    other.at_commit = [&] { before_commit = other.disk; };
    other.table4.clear();
    first.run(Depth::full, Doing::sync);
    other.disk = before_commit;
    if (!committed)
      other.filter() = old;
    other.at_commit = [] {};
    CHECK(Passes({}, other.world()).run(Depth::full, Doing::sync).tampering.empty());
    CHECK(other.rules() == 0);
  }
}

TEST_CASE("the order in which the kernel has our chains is no tampering") {
  const Chain one{"FLOWSPEC-T0000000000001", std::nullopt, {Rule()}};
  const Chain two{"FLOWSPEC-T0000000000002", std::nullopt, {}};
  const Chain changed{"FLOWSPEC-T0000000000002", std::nullopt, {Rule()}};
  const auto of = [](std::vector<Chain> chains) {
    return digest({Family::ipv4, "filter", std::move(chains)}, {}, {});
  };
  CHECK(of({one, two}) == of({two, one}));
  CHECK(of({one, two}) != of({one, changed}));
  CHECK(of({one, two}) != of({one}));
}

TEST_CASE("tampering has a kind; what others do with their own rules is none") {
  FakeWorld fake;
  Passes passes({}, fake.world());
  passes.run(Depth::full, Doing::sync);
  const Ruleset clean = fake.filter();
  const auto after = [&](const std::function<void(Ruleset&)>& change) {
    change(fake.filter());
    fake.now += 2s;
    return kinds(passes.run(Depth::summary, Doing::sync));
  };
  const auto forward = [](Ruleset& table) -> RuleList& { return table.find("FORWARD")->rules; };
  using Kinds = std::vector<std::string>;
  CHECK(after([](Ruleset& table) { table.find("FLOWSPEC")->rules.clear(); }) == Kinds{"rules-changed"});
  CHECK(after([&](Ruleset& table) { forward(table).clear(); }) == Kinds{"jump-gone"});
  CHECK(after([&](Ruleset& table) { forward(table).insert(forward(table).begin(), Rule{}); }) ==
        Kinds{"jump-moved"});
  fake.filter() = clean;
  CHECK(after([](Ruleset& table) { table = FakeWorld::empty_filter(); }) == Kinds{"chain-gone", "jump-gone"});
  CHECK(fake.filter() == clean);
  CHECK(after([&](Ruleset& table) { forward(table).push_back(forward(table).front()); }) ==
        Kinds{"jump-moved"});
  CHECK(fake.filter() == clean);

  CHECK(after([&](Ruleset& table) { forward(table).push_back(Rule{}); }).empty());
  CHECK(after([](Ruleset& table) {
          table.chains.push_back({"MINE", std::nullopt, {Hook{"MINE", "FLOWSPEC"}.jump()}});
        }).empty());
  ++fake.version;
  fake.table4.clear();
  CHECK(after([](Ruleset&) {}).empty());
}

TEST_CASE("tampering that a pass met which failed is found by the next one") {
  FakeWorld fake;
  Passes passes({}, fake.world());
  passes.run(Depth::full, Doing::sync);
  fake.filter().find("FLOWSPEC")->rules.clear();
  fake.at_commit = [] { throw Error("commit: no"); };
  CHECK(cause_of(passes) == Cause::kernel);
  fake.at_commit = [] {};
  fake.now += 2s;
  CHECK(kinds(passes.run(Depth::summary, Doing::sync)) == std::vector<std::string>{"rules-changed"});
  fake.now += 2s;
  CHECK(kinds(passes.run(Depth::summary, Doing::sync)).empty());
}

TEST_CASE("a full look that failed afterwards is not forgotten by the cheap one that follows") {
  FakeWorld fake;
  Passes passes({}, fake.world());
  passes.run(Depth::full, Doing::sync);
  fake.table4 += "[{\"to\":\"10.0.0.2/32\"},{\"ecomlist\":\"FS:rate 0.000000\"},{\"time\":\"00:00:01\"}]";
  ++fake.version;
  fake.at_commit = [] { throw Error("commit: no"); };
  CHECK(cause_of(passes) == Cause::kernel);
  fake.at_commit = [] {};
  passes.run(Depth::summary, Doing::sync);
  CHECK(fake.rules() == 2);
  CHECK(fake.texts[Family::ipv4].first == fake.table4);
}

TEST_CASE("a withdrawal that could not be committed is done when it can, whatever session ended meanwhile") {
  FakeWorld fake;
  Passes passes({}, fake.world());
  passes.run(Depth::full, Doing::sync);
  fake.table4.clear();
  ++fake.version;
  fake.at_commit = [] { throw Error("commit: no"); };
  CHECK(cause_of(passes) == Cause::kernel);
  fake.at_commit = [] {};
  fake.state4 = "Active";
  fake.dropped = 1;
  fake.now += 2s;
  CHECK(Passes({}, fake.world()).run(Depth::full, Doing::sync).failures.empty()); // held, and not refused
  CHECK(fake.rules() == 1);
}

TEST_CASE("rules of ours that somebody restored from an old copy go, although a peer is away") {
  FakeWorld fake;
  Passes passes({}, fake.world());
  passes.run(Depth::full, Doing::sync);
  const Ruleset old = fake.filter();
  fake.table4 = "[{\"to\":\"10.0.0.2/32\"},{\"ecomlist\":\"FS:rate 0.000000\"},{\"time\":\"00:00:01\"}]";
  ++fake.version;
  fake.now += 60s;
  passes.run(Depth::full, Doing::sync);
  const Ruleset right = fake.filter();
  fake.state4 = "Active";
  fake.dropped = 1;
  fake.now += 60s;
  passes.run(Depth::full, Doing::sync);
  fake.filter() = old;
  const PassOutcome outcome = passes.run(GENERATE(Depth::summary, Depth::full), Doing::sync);
  CHECK(outcome.failures.empty());
  CHECK(kinds(outcome) == std::vector<std::string>{"rules-changed"});
  CHECK(fake.filter() == right);
}

TEST_CASE("rules of ours that somebody restored go at once, however many, when every peer is there") {
  FakeWorld fake;
  fake.table4 = forty_routes();
  Passes passes({}, fake.world());
  passes.run(Depth::full, Doing::sync);
  const Ruleset old = fake.filter();
  Options options;
  options.hold.max_withdraw = 1; // they are withdrawn, and nobody looks twice
  fake.table4 = routes_up_to(2);
  ++fake.version;
  fake.now += 60s;
  Passes(options, fake.world()).run(Depth::full, Doing::sync);
  const Ruleset right = fake.filter();
  fake.filter() = old;
  fake.now += 60s;
  CHECK(kinds(passes.run(Depth::full, Doing::sync)) == std::vector<std::string>{"rules-changed"});
  CHECK(fake.filter() == right);
}

TEST_CASE("rules that a full disk knows nothing of are nobody else's when the session of their peer ends") {
  FakeWorld fake;
  fake.table4 = routes_up_to(3);
  Passes({}, fake.world()).run(Depth::full, Doing::sync);
  fake.unwritable = true;
  fake.table4 = routes_up_to(11);
  ++fake.version;
  fake.now += 60s;
  Passes({}, fake.world()).run(Depth::full, Doing::sync);
  REQUIRE(fake.rules() == 11);

  fake.unwritable = GENERATE(false, true);
  fake.state4 = "Active";
  fake.dropped = 1;
  fake.table4.clear();
  ++fake.version;
  for (int look = 0; look < 3; ++look) { // each by a process of its own
    fake.now += 60s;
    Passes passes({}, fake.world());
    CHECK(cause_of(passes) == Cause::refused);
    CHECK(fake.rules() == 11);
    if (!fake.unwritable)
      CHECK_THAT(fake.disk.last_failure, Catch::Contains("8 of 11 installed ipv4 routes"));
  }
  fake.unwritable = false;
  fake.state4 = "Established";
  fake.table4 = routes_up_to(11);
  fake.now += 60s;
  CHECK(Passes({}, fake.world()).run(Depth::full, Doing::sync).failures.empty());
  CHECK(fake.rules() == 11);
}

TEST_CASE("routes that the operator gives need no FRR and no second look") {
  FakeWorld fake;
  PassWorld world = fake.world();
  std::string text = forty_routes();
  world.given = giving(text);
  Passes passes({}, world);
  passes.run(Depth::full, Doing::sync);
  CHECK(fake.rules() == 40);
  CHECK(fake.asked.empty());
  text.clear();
  const PassOutcome outcome = passes.run(Depth::full, Doing::sync);
  CHECK(fake.rules() == 0);
  CHECK(outcome.holding.empty());
}

TEST_CASE("what is known of routes that are not given anew stays known") {
  FakeWorld fake;
  const std::string known6 = R"([{"to":"2001:db8::1/128"},{"time":"00:00:01"}])";
  for (const Family family : {Family::ipv4, Family::ipv6})
    fake.disk.families[family].source = "before";
  fake.texts[Family::ipv4] = {R"([{"to":"10.9.9.9/32"},{"time":"00:00:01"}])", ""};
  fake.texts[Family::ipv6] = {known6, ""};
  const auto before = fake.texts;
  PassWorld world = fake.world();
  const std::string text = forty_routes();
  world.given = giving(text);
  SECTION("those of the other family") {
    Passes({}, world).run(Depth::full, Doing::sync);
    CHECK(fake.texts[Family::ipv4].first == text);
    CHECK(fake.texts[Family::ipv6].first == known6);
  }
  SECTION("those of a family for which too many are given") {
    Options options;
    options.hold.max_routes = 39;
    if (GENERATE(false, true))
      fake.disk.families.erase(Family::ipv6);
    Passes passes(options, world);
    CHECK(cause_of(passes) == Cause::refused);
    CHECK(fake.texts == before);
  }
}

TEST_CASE("a state that is saved after all is what the next pass begins with") {
  FakeWorld fake;
  fake.unwritable = true;
  fake.at_commit = [&] { fake.unwritable = false; };
  Passes passes({}, fake.world());
  CHECK(passes.run(Depth::full, Doing::sync).failures.size() == 1);
  fake.now += 2s;
  CHECK(passes.run(Depth::full, Doing::sync).failures.empty());
  CHECK(fake.disk.totals.passes_changed == 1);
  CHECK(fake.disk.totals.passes_unchanged == 1);
}

TEST_CASE("texts are written before the commit, and are in place behind it") {
  FakeWorld fake;
  PassWorld world = fake.world();
  std::string text = forty_routes();
  if (GENERATE(false, true))
    world.given = giving(text);
  else
    fake.table4 = text;
  Options options;
  options.command = Command::sync;
  fake.disk.families[Family::ipv4].source = "before";
  fake.texts[Family::ipv4] = {R"([{"to":"10.9.9.9/32"},{"time":"00:00:01"}])", ""};
  const auto before = fake.texts;
  const auto after = [&] { return decltype(fake.texts){{Family::ipv4, {text, ""}}}; };

  SECTION("when all goes well") {
    fake.at_commit = [&] {
      CHECK(fake.staged == after());
      CHECK(fake.texts == before);
    };
    Passes passes(options, world);
    for (const char* look : {"first", "second"}) { // which finds what the first has not kept
      CAPTURE(look);
      const PassOutcome outcome = passes.run(Depth::full, Doing::sync);
      CHECK(outcome.pass.enforced.ipv4 == 40);
      CHECK(fake.rules() == 40);
      CHECK(fake.commits == 1);
      CHECK(fake.texts == after());
      CHECK(fake.saved_of_their_own == 0);
      fake.now += 10s;
    }
  }
  SECTION("when they cannot be written then: later") {
    fake.unstageable = true;
    Passes(options, world).run(Depth::full, Doing::sync);
    CHECK(fake.texts == after());
    CHECK(fake.saved_of_their_own > 0);
  }
  SECTION("not when the commit fails") {
    fake.at_commit = [] { throw Error("commit filter: the kernel refused one of the new rules"); };
    Passes passes(options, world);
    CHECK(cause_of(passes) == Cause::kernel);
    CHECK(fake.texts == before);
  }
  SECTION("when the disk is full by then: the next pass begins with what is there") {
    fake.at_commit = [&] { fake.unwritable = true; };
    Passes passes(options, world);
    CHECK(passes.run(Depth::full, Doing::sync).failures.size() == 1);
    CHECK(fake.texts == before);
    CHECK(fake.disk.families.at(Family::ipv4).source == "before");
    fake.unwritable = false;
    fake.now += 2s;
    CHECK(passes.run(Depth::full, Doing::sync).failures.empty());
    CHECK(fake.commits == 1);
    CHECK(fake.texts == after());
    CHECK(fake.disk.totals.passes_unchanged == 1);
  }
  SECTION("a daemon keeps what it has for its next look") {
    options.command = Command::run;
    Passes(options, world).run(Depth::full, Doing::sync);
    CHECK(fake.staged.empty());
    CHECK(fake.texts == after());
  }
}

TEST_CASE("protected packets leave our chains before any entry") {
  FakeWorld fake;
  Options options;
  options.compile.protect = {*parse_prefix("10.255.0.0/16"), *parse_prefix("2001:db8::/32")};
  Passes(options, fake.world()).run(Depth::full, Doing::sync);
  const RuleList& rules = fake.filter().find("FLOWSPEC")->rules;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].destination == parse_prefix("10.255.0.0/16"));
  CHECK(rules[1].source == parse_prefix("10.255.0.0/16"));
  CHECK(rules[0].target == Target(Verdict::return_));
  CHECK(installed_ids(fake.filter(), options.ours).size() == 1);
}

TEST_CASE("a policy decides which routes are installed, and how") {
  FakeWorld fake;
  const auto with = [&](const std::string& document) {
    Options options;
    options.policy = std::make_shared<Policy>(parse_policy(document, "p.json", nullptr));
    return Passes(options, fake.world()).run(Depth::full, Doing::sync);
  };
  CHECK(with(R"({"default": "accept"})").pass.aside.empty());
  CHECK(fake.rules() == 1);
  const PassOutcome rejected = with(R"({"default": "reject"})");
  CHECK(fake.rules() == 0);
  REQUIRE(rejected.pass.aside.size() == 1);
  CHECK(rejected.pass.aside.front().reason == Reason::rejected_by_policy);
  CHECK(rejected.state.gauges.at("flowspec_policy_rejected_routes{term=\"default\"}") == 1);
  CHECK(rejected.state.gauges.at("flowspec_routes_set_aside{reason=\"rejected-by-policy\"}") == 1);
  with(R"({"terms": [{"name": "open", "then": {"delete": ["rate"]}}], "default": "accept"})");
  CHECK(fake.filter().find("FLOWSPEC")->rules.front().target == Target(Verdict::accept));
}

TEST_CASE("a policy's protection reaches packets before any entry") {
  FakeWorld fake;
  Options options;
  options.compile.protections = {{parse_prefix("10.0.0.1/32"), std::nullopt, std::nullopt}};
  Passes(options, fake.world()).run(Depth::full, Doing::sync);
  const Rule& first = fake.filter().find("FLOWSPEC")->rules.front();
  CHECK(first.destination == parse_prefix("10.0.0.1/32"));
  CHECK(first.target == Target(Verdict::return_));
}

TEST_CASE("with a local scope the rules follow this machine's prefixes from look to look") {
  FakeWorld fake;
  Options options;
  options.local_scope = true;
  Passes passes(options, fake.world());
  passes.run(Depth::full, Doing::sync);
  CHECK(fake.rules() == 1);
  fake.own = {*parse_prefix("192.0.2.0/24")};
  const PassOutcome moved = passes.run(Depth::summary, Doing::sync);
  CHECK_FALSE(moved.in_full);
  CHECK(fake.rules() == 0);
  REQUIRE(moved.pass.aside.size() == 1);
  CHECK(moved.pass.aside.front().reason == Reason::not_local);
  fake.own = {*parse_prefix("10.0.0.1/32")};
  passes.run(Depth::summary, Doing::sync);
  CHECK(fake.rules() == 1);
}

TEST_CASE("a machine of which nothing is known keeps its rules") {
  FakeWorld fake;
  Options options;
  options.local_scope = true;
  Passes passes(options, fake.world());
  passes.run(Depth::full, Doing::sync);
  fake.own_unreadable = true;
  CHECK(cause_of(passes) == Cause::kernel);
  fake.own_unreadable = false;
  fake.own = {};
  CHECK(cause_of(passes) == Cause::refused);
  CHECK(fake.rules() == 1);
  options.scope_prefixes = {*parse_prefix("10.0.0.0/8")}; // nobody is asked
  Passes(options, fake.world()).run(Depth::full, Doing::sync);
  CHECK(fake.rules() == 1);
}

namespace {

/// Two external peers of which one alone announces at a time, and whose unicast route is always the first's.
struct Rivals {
  FakeWorld fake;
  bool first_is_up = true;
  std::string shown;

  static std::string route(const char* destination, const char* rate) {
    return fmt::format(R"([{{"to":"{}"}},{{"ecomlist":"FS:rate {}"}},{{"time":"00:00:01"}}])", destination,
                       rate);
  }

  std::string peers(std::size_t received) const {
    const auto peer = [&](const char* address, int as, bool up, std::size_t prefixes) {
      return fmt::format(
          R"("{}":{{"remoteAs":{},"localAs":65001,"state":"{}","pfxRcd":{},"peerUptimeMsec":{},)"
          R"("connectionsEstablished":1,"connectionsDropped":{}}})",
          address, as, up ? "Established" : "Active", prefixes, up ? 900000 : 60000, up ? 0 : 1);
    };
    return fmt::format(R"({{"tableVersion":{},"as":65001,"peers":{{{},{}}}}})", fake.version,
                       peer("192.0.2.1", 65002, first_is_up, first_is_up ? received : 0),
                       peer("192.0.2.2", 65003, true, first_is_up ? 0 : received));
  }

  std::string answer(const std::string& command) {
    const std::size_t routes = static_cast<std::size_t>(std::count(shown.begin(), shown.end(), '['));
    if (command.find("ipv6") != std::string::npos)
      return "{}";
    if (command.find("unicast summary") != std::string::npos)
      return peers(1);
    if (command.find("unicast") != std::string::npos)
      return fmt::format(R"({{"tableVersion":{},"routes":{{"10.0.0.0/16":[{{"valid":true,"bestpath":true,)"
                         R"("peerId":"192.0.2.1","path":"65002"}}]}}}})",
                         fake.version);
    if (command.find("summary") != std::string::npos)
      return peers(routes);
    if (command.find("neighbors") != std::string::npos)
      return "{}";
    return shown;
  }

  PassOutcome pass() {
    PassWorld world = fake.world();
    world.ask = [this](const std::string& command) { return answer(command); };
    Options options;
    options.validate = Validate::rfc8955;
    ++fake.version;
    fake.now += 1min;
    return Passes(options, world).run(Depth::full, Doing::sync);
  }

  /// "10.0.1.0/24 drops", in the order of the rules.
  std::string verdicts() {
    std::string text;
    for (const Rule& rule : fake.filter().find("FLOWSPEC")->rules)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(rule.destination.value()),
                          rule.target == Target(Verdict::drop) ? "drops" : "accepts");
    return text;
  }
};

} // namespace

TEST_CASE("a route that is not feasible does not come in under the name of one that is held") {
  Rivals rivals;
  rivals.shown = Rivals::route("10.0.1.0/24", "0.000000") + Rivals::route("10.0.2.0/24", "0.000000");
  REQUIRE(rivals.pass().pass.aside.empty());
  const std::string before = rivals.verdicts();
  REQUIRE(before == "10.0.1.0/24 drops, 10.0.2.0/24 drops");

  rivals.first_is_up = false; // and the other announces one of its matches at once, to let the packets pass
  rivals.shown = R"([{"to":"10.0.1.0/24"},{"time":"00:00:01"}])" + Rivals::route("10.0.3.0/24", "0.000000");
  for (int look = 0; look < 3; ++look) {
    const PassOutcome outcome = rivals.pass();
    CHECK(rivals.verdicts() == before);
    REQUIRE(outcome.holding.size() == 1);
    CHECK(outcome.holding.front().stale == 2);
    REQUIRE(outcome.pass.aside.size() == 1);
    CHECK(outcome.pass.aside.front().subject == "dst 10.0.3.0/24");
    CHECK(outcome.pass.aside.front().reason == Reason::not_feasible);
  }
  rivals.first_is_up = true; // it is back, and asks for less
  rivals.shown = Rivals::route("10.0.2.0/24", "0.000000");
  CHECK(rivals.pass().pass.aside.empty());
  CHECK(rivals.verdicts() == "10.0.2.0/24 drops");
}

TEST_CASE("what becomes feasible while others are held comes in, and what was not is never held") {
  Rivals rivals;
  rivals.shown = Rivals::route("10.0.1.0/24", "0.000000") + Rivals::route("192.0.2.0/24", "0.000000");
  REQUIRE(rivals.pass().pass.aside.size() == 1);
  CHECK(rivals.verdicts() == "10.0.1.0/24 drops");
  rivals.first_is_up = false;
  rivals.shown = "";
  const PassOutcome outcome = rivals.pass();
  CHECK(rivals.verdicts() == "10.0.1.0/24 drops");
  REQUIRE(outcome.holding.size() == 1);
  CHECK(outcome.holding.front().stale == 1);
}
