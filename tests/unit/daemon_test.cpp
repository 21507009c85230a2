// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/daemon.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <new>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = 1000s;

PassOutcome good() {
  PassOutcome outcome;
  outcome.pass.enforced.ipv4 = 12;
  return outcome;
}

/// A world with a clock of its own, in which people want things at set times, and everything can be told to
/// fail. Times are given and recorded from the start.
struct FakeWorld {
  struct Look {
    std::chrono::milliseconds at;
    Depth depth;
    bool operator==(const Look&) const = default;
  };

  RunOptions options;
  std::chrono::milliseconds pass_takes{10};
  std::function<PassOutcome()> pass = good;
  std::function<RunOptions()> reload = [this] { return options; };
  std::function<void()> flush = [] {};
  std::function<void(const std::string&)> hears = [](const std::string&) {};
  std::function<void()> writes_log = [] {};
  std::function<void()> writes_metrics = [] {};
  std::optional<std::chrono::milliseconds> longest_wait; ///< the watchdog's

  Instant now = start;
  std::deque<std::pair<std::chrono::milliseconds, Wake>> wishes;
  std::vector<Look> passes;
  std::vector<Event> events;
  std::vector<std::string> notes; ///< without WATCHDOG=1
  std::vector<Instant> alive;     ///< when that was said
  int passes_told_good = 0;
  int passes_told_bad = 0;

  std::chrono::milliseconds elapsed() const { return now - start; }

  Wake wait(Instant deadline) {
    const Instant until = std::max(now, longest_wait ? std::min(deadline, now + *longest_wait) : deadline);
    if (wishes.empty() || start + wishes.front().first > until) {
      now = until;
      return Wake::time;
    }
    const auto [at, wake] = wishes.front();
    wishes.pop_front();
    now = std::max(now, start + at);
    return wake;
  }

  int run_until(std::chrono::milliseconds end) {
    wishes.emplace_back(end, Wake::stop);
    return run_daemon(options, {.now = [this] { return now; },
                                .wait = [this](Instant deadline) { return wait(deadline); },
                                .pass =
                                    [this](Depth depth) {
                                      passes.push_back({elapsed(), depth});
                                      now += pass_takes;
                                      PassOutcome outcome = pass();
                                      outcome.in_full = depth == Depth::full;
                                      return outcome;
                                    },
                                .reload = [this] { return reload(); },
                                .flush = [this] { flush(); },
                                .log =
                                    [this](const Event& event) {
                                      writes_log();
                                      events.push_back(event);
                                    },
                                .notify =
                                    [this](const std::string& lines) {
                                      hears(lines);
                                      if (lines == "WATCHDOG=1")
                                        alive.push_back(now);
                                      else
                                        notes.push_back(lines);
                                    },
                                .after_pass =
                                    [this](const PassOutcome* outcome) {
                                      ++(outcome == nullptr ? passes_told_bad : passes_told_good);
                                      writes_metrics();
                                    }});
  }

  std::vector<std::chrono::milliseconds> pass_times() const {
    std::vector<std::chrono::milliseconds> times;
    for (const Look& look : passes)
      times.push_back(look.at);
    return times;
  }
  /// The messages of the events of this name.
  std::vector<std::string> said(const std::string& name) const {
    std::vector<std::string> messages;
    for (const Event& event : events)
      if (event.name == name)
        messages.push_back(event.message);
    return messages;
  }
};

using Strings = std::vector<std::string>;
using Times = std::vector<std::chrono::milliseconds>;

/// A pass that fails until `end`, and is good from then on.
std::function<PassOutcome()> failing_until(const FakeWorld& world, std::chrono::milliseconds end) {
  return [&world, end] {
    if (world.elapsed() < end)
      throw PassFailed(Cause::no_answer, "ask FRR: no answer");
    return good();
  };
}

} // namespace

TEST_CASE("a pass every interval, in full at the start and every full interval") {
  FakeWorld world;
  world.options.full_interval = 6s;
  CHECK(world.run_until(13s) == 0);
  CHECK(world.passes == std::vector<FakeWorld::Look>{{0s, Depth::full},
                                                     {2s, Depth::summary},
                                                     {4s, Depth::summary},
                                                     {6s, Depth::full},
                                                     {8s, Depth::summary},
                                                     {10s, Depth::summary},
                                                     {12s, Depth::full}});
  CHECK(world.passes_told_good == 7);
}

TEST_CASE("passes that change nothing take no more than a fifth of the time") {
  FakeWorld world;
  world.pass_takes = 3s;
  world.run_until(100s);
  CHECK(world.passes.size() == 7);
}

TEST_CASE("a stop comes after the pass in hand, and the rules stay") {
  FakeWorld world;
  world.pass_takes = 5s;
  world.flush = [] { FAIL("nobody asked for that"); };
  CHECK(world.run_until(2s) == 0);
  CHECK(world.passes.size() == 1);
  CHECK(world.elapsed() == 5s);
  CHECK(world.passes_told_good == 1);
  CHECK(world.notes.back() == "STOPPING=1");
  CHECK(world.said("stopped") == Strings{"12 routes in 0 rules stay"});
}

