// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lists that save memory, against those of the standard library.
#include "common/short_list.hpp"
#include "common/text_list.hpp"
#include "common/value_set.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace flowspec;
using generate::chance;
using generate::number;
using generate::Random;

namespace {

std::vector<std::string> texts(const TextList& list) {
  return {list.begin(), list.end()};
}

std::vector<Interval> values(const ShortList<Interval>& list) {
  return {list.begin(), list.end()};
}

} // namespace

TEST_CASE("a short list holds what a vector would, through every copy and move") {
  Random random(generate::seed());
  std::vector<ShortList<Interval>> lists(6);
  std::vector<std::vector<Interval>> expected(6);
  for (int round = 0; round < 5000; ++round) {
    const std::size_t one = number(random, 0, 5);
    const std::size_t other = number(random, 0, 5);
    switch (number(random, 0, 7)) {
    case 0:
      lists[one] = lists[other];
      expected[one] = std::vector(expected[other]);
      break;
    case 1:
      if (one != other) {
        lists[one] = std::move(lists[other]);
        expected[one] = std::move(expected[other]);
        CHECK(lists[other].empty()); // NOLINT(bugprone-use-after-move): that is what is asked
        expected[other].clear();
      }
      break;
    case 2:
      std::swap(lists[one], lists[other]);
      std::swap(expected[one], expected[other]);
      break;
    case 3:
      lists[one].clear();
      expected[one].clear();
      break;
    case 4:
      lists[one] = expected[other];
      expected[one] = std::vector(expected[other]);
      break;
    case 5:
      if (!expected[one].empty()) {
        const std::size_t at = number(random, 0, static_cast<std::uint32_t>(expected[one].size() - 1));
        lists[one].erase(at);
        expected[one].erase(expected[one].begin() + static_cast<std::ptrdiff_t>(at));
      }
      break;
    default:
      if (expected[one].size() < 40) {
        const Interval next{number(random, 0, 9), number(random, 10, 19)};
        lists[one].push_back(next);
        expected[one].push_back(next);
        if (chance(random, 20)) { // of the list itself
          lists[one].push_back(lists[one].front());
          expected[one].push_back(Interval(expected[one].front()));
        }
      }
    }
    REQUIRE(values(lists[one]) == expected[one]);
    REQUIRE(values(lists[other]) == expected[other]);
    REQUIRE((lists[one] == lists[other]) == (expected[one] == expected[other]));
    REQUIRE(ShortList(lists[one]) == lists[one]);
  }
}

TEST_CASE("a list of texts holds what a vector of strings would") {
  Random random(generate::seed());
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> expected;
    TextList list;
    if (chance(random, 30))
      list.reserve(number(random, 0, 100));
    for (std::uint32_t count = number(random, 0, 8); count > 0; --count) {
      const std::uint32_t length = chance(random, 80) ? number(random, 0, 20) : number(random, 250, 260);
      expected.emplace_back(length, static_cast<char>(static_cast<unsigned char>(number(random, 0, 255))));
      list.push_back(expected.back());
      if (chance(random, 20)) { // a view of the list itself
        expected.push_back(expected.front());
        list.push_back(list.front());
      }
    }
    REQUIRE(texts(list) == expected);
    CHECK(list.size() == expected.size());
    CHECK(list.empty() == expected.empty());
    CHECK(list == TextList(expected));
    TextList copy(list);
    CHECK(copy == list);
    copy.push_back("");
    CHECK(copy != list);
    CHECK(texts(list) == expected);
    TextList moved(std::move(copy));
    copy = list; // NOLINT(bugprone-use-after-move): it can be given a value again
    CHECK(texts(copy) == expected);
    CHECK(moved.size() == expected.size() + 1);
    moved = copy;
    CHECK(moved == list);
    moved.clear();
    CHECK(moved == TextList());
    CHECK(moved.begin() == moved.end());
  }
  CHECK(TextList{"ab", "c"} != TextList{"a", "bc"});
  CHECK(TextList{""} != TextList{});
  CHECK(texts({"x", "y"}) == std::vector<std::string>{"x", "y"});
}

TEST_CASE("the operations on value sets say of every integer what they are to say") {
  Random random(generate::seed());
  for (int round = 0; round < 2000; ++round) {
    const std::uint32_t max = chance(random, 50) ? 15 : 63;
    const auto some = [&] {
      std::vector<Interval> intervals;
      for (std::uint32_t count = number(random, 0, 5); count > 0; --count) {
        const std::uint32_t first = number(random, 0, max);
        intervals.push_back({first, number(random, first, max)});
      }
      return std::pair(ValueSet(max, intervals), intervals);
    };
    const auto [a, a_intervals] = some();
    const ValueSet b = some().first;
    bool right = true;
    for (std::uint32_t value = 0; value <= max; ++value) {
      right = right && a.contains(value) ==
                           std::any_of(a_intervals.begin(), a_intervals.end(), [&](const Interval& i) {
                             return i.first <= value && value <= i.last;
                           });
      right = right && (a | b).contains(value) == (a.contains(value) || b.contains(value));
      right = right && (a & b).contains(value) == (a.contains(value) && b.contains(value));
      right = right && a.complement().contains(value) != a.contains(value);
    }
    CHECK(right);
    for (const ValueSet& set : {a, a | b, a & b, a.complement()}) {
      std::uint64_t end = 0; // of the intervals before, and one that may not touch
      for (const Interval& interval : set.intervals()) {
        right = right && interval.first >= end && interval.first <= interval.last;
        end = std::uint64_t{interval.last} + 2;
      }
    }
    CHECK(right);
    CHECK(a.complement().complement() == a);
    CHECK((a == b) == (a.intervals().size() == b.intervals().size() && (a & b) == a && (a | b) == a));
  }
}
