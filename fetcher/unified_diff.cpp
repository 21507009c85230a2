// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/unified_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

namespace flowspec {

namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t context = 3;
/// More edits than this are not looked for: time and memory grow with their square.
constexpr std::size_t most_edits = 2000;

/// Each with its line break; the last may have none.
Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.push_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return lines;
}

/// Lines [first, last) of the old text give way to lines [first, last) of the new one.
struct Change {
  std::size_t old_first = 0;
  std::size_t old_last = 0;
  std::size_t new_first = 0;
  std::size_t new_last = 0;
};

/// How far each diagonal k = x - y is reached, where x lines of the old text and y of the new one are done;
/// diagonal -d is at index 0.
using Reached = std::vector<std::size_t>;

/// Whether the `d`th step comes to diagonal `k` by an insertion, from the one above it.
bool by_insertion(const Reached& before, std::ptrdiff_t k, std::ptrdiff_t d) {
  const auto at = [&](std::ptrdiff_t diagonal) { return before[static_cast<std::size_t>(diagonal + d - 1)]; };
  return k == -d || (k != d && at(k - 1) < at(k + 1));
}

/// The shortest way from one text to the other (Myers, "An O(ND) Difference Algorithm and Its Variations"):
/// how far the first 0, 1, 2 ... edits reach. Empty when it takes more than most_edits.
std::vector<Reached> shortest_way(std::span<const std::string_view> old_lines,
                                  std::span<const std::string_view> new_lines) {
  std::vector<Reached> steps;
  for (std::ptrdiff_t d = 0; d <= static_cast<std::ptrdiff_t>(most_edits); ++d) {
    Reached reached(static_cast<std::size_t>(2 * d + 1));
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      std::size_t x = 0;
      if (d > 0) {
        const bool inserts = by_insertion(steps.back(), k, d);
        x = steps.back()[static_cast<std::size_t>((inserts ? k + 1 : k - 1) + d - 1)] + (inserts ? 0 : 1);
      }
      auto y = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(x) - k);
      while (x < old_lines.size() && y < new_lines.size() && old_lines[x] == new_lines[y])
        ++x, ++y;
      reached[static_cast<std::size_t>(k + d)] = x;
      if (x >= old_lines.size() && y >= new_lines.size()) {
        steps.push_back(std::move(reached));
        return steps;
      }
    }
    steps.push_back(std::move(reached));
  }
  return {};
}

void put_before(std::vector<Change>& changes, const Change& change) {
  // Backwards: what touches the change that comes next in the text is one with it.
  if (!changes.empty() && changes.back().old_first == change.old_last &&
      changes.back().new_first == change.new_last) {
    changes.back().old_first = change.old_first;
    changes.back().new_first = change.new_first;
  } else {
    changes.push_back(change);
  }
}

/// In the order of the text.
std::vector<Change> changes_between(std::span<const std::string_view> old_lines,
                                    std::span<const std::string_view> new_lines) {
  const std::vector<Reached> steps = shortest_way(old_lines, new_lines);
  if (steps.empty())
    return {{0, old_lines.size(), 0, new_lines.size()}};
  std::vector<Change> changes;
  auto k = static_cast<std::ptrdiff_t>(old_lines.size()) - static_cast<std::ptrdiff_t>(new_lines.size());
  for (auto d = static_cast<std::ptrdiff_t>(steps.size()) - 1; d > 0; --d) {
    const Reached& before = steps[static_cast<std::size_t>(d - 1)];
    const bool inserts = by_insertion(before, k, d);
    k += inserts ? 1 : -1;
    const std::size_t x = before[static_cast<std::size_t>(k + d - 1)];
    const auto y = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(x) - k);
    put_before(changes, {x, inserts ? x : x + 1, y, inserts ? y + 1 : y});
  }
  std::ranges::reverse(changes);
  return changes;
}

void put_lines(std::string& text, char mark, const Lines& lines, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    text += mark;
    text += lines[i];
    if (!lines[i].ends_with('\n'))
      text += "\n\\ No newline at end of file\n";
  }
}

/// "-3,7": the first line and how many; of no lines, the line that they would follow.
std::string range(char mark, std::size_t first, std::size_t last) {
  return fmt::format("{}{},{}", mark, first == last ? first : first + 1, last - first);
}

/// Changes that are so close that their contexts meet, and the lines around them.
std::string hunk(std::span<const Change> changes, const Lines& old_lines, const Lines& new_lines) {
  const std::size_t lead = std::min(context, changes.front().old_first);
  const std::size_t trail = std::min(context, old_lines.size() - changes.back().old_last);
  std::string text = fmt::format(
      "@@ {} {} @@\n", range('-', changes.front().old_first - lead, changes.back().old_last + trail),
      range('+', changes.front().new_first - lead, changes.back().new_last + trail));
  std::size_t at = changes.front().old_first - lead;
  for (const Change& change : changes) {
    put_lines(text, ' ', old_lines, at, change.old_first);
    put_lines(text, '-', old_lines, change.old_first, change.old_last);
    put_lines(text, '+', new_lines, change.new_first, change.new_last);
    at = change.old_last;
  }
  put_lines(text, ' ', old_lines, at, at + trail);
  return text;
}

} // namespace

std::string unified_diff(const std::string& name, std::optional<std::string_view> before,
                         std::string_view after) {
  if (before == after)
    return {};
  const Lines old_lines = lines_of(before.value_or(std::string_view()));
  const Lines new_lines = lines_of(after);
  const std::size_t shorter = std::min(old_lines.size(), new_lines.size());
  const auto start =
      static_cast<std::size_t>(std::ranges::mismatch(old_lines, new_lines).in1 - old_lines.begin());
  std::size_t end = 0; // lines that both end in
  while (end < shorter - start &&
         old_lines[old_lines.size() - 1 - end] == new_lines[new_lines.size() - 1 - end])
    ++end;
  std::vector<Change> changes =
      changes_between(std::span(old_lines).subspan(start, old_lines.size() - start - end),
                      std::span(new_lines).subspan(start, new_lines.size() - start - end));
  for (Change& change : changes)
    for (std::size_t* place : {&change.old_first, &change.old_last, &change.new_first, &change.new_last})
      *place += start;

  std::string text = fmt::format("--- {}\n+++ {}\n", before ? name : "/dev/null", name);
  for (auto first = changes.begin(); first != changes.end();) {
    auto last = std::next(first);
    while (last != changes.end() && last->old_first - std::prev(last)->old_last <= 2 * context)
      ++last;
    text += hunk(std::span(first, last), old_lines, new_lines);
    first = last;
  }
  return text;
}

} // namespace flowspec
