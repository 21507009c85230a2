// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/unified_diff.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

std::string numbers(int first, int last) {
  std::string text;
  for (int i = first; i <= last; ++i)
    text += fmt::format("{}\n", i);
  return text;
}

/// What patch(1) makes of `before`: every context and removed line must be there.
std::string patched(std::string_view before, std::string_view diff) {
  const auto take_line = [](std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(line.size());
    return line;
  };
  std::string after;
  take_line(diff);
  take_line(diff);
  for (std::size_t done = 0; !diff.empty();) {
    const std::string_view line = take_line(diff);
    const bool bare = diff.starts_with("\\ No newline");
    const std::string_view content =
        bare ? line.substr(1, line.size() - 2) : line.substr(1); // without its line break
    if (bare)
      take_line(diff);
    if (line.starts_with("@@ -")) {
      const std::size_t first = std::stoul(std::string(line.substr(4)));
      const bool no_lines = line.substr(0, line.find(' ', 4)).ends_with(",0");
      for (; done + (no_lines ? 0 : 1) < first; ++done)
        after += take_line(before);
      continue;
    }
    if (line[0] == '+') {
      after += content;
      continue;
    }
    ++done;
    const std::string_view old = take_line(before);
    REQUIRE(old == content);
    if (line[0] == ' ')
      after += old;
  }
  return after + std::string(before);
}

} // namespace

TEST_CASE("equal texts have no difference") {
  CHECK(unified_diff("f", "a\nb\n", "a\nb\n").empty());
  CHECK(unified_diff("f", "", "").empty());
}

TEST_CASE("a change has three lines around it") {
  CHECK(unified_diff("f", numbers(1, 9), numbers(1, 4) + "five\n" + numbers(6, 9)) ==
        "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST_CASE("a file that is not there comes from /dev/null, one that becomes empty has no lines left") {
  CHECK(unified_diff("f", std::nullopt, "a\nb\n") == "--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  CHECK(unified_diff("f", "a\n", "") == "--- f\n+++ f\n@@ -1,1 +0,0 @@\n-a\n");
  CHECK(unified_diff("f", std::nullopt, "") == "--- /dev/null\n+++ f\n");
}

TEST_CASE("changes whose contexts meet are one hunk, others are two") {
  const std::string old = numbers(1, 30);
  const auto without = [](int one, int other) {
    return numbers(1, one - 1) + numbers(one + 1, other - 1) + numbers(other + 1, 30);
  };
  CHECK(
      unified_diff("f", old, without(10, 17)) ==
      "--- f\n+++ f\n@@ -7,14 +7,12 @@\n 7\n 8\n 9\n-10\n 11\n 12\n 13\n 14\n 15\n 16\n-17\n 18\n 19\n 20\n");
  CHECK(unified_diff("f", old, without(10, 18)) ==
        "--- f\n+++ f\n@@ -7,7 +7,6 @@\n 7\n 8\n 9\n-10\n 11\n 12\n 13\n"
        "@@ -15,7 +14,6 @@\n 15\n 16\n 17\n-18\n 19\n 20\n 21\n");
}

TEST_CASE("a last line without its line break is said") {
  CHECK(unified_diff("f", "a\nb", "a\nb\n") ==
        "--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
  CHECK(unified_diff("f", "a\nb", "c\nb") ==
        "--- f\n+++ f\n@@ -1,2 +1,2 @@\n-a\n+c\n b\n\\ No newline at end of file\n");
}

TEST_CASE("the difference makes the new text of the old one") {
  std::mt19937 source(1);
  const auto roll = [&source](int sides) {
    return static_cast<int>(source() % static_cast<unsigned>(sides));
  };
  for (int round = 0; round < 2000; ++round) {
    const auto text = [&] {
      std::string lines;
      for (int i = roll(30); i > 0; --i)
        lines += fmt::format("{}\n", roll(6));
      if (roll(4) == 0 && !lines.empty())
        lines.pop_back();
      return lines;
    };
    const std::string before = text();
    std::string after = text();
    if (roll(2) == 0) { // a few edits
      after = before;
      for (int i = roll(4); i > 0; --i)
        after.insert(static_cast<std::size_t>(roll(static_cast<int>(after.size()) + 1)), "x\n");
    }
    const std::string diff = unified_diff("f", before, after);
    INFO(before << "-----\n" << after << "-----\n" << diff);
    REQUIRE(diff.empty() == (before == after));
    if (!diff.empty())
      REQUIRE(patched(before, diff) == after);
  }
}

TEST_CASE("the fewest lines are shown") {
  const std::string diff = unified_diff("f", "a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n");
  CHECK(std::ranges::count(diff, '\n') == 3 + 4 + 5); // Myers' own example: 5 edits, 4 lines that stay
}

TEST_CASE("ten thousand lines take no time, however much has changed") {
  const auto started = std::chrono::steady_clock::now();
  const std::string before = numbers(1, 10'000);
  std::string some;
  for (int i = 1; i <= 10'000; ++i)
    some += i % 20 == 0 ? fmt::format("{} changed\n", i) : fmt::format("{}\n", i);
  for (const std::string& after : {some, numbers(10'001, 20'000), "0\n" + before, std::string()})
    CHECK(patched(before, unified_diff("f", before, after)) == after);
  CHECK(std::chrono::steady_clock::now() - started <
        std::chrono::seconds(10)); // with sanitizers; else far less
}
