// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/pass_events.hpp"
#include "injector/status_sentence.hpp"
#include "injector/words.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t some_day = 1'795'356'131; // 2026-11-22 14:02:11 UTC

/// `routes` routes in two rules each, of which `added` came now.
PassOutcome outcome(std::size_t routes, std::size_t added = 0) {
  PassOutcome result;
  result.pass.enforced.ipv4 = routes;
  result.pass.tables.push_back({Family::ipv4, "filter", {{"FLOWSPEC", std::nullopt, {}}}, {}});
  result.pass.tables[0].chains[0].rules = std::vector<Rule>(2 * routes);
  Changes changes{{Family::ipv4, "filter", {}}, {Family::ipv4, "filter", {}}, {}};
  for (std::size_t index = 0; index < added; ++index)
    changes.edits.emplace_back(InsertRule{"FLOWSPEC", index, {}});
  result.pass.changes.push_back(changes);
  result.state.last_pass = some_day;
  return result;
}

/// "warning tampering: MESSAGE", a line each, without debug.
std::string lines(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events)
    if (event.level != Level::debug)
      text += std::string(name(event.level)) + " " + event.name + ": " + event.message + "\n";
  return text;
}

/// After a first pass, which has lines of its own.
PassEvents begun() {
  PassEvents events;
  events.of(outcome(2), 0s);
  return events;
}

} // namespace

TEST_CASE("the first pass is news, one that changes something too, any other is not") {
  PassEvents events;
  CHECK(lines(events.of(outcome(3, 2), 1s)) ==
        "notice ready: the first pass is done: 3 routes in 6 rules\n"
        "info changed: filter: 2 rules added, 0 removed; now 3 routes in 6 rules\n");
  const auto unchanged = events.of(outcome(3), 2s);
  REQUIRE(unchanged.size() == 1);
  CHECK(unchanged[0].name == "unchanged");
  CHECK(unchanged[0].level == Level::debug);
}

TEST_CASE("each table that changed has a line") {
  PassEvents events = begun();
  PassOutcome both = outcome(1, 1);
  Changes changes{{Family::ipv6, "mangle", {}}, {Family::ipv6, "mangle", {}}, {}};
  changes.edits.emplace_back(DeleteRule{"FLOWSPEC", 0, {}});
  both.pass.changes.push_back(changes);
  CHECK(lines(events.of(both, 1s)) ==
        "info changed: filter: 1 rule added, 0 removed; now 1 route in 2 rules\n"
        "info changed: IPv6 mangle: 0 rules added, 1 removed; now 1 route in 2 rules\n");
}

TEST_CASE("tampering has a line each time, with what was put back") {
  PassEvents events = begun();
  PassOutcome tampered = outcome(2, 1);
  tampered.tampering.push_back(
      {Family::ipv4, "filter", "jump-gone", "the jump from FORWARD to FLOWSPEC was gone"});
  const std::string line =
      "warning tampering: filter: the jump from FORWARD to FLOWSPEC was gone; put back: 1 rule "
      "added, 0 removed\n";
  const auto said = events.of(tampered, 1s);
  CHECK(lines(said).find(line) == 0);
  CHECK(said[0].fields ==
        decltype(said[0].fields){{"kind", "jump-gone"}, {"family", "ipv4"}, {"table", "filter"}});
  CHECK(lines(events.of(outcome(2), 2s)).empty());
  CHECK(lines(events.of(tampered, 3s)).find(line) == 0);
}

TEST_CASE("somebody who tampers all the time does not fill the log, and is counted") {
  PassEvents events = begun();
  PassOutcome tampered = outcome(2);
  tampered.tampering.push_back({Family::ipv6, "filter", "rules-changed", "x"});
  std::string text;
  for (Instant now = 1s; now < 31s; now += 1s)
    text += lines(events.of(tampered, now));
  CHECK(std::count(text.begin(), text.end(), '\n') == 10);
  CHECK(text.find("warning tampering: IPv6 filter: x; nothing had to be put back\n") == 0);
  CHECK(lines(events.of(outcome(2), 60s)).empty());
  CHECK(lines(events.of(outcome(2), 61s)) ==
        "warning tampering: 20 more that had no line of their own, so many they were\n");
  CHECK(lines(events.of(outcome(2), 200s)).empty());
}

TEST_CASE("what is held is said when it becomes another") {
  PassEvents events = begun();
  const auto with = [](std::vector<Holding> holding) {
    PassOutcome result = outcome(2);
    result.holding = std::move(holding);
    return result;
  };
  CHECK(lines(events.of(with({{Family::ipv4, 3, 0, {"192.0.2.1 (Active)"}}}), 1s)) ==
        "warning held: IPv4: 3 routes held for 192.0.2.1\n");
  // BGP tries all the time; that is no news.
  CHECK(lines(events.of(with({{Family::ipv4, 3, 0, {"192.0.2.1 (Connect)"}}}), 2s)).empty());
  CHECK(lines(events.of(with({{Family::ipv4, 3, 0, {"192.0.2.2 (Idle)", "192.0.2.1 (Active)"}}}), 3s)) ==
        "warning held: IPv4: 3 routes held for 192.0.2.1, 192.0.2.2\n");
  CHECK(lines(events.of(with({{Family::ipv4, 1, 40, {"192.0.2.1 (Active)"}}}), 4s)) ==
        "warning held: IPv4: 1 route held for 192.0.2.1\n"
        "warning unconfirmed: IPv4: 40 routes withdrawn at once; what is installed stays until a second "
        "look\n");
  CHECK(lines(events.of(with({{Family::ipv4, 1, 40, {"192.0.2.1 (Active)"}}}), 5s)).empty());
  CHECK(lines(events.of(with({{Family::ipv6, 2, 0, {"2001:db8::1 (removed)"}}}), 6s)) ==
        "notice released: IPv4: 1 route held no more\nwarning held: IPv6: 2 routes held for 2001:db8::1\n");
  CHECK(lines(events.of(outcome(2), 7s)) == "notice released: IPv6: 2 routes held no more\n");
  CHECK(lines(events.of(outcome(2), 8s)).empty());
}