TEST_CASE("a stop that is there at the start, and a second one, are fine") {
  FakeWorld world;
  world.wishes.emplace_back(0s, Wake::stop);
  CHECK(world.run_until(0s) == 0);
  CHECK(world.passes.empty());
  CHECK(world.notes == Strings{"STOPPING=1"});
  CHECK(world.said("stopped") == Strings{"the rules stay"});
}

TEST_CASE("what is ours goes at the end when that is asked for") {
  FakeWorld world;
  world.options.flush_on_exit = true;
  int flushed = 0;
  SECTION("and it can") {
    world.flush = [&] { ++flushed; };
    CHECK(world.run_until(1s) == 0);
    CHECK(flushed == 1);
    CHECK(world.said("stopped") == Strings{"what was ours is removed"});
  }
  SECTION("and it cannot") {
    world.flush = [] { throw Error("take the lock /run/xtables.lock: held by somebody else"); };
    CHECK(world.run_until(1s) == 1);
    CHECK(world.said("stopped").empty());
    CHECK(world.said("flush-failed") ==
          Strings{"take the lock /run/xtables.lock: held by somebody else; 12 routes "
                  "in 0 rules stay as they are"});
  }
}

TEST_CASE("failures back off, are one line, and what comes after them too") {
  FakeWorld world;
  world.pass = failing_until(world, 20s);
  world.pass_takes = 0ms;
  world.run_until(33s);
  CHECK(world.pass_times() == Times{0s, 2s, 6s, 14s, 30s, 32s});
  CHECK(world.passes[4].depth == Depth::full); // none had succeeded
  CHECK(world.passes[5].depth == Depth::summary);
  CHECK(world.said("failed") == Strings{"ask FRR: no answer; the rules stay as they are"});
  CHECK(world.said("recovered") ==
        Strings{"passes succeed again after 30 s and 4 failures; the last: ask FRR: no answer"});
  CHECK(world.passes_told_bad == 4);
  CHECK(world.passes_told_good == 2);
}

TEST_CASE("back-off ends at its bound") {
  FakeWorld world;
  world.options.longest_back_off = 5s;
  world.pass_takes = 0ms;
  world.pass = failing_until(world, 1h);
  world.run_until(22s);
  CHECK(world.pass_times() == Times{0s, 2s, 6s, 11s, 16s, 21s});
}

TEST_CASE("nothing that a pass throws ends the daemon") {
  FakeWorld world;
  int failures = 0;
  world.pass = [&]() -> PassOutcome {
    switch (++failures) {
    case 1:
      throw PassFailed(Cause::kernel, "read table filter: Permission denied");
    case 2:
      throw std::bad_alloc();
    case 3:
      throw Error("not foreseen");
    case 4:
      throw std::out_of_range("a mistake of ours");
    default:
      return good();
    }
  };
  CHECK(world.run_until(100s) == 0);
  CHECK(world.passes_told_bad == 4);
  CHECK(world.passes_told_good > 0);
  const Strings said = world.said("failed");
  REQUIRE(said.size() == 4);
  CHECK(said[1].find("a pass: out of memory; the rules stay as they are") == 0);
  CHECK(said[3].find("a mistake of ours; the rules stay as they are") == 0);
  CHECK(world.said("recovered").size() == 1);
}

TEST_CASE("nothing that is only said ends the daemon") {
  FakeWorld world;
  const auto fail = GENERATE(0, 1, 2, 3);
  const auto trouble = [] { throw std::bad_alloc(); };
  if (fail == 0)
    world.writes_log = trouble;
  if (fail == 1)
    world.hears = [&](const std::string&) { throw Error("tell the service manager: Connection refused"); };
  if (fail == 2)
    world.writes_metrics = [] { throw Error("write /x: No space left on device"); };
  if (fail == 3)
    world.writes_log = world.writes_metrics = trouble;
  CHECK(world.run_until(59s) == 0);
  CHECK(world.passes.size() == 30);
  if (fail == 1)
    CHECK(world.said("failed") == Strings{"tell the service manager: Connection refused"});
  if (fail == 2)
    CHECK(world.said("failed") == Strings{"write /x: No space left on device"});
}

TEST_CASE("a poll that is asked for is in full, at once, and does not wait for back-off to end") {
  FakeWorld world;
  world.pass_takes = 0ms;
  SECTION("while all is well") {
    world.wishes.emplace_back(3s, Wake::poll_now);
    world.run_until(6s);
    CHECK(world.passes ==
          std::vector<FakeWorld::Look>{
              {0s, Depth::full}, {2s, Depth::summary}, {3s, Depth::full}, {5s, Depth::summary}});
  }
  SECTION("in back-off") {
    world.pass = failing_until(world, 15s);
    world.wishes.emplace_back(20s, Wake::poll_now);
    world.run_until(21s);
    CHECK(world.pass_times() == Times{0s, 2s, 6s, 14s, 20s});
    CHECK(world.said("recovered").size() == 1);
  }
}

