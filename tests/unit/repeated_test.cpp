// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/line_budget.hpp"
#include "injector/repeated.hpp"
#include "injector/trouble.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

/// When a failure that comes every two seconds for `length` is spoken of, from its start.
std::vector<std::chrono::milliseconds> lines_of_a_run(std::chrono::milliseconds length) {
  Repeated repeated;
  std::vector<std::chrono::milliseconds> lines;
  for (Instant now = 50s; now <= 50s + length; now += 2s)
    if (repeated.happened("x", now))
      lines.push_back(now - 50s);
  return lines;
}

} // namespace

TEST_CASE("the same trouble is spoken of at once, and then after gaps that grow") {
  const std::vector<std::chrono::milliseconds> expected{
      0s, 60s, 60s + 10min, 60s + 10min + 1h, 60s + 10min + 7h, 60s + 10min + 31h, 60s + 10min + 55h};
  CHECK(lines_of_a_run(60h) == expected);
}

TEST_CASE("lines count, also what had none") {
  Repeated repeated;
  REQUIRE(repeated.happened("x", 10s));
  CHECK_FALSE(repeated.happened("x", 12s));
  CHECK_FALSE(repeated.happened("x", 16s));
  const auto reminder = repeated.happened("x", 70s);
  REQUIRE(reminder);
  CHECK(reminder->times == 4);
  CHECK(reminder->lasted == 60s);
  CHECK(reminder->reason_before.empty());
  CHECK(repeated.going_on());
  const auto end = repeated.over(75s);
  REQUIRE(end);
  CHECK(end->times == 4);
  CHECK(end->lasted == 65s);
  CHECK(end->reason == "x");
  CHECK_FALSE(repeated.going_on());
  CHECK_FALSE(repeated.over(76s));
}

TEST_CASE("another reason is spoken of at once, with how often the one before was") {
  Repeated repeated;
  repeated.happened("x", 10s);
  repeated.happened("x", 12s);
  const auto other = repeated.happened("y", 14s);
  REQUIRE(other);
  CHECK(other->times == 3);
  CHECK(other->reason_before == "x");
  CHECK(other->times_before == 2);
  // Reasons that take turns are known by then.
  for (Instant now = 16s; now < 70s; now += 2s) {
    CHECK_FALSE(repeated.happened("x", now));
    CHECK_FALSE(repeated.happened("y", now + 1s));
  }
}

TEST_CASE("a reason that is another each time does not fill the log") {
  Repeated repeated;
  int lines = 0;
  for (int number = 0; number < 100'000; ++number)
    lines += repeated.happened("reason " + std::to_string(number), number * 1ms) ? 1 : 0;
  // Eight reasons, and the reminder of 100 seconds.
  CHECK(lines >= 8);
  CHECK(lines <= 10);
}

TEST_CASE("trouble that comes and goes is counted, and one that lasts is heard of") {
  Repeated repeated;
  int said = 0;
  int ended = 0;
  Instant now = 10s;
  for (int run = 0; run < 100; ++run, now += 4s) { // 400 s of it
    said += repeated.happened("x", now) ? 1 : 0;
    ended += repeated.over(now + 2s) ? 1 : 0;
  }
  CHECK(said == 5);
  CHECK(ended == 5);
  for (int time = 0; time < 30; ++time, now += 2s)
    CHECK_FALSE(repeated.happened("x", now));
  const auto lasts = repeated.happened("x", now);
  REQUIRE(lasts);
  CHECK(lasts->times == 31);
  CHECK(lasts->lasted == 60s);
  CHECK(lasts->unsaid_before == 95);
  CHECK(repeated.over(now + 2s));
  // Ten minutes later it is news again.
  const auto later = repeated.happened("x", 10s + 10min);
  REQUIRE(later);
  CHECK(later->unsaid_before == 0);
}

TEST_CASE("a budget of lines is anew after its time") {
  LineBudget budget(2, 60s);
  CHECK(budget.over(5s));
  CHECK(budget.spend(5s));
  CHECK(budget.spend(50s));
  CHECK_FALSE(budget.spend(64s));
  CHECK_FALSE(budget.over(64s));
  CHECK(budget.over(65s));
  CHECK(budget.spend(65s));
}

TEST_CASE("trouble in words") {
  Trouble passes("passes succeed again");
  const auto first =
      passes.failed(Cause::no_answer, "ask FRR: no answer within 10 s", "; the rules stay", 10s);
  REQUIRE(first);
  CHECK(first->name == "failed");
  CHECK(first->level == Level::warning);
  CHECK(first->message == "ask FRR: no answer within 10 s; the rules stay");
  CHECK_FALSE(passes.failed(Cause::no_answer, "ask FRR: no answer within 10 s", "; the rules stay", 12s));
  const auto other =
      passes.failed(Cause::kernel, "commit table filter: Permission denied", "; the rules stay", 16s);
  REQUIRE(other);
  CHECK(other->level == Level::error);
  CHECK(other->message ==
        "commit table filter: Permission denied; the rules stay (3 times in 6 s); before that, "
        "2 times: ask FRR: no answer within 10 s");
  CHECK(other->fields == decltype(other->fields){{"times", "3"}, {"seconds", "6.000"}, {"cause", "kernel"}});
  const auto end = passes.succeeded(200s);
  REQUIRE(end);
  CHECK(end->name == "recovered");
  CHECK(end->level == Level::notice);
  CHECK(end->message == "passes succeed again after 3 min 10 s and 3 failures; the last: commit table "
                        "filter: Permission denied");
  CHECK_FALSE(passes.succeeded(201s));
}

TEST_CASE("FRR that is away for long is an error, for a moment it is not") {
  Trouble passes("passes succeed again");
  CHECK(passes.failed(Cause::no_answer, "x", "", 10s)->level == Level::warning);
  CHECK(passes.failed(Cause::no_answer, "x", "", 70s)->level == Level::error);
  Trouble table("passes succeed again");
  CHECK(table.failed(Cause::kernel, "x", "", 10s)->level == Level::error);
}
