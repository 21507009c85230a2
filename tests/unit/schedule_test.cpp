// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/schedule.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

constexpr Instant start = 100s;

RunOptions every_two_seconds() {
  RunOptions options;
  options.interval = 2s;
  options.full_interval = 60s;
  options.longest_back_off = 60s;
  return options;
}

} // namespace

TEST_CASE("the next pass begins at the interval, and after a rest that grows with what the pass took") {
  struct Row {
    std::chrono::milliseconds took;
    bool changed;
    std::chrono::milliseconds next; ///< from the start of the pass
  };
  for (const Row& row : {Row{0ms, false, 2s}, Row{10ms, false, 2s}, Row{400ms, false, 2s},
                         Row{500ms, false, 2500ms}, // four times as long at rest: a fifth of a core
                         Row{1s, false, 5s}, Row{1s, true, 2s}, Row{1500ms, true, 3s}, Row{5s, true, 10s},
                         Row{7s, false, 35s}, Row{10s, false, 40s}, // never longer than 30 s
                         Row{10min, false, 10min + 30s}, Row{10min, true, 10min + 30s}}) {
    CAPTURE(row.took.count(), row.changed);
    Schedule schedule(every_two_seconds());
    CHECK(schedule.succeeded(
              {.began = start, .ended = start + row.took, .changed = row.changed, .look_again = {}}) ==
          start + row.next);
  }
}

TEST_CASE("waiting for somebody else's lock is no work to rest from") {
  Schedule schedule(every_two_seconds());
  CHECK(schedule.succeeded({.began = start, .ended = start + 9s, .idle = 8900ms, .look_again = {}}) ==
        start + 9s + 400ms);
  // Nor is more than the whole of it, as two clocks may have it.
  CHECK(schedule.succeeded({.began = start, .ended = start + 9s, .idle = 10s, .look_again = {}}) ==
        start + 9s + 100ms);
}

TEST_CASE("there is a rest whatever the interval") {
  RunOptions options;
  options.interval = 0ms;
  Schedule schedule(options);
  CHECK(schedule.succeeded({.began = start, .ended = start, .look_again = {}}) == start + 100ms);
  CHECK(Schedule(options).failed(start) == start + 100ms);
}

TEST_CASE("a pass may ask for an earlier one, and not for one without a rest") {
  struct Row {
    std::chrono::milliseconds took;
    std::chrono::milliseconds look_again;
    std::chrono::milliseconds next;
  };
  for (const Row& row : {Row{100ms, 1s, 1s}, Row{100ms, 5s, 2s}, Row{100ms, 0s, 200ms}, Row{1s, -5s, 2s},
                         Row{5s, 6s, 10s}, Row{5s, 12s, 12s}}) {
    CAPTURE(row.took.count(), row.look_again.count());
    Schedule schedule(every_two_seconds());
    CHECK(schedule.succeeded(
              {.began = start, .ended = start + row.took, .look_again = start + row.look_again}) ==
          start + row.next);
  }
}

TEST_CASE("a full look is taken at the start, when asked for, and when the last one is long ago") {
  Schedule schedule(every_two_seconds());
  const auto pass = [&](Instant at, bool in_full) {
    schedule.succeeded({.began = at, .ended = at + 10ms, .in_full = in_full, .look_again = {}});
  };
  CHECK(schedule.depth(start) == Depth::full);
  schedule.failed(start);
  CHECK(schedule.depth(start + 2s) == Depth::full); // none has succeeded yet
  pass(start + 2s, true);
  CHECK(schedule.depth(start + 4s) == Depth::summary);
  pass(start + 4s, false);
  CHECK(schedule.depth(start + 61s) == Depth::summary);
  CHECK(schedule.depth(start + 62s) == Depth::full);
  pass(start + 30s, true); // its summary said so
  CHECK(schedule.depth(start + 62s) == Depth::summary);
  CHECK(schedule.depth(start + 90s) == Depth::full);
  schedule.ask_in_full();
  CHECK(schedule.depth(start + 31s) == Depth::full);
  schedule.failed(start + 31s);
  CHECK(schedule.depth(start + 33s) == Depth::full);
}

TEST_CASE("failures back off, each twice as far, up to a bound, until one succeeds") {
  Schedule schedule(every_two_seconds());
  for (const auto delay : {2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s})
    CHECK(schedule.failed(start) == start + delay);
  for (int more = 0; more < 10'000; ++more)
    schedule.failed(start);
  CHECK(schedule.failed(start) == start + 60s);
  schedule.succeeded({.began = start, .ended = start, .look_again = {}});
  CHECK(schedule.failed(start) == start + 2s);
}

TEST_CASE("back-off is never shorter than the interval, and begins anew with other options") {
  RunOptions options = every_two_seconds();
  options.interval = 300s;
  Schedule schedule(options);
  CHECK(schedule.failed(start) == start + 300s);
  CHECK(schedule.failed(start) == start + 300s);
  schedule.use(every_two_seconds());
  CHECK(schedule.failed(start) == start + 2s);
}