TEST_CASE("a pass that wants to look again soon does") {
  FakeWorld world;
  world.pass_takes = 0ms;
  world.pass = [&] {
    PassOutcome outcome = good();
    if (world.elapsed() < 1s)
      outcome.look_again = world.now + 500ms;
    return outcome;
  };
  world.run_until(4s);
  CHECK(world.pass_times() == Times{0s, 500ms, 1s, 3s});
}

TEST_CASE("a good configuration takes effect at once, with a pass in full") {
  FakeWorld world;
  world.pass_takes = 0ms;
  world.wishes.emplace_back(3s, Wake::reload);
  world.reload = [&] {
    RunOptions options;
    options.interval = 10s;
    options.flush_on_exit = true;
    return options;
  };
  bool flushed = false;
  world.flush = [&] { flushed = true; };
  world.run_until(14s);
  CHECK(world.passes ==
        std::vector<FakeWorld::Look>{
            {0s, Depth::full}, {2s, Depth::summary}, {3s, Depth::full}, {13s, Depth::summary}});
  CHECK(world.notes ==
        Strings{"READY=1", "STATUS=12 routes in 0 rules", "RELOADING=1", "READY=1", "STOPPING=1"});
  CHECK(world.said("reloaded").size() == 1);
  CHECK(flushed);
}

TEST_CASE("with a bad configuration the old one stays") {
  FakeWorld world;
  world.pass_takes = 0ms;
  world.wishes.emplace_back(3s, Wake::reload);
  world.reload = []() -> RunOptions { throw UsageError("/etc/flowspec/injector.toml: line 3: interval"); };
  world.run_until(7s);
  CHECK(world.pass_times() == Times{0s, 2s, 4s, 6s});
  CHECK(world.passes[2].depth == Depth::summary);
  CHECK(world.said("reload-failed") ==
        Strings{"/etc/flowspec/injector.toml: line 3: interval; the old configuration stays"});
  CHECK(world.notes ==
        Strings{"READY=1", "STATUS=12 routes in 0 rules", "RELOADING=1", "READY=1", "STOPPING=1"});
}

TEST_CASE("the service manager hears of the start when the first pass succeeded") {
  FakeWorld world;
  world.pass_takes = 0ms;
  world.pass = failing_until(world, 5s);
  world.wishes.emplace_back(1s, Wake::reload);
  world.run_until(8s);
  CHECK(world.notes ==
        Strings{"STATUS=FRR cannot be asked since the start: ask FRR: no answer; the rules stay", "READY=1",
                "STATUS=12 routes in 0 rules", "STOPPING=1"});
  CHECK(world.said("ready").size() == 1);
}

TEST_CASE("what the service manager did not hear it is told again") {
  FakeWorld world;
  world.hears = [&](const std::string&) {
    if (world.elapsed() < 5s)
      throw Error("tell the service manager: Resource temporarily unavailable");
  };
  world.run_until(9s);
  CHECK(world.notes == Strings{"READY=1", "STATUS=12 routes in 0 rules", "STOPPING=1"});
  CHECK(world.said("failed").size() == 1);
  CHECK(world.said("recovered").size() == 1);
}

TEST_CASE("the watchdog hears of the daemon while it waits") {
  FakeWorld world;
  world.longest_wait = 700ms;
  world.options.interval = 30s;
  world.run_until(65s);
  CHECK(world.pass_times() == Times{0s, 30s, 60s});
  Instant last = start;
  for (const Instant at : world.alive) {
    CHECK(at - last <= 700ms + world.pass_takes);
    last = at;
  }
  CHECK(start + 65s - last <= 700ms + world.pass_takes);
}

TEST_CASE("a family that fails does not make the other wait, and is one line") {
  FakeWorld world;
  world.pass_takes = 0ms;
  world.pass = [&] {
    PassOutcome outcome = good();
    if (world.elapsed() < 9s)
      outcome.failures = {{Family::ipv6, Cause::bad_answer, "line 7: cut off"},
                          {std::nullopt, Cause::state, "disk full"}};
    return outcome;
  };
  world.run_until(13s);
  CHECK(world.pass_times() == Times{0s, 2s, 4s, 6s, 8s, 10s, 12s});
  CHECK(world.said("failed") ==
        Strings{"IPv6: line 7: cut off; its rules stay as they are", "state: disk full"});
  CHECK(world.said("recovered") ==
        Strings{"IPv6 works again after 10 s and 5 failures; the last: IPv6: line 7: cut off",
                "state works again after 10 s and 5 failures; the last: state: disk full"});
}

TEST_CASE("days of failing are few lines, and nothing piles up") {
  FakeWorld world;
  world.pass = [&]() -> PassOutcome { throw PassFailed(Cause::no_answer, "ask FRR: no answer"); };
  world.run_until(24h * 10);
  CHECK(world.passes.size() > 14'000);
  CHECK(world.said("failed").size() < 20);
  CHECK(world.notes.size() == 2); // STATUS= once, STOPPING=1
}