TEST_CASE("rejected routes are said when they become others") {
  PassEvents events = begun();
  PassOutcome some = outcome(2);
  some.pass.rejected = {
      {"a", Reason::never_matches, "1"}, {"b", Reason::duplicate, "2"}, {"c", Reason::duplicate, "3"}};
  const auto first = events.of(some, 1s);
  CHECK(lines(first) == "info rejected: 3 routes rejected: 2 duplicate, 1 never-matches\n");
  REQUIRE(first.size() == 5); // with "unchanged"
  CHECK(first[2].message == "a: never-matches: 1");
  std::swap(some.pass.rejected[0], some.pass.rejected[2]); // the order is FRR's
  CHECK(lines(events.of(some, 2s)).empty());
  some.pass.rejected[1].subject = "d";
  const auto other = events.of(some, 3s);
  CHECK(lines(other) == "info rejected: 3 routes rejected: 2 duplicate, 1 never-matches\n");
  REQUIRE(other.size() == 3); // only what is new has a line of its own
  CHECK(other[2].message == "d: duplicate: 2");
  CHECK(lines(events.of(outcome(2), 4s)) == "info rejected: no route is rejected any more\n");
}

TEST_CASE("very many rejected routes have few lines") {
  PassEvents events = begun();
  PassOutcome many = outcome(2);
  for (int number = 0; number < 100'000; ++number)
    many.pass.rejected.push_back({std::to_string(number), Reason::duplicate, ""});
  CHECK(events.of(many, 1s).size() == 22);
}

TEST_CASE("how the daemon fares, in a sentence") {
  StatusSentence status;
  CHECK(status.failed(Cause::no_answer, "no answer within 10 s", 5s) ==
        "FRR cannot be asked since the start: no answer within 10 s; the rules stay");
  CHECK(status.succeeded(outcome(12), 10s) == "12 routes in 24 rules");
  PassOutcome more = outcome(12, 1);
  more.pass.rejected = {{"a", Reason::duplicate, ""}};
  more.holding = {{Family::ipv4, 2, 0, {"192.0.2.1 (Active)"}},
                  {Family::ipv6, 1, 40, {"192.0.2.1 (Active)"}}};
  more.failures = {{Family::ipv6, Cause::bad_answer, "line\nbreak\xff"}};
  const std::string sentence =
      "12 routes in 24 rules, 1 rejected, 3 held for 192.0.2.1 (Active), 40 withdrawn and waiting for a "
      "second look; IPv6: line\\x0abreak\\xff";
  CHECK(status.succeeded(more, 20s) == sentence + "; last change 2026-11-22 14:02:11 UTC");
  more.pass.changes.clear();
  more.state.last_pass += 3600;
  CHECK(status.succeeded(more, 3620s) == sentence + "; last change 2026-11-22 14:02:11 UTC");
  CHECK(status.failed(Cause::kernel, "why", 3680s) ==
        "the rules cannot be brought up to date since 2026-11-22 15:03:11 UTC: why; 12 routes in 24 rules "
        "stay");
}

TEST_CASE("no sentence is longer than a service manager takes") {
  StatusSentence status;
  PassOutcome bad = outcome(1);
  bad.failures.assign(50, {std::nullopt, Cause::state, std::string(100'000, '\n')});
  bad.holding = {{Family::ipv4, 1, 0, std::vector<std::string>(10'000, "192.0.2.1")}};
  CHECK(status.succeeded(bad, 1s).size() <= 2000);
  CHECK(status.failed(std::nullopt, std::string(100'000, '\x01'), 1s).size() <= 2000);
}

TEST_CASE("numbers in words") {
  CHECK(counted(0, "route") == "0 routes");
  CHECK(counted(1, "route") == "1 route");
  struct Row {
    std::chrono::milliseconds time;
    const char* words;
  };
  for (const Row& row :
       {Row{-5ms, "0 ms"}, Row{0ms, "0 ms"}, Row{350ms, "350 ms"}, Row{2s, "2 s"}, Row{59'999ms, "59 s"},
        Row{60s, "1 min"}, Row{192s, "3 min 12 s"}, Row{2h + 5min + 7s, "2 h 5 min"}, Row{2h + 7s, "2 h"},
        Row{76h, "3 d 4 h"}, Row{24'000h, "1000 d"}})
    CHECK(in_words(row.time) == row.words);
  CHECK(moment(0) == "1970-01-01 00:00:00 UTC");
  CHECK(moment(some_day) == "2026-11-22 14:02:11 UTC");
  CHECK(moment(-5) == "1970-01-01 00:00:00 UTC");
  CHECK(moment(INT64_MAX) == "9999-12-31 00:00:00 UTC");
}
