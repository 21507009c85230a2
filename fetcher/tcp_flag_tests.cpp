// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/tcp_flag_tests.hpp"

#include "common/entry.hpp"
#include "fetcher/frr_limits.hpp"

#include <algorithm>
#include <bit>
#include <optional>

namespace flowspec {

namespace {

constexpr unsigned values = 256;

/// The values with (value & mask) == bits.
struct Cube {
  unsigned mask = 0;
  unsigned bits = 0;

  bool contains(unsigned value) const { return (value & mask) == bits; }
};

/// `patterns` as one cube, if it is one.
std::optional<Cube> as_cube(const FlagPatterns& patterns) {
  unsigned always = values - 1;
  unsigned ever = 0;
  for (unsigned value = 0; value < values; ++value)
    if (patterns[value]) {
      always &= value;
      ever |= value;
    }
  const unsigned free = ever & ~always;
  if (patterns.none() || patterns.count() != 1U << std::popcount(free))
    return std::nullopt;
  return Cube{values - 1 - free, always};
}

/// Cubes inside of `patterns` that together hold all of it: the largest first, each for the lowest value that
/// is still missing.
std::vector<Cube> cover(const FlagPatterns& patterns) {
  const auto inside = [&patterns](const Cube& cube) {
    for (unsigned value = 0; value < values; ++value)
      if (cube.contains(value) && !patterns[value])
        return false;
    return true;
  };
  std::vector<Cube> result;
  FlagPatterns missing = patterns;
  while (missing.any()) {
    unsigned lowest = 0;
    while (!missing[lowest])
      ++lowest;
    Cube best{values - 1, lowest};
    for (unsigned mask = 0; mask < values; ++mask)
      if (std::popcount(mask) < std::popcount(best.mask) && inside({mask, lowest & mask}))
        best = {mask, lowest & mask};
    for (unsigned value = 0; value < values; ++value)
      if (best.contains(value))
        missing.reset(value);
    result.push_back(best);
  }
  return result;
}

/// All bits of `value` are set; negated: not all of them.
BitTest all_of(unsigned value, bool negated) {
  return {.negated = negated, .match = true, .value = static_cast<std::uint16_t>(value)};
}

/// Some bit of `value` is set; negated: none.
BitTest any_of(unsigned value, bool negated) {
  return {.negated = negated, .match = false, .value = static_cast<std::uint16_t>(value)};
}

/// Joined by AND.
std::vector<BitTest> inside(const Cube& cube) {
  std::vector<BitTest> tests;
  if (cube.bits != 0)
    tests.push_back(all_of(cube.bits, false));
  if (const unsigned clear = cube.mask & ~cube.bits; clear != 0)
    tests.push_back(any_of(clear, true));
  if (tests.size() == 2)
    tests[1].and_with_previous = true;
  return tests;
}

/// Joined by OR.
std::vector<BitTest> outside(const Cube& cube) {
  std::vector<BitTest> tests;
  if (cube.bits != 0)
    tests.push_back(all_of(cube.bits, true));
  if (const unsigned clear = cube.mask & ~cube.bits; clear != 0)
    tests.push_back(any_of(clear, false));
  return tests;
}

} // namespace

std::vector<BitTests> tcp_flag_tests(const FlagPatterns& patterns) {
  if (patterns.none())
    return {};
  if (const auto cube = as_cube(patterns))
    return {{inside(*cube)}};
  if (const auto cube = as_cube(~patterns))
    return {{outside(*cube)}};
  std::vector<BitTests> result;
  for (const Cube& cube : cover(patterns)) {
    const std::vector<BitTest> tests = inside(cube);
    if (result.empty() || result.back().tests.size() + tests.size() > frr::most_pairs)
      result.emplace_back();
    for (const BitTest& test : tests)
      result.back().tests.push_back(test);
  }
  return result;
}

BitTests fragment_tests(std::uint8_t positions) {
  using namespace fragment_bit;
  const auto is = [](std::uint16_t bit) { return BitTest{.match = true, .value = bit}; };
  // BIRD negates without the match bit; of one bit both say the same.
  const auto is_not = [](std::uint16_t bit) {
    return BitTest{.negated = true, .match = false, .value = bit};
  };
  const auto and_not = [&is_not](std::uint16_t bit) {
    BitTest test = is_not(bit);
    test.and_with_previous = true;
    return test;
  };
  using position::first;
  using position::last;
  using position::middle;
  using position::whole;
  switch (positions) {
  case first:
    return {{is(first_fragment)}};
  case last:
    return {{is(last_fragment)}};
  case position::later:
    return {{is(is_fragment)}};
  case position::header:
    return {{is_not(is_fragment)}};
  case position::every & ~first:
    return {{is_not(first_fragment)}};
  case position::every & ~last:
    return {{is_not(last_fragment)}};
  case whole:
    return {{is_not(is_fragment), and_not(first_fragment)}};
  case middle:
    return {{is(is_fragment), and_not(last_fragment)}};
  case whole | middle:
    return {{is_not(first_fragment), and_not(last_fragment)}};
  case first | last:
    return {{is(first_fragment), is(last_fragment)}};
  case first | middle:
    return {{is(first_fragment), is(is_fragment), and_not(last_fragment)}};
  case whole | last:
    return {{is(last_fragment), is_not(is_fragment), and_not(first_fragment)}};
  case position::later | first:
    return {{is(first_fragment), is(is_fragment)}};
  case position::header | last:
    return {{is_not(is_fragment), is(last_fragment)}};
  default:
    return {};
  }
}

} // namespace flowspec
