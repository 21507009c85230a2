// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tcp_flag_matches.hpp"

#include "injector/u32_tests.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace flowspec {

namespace {

/// Octets 13 and 14 of the header; the data offset, left of these, is taken as 0.
constexpr std::uint16_t all_flags = 0xfff;
/// FIN to URG: iptables has no names for ECE and CWR, and its save command does not survive them.
constexpr std::uint16_t named_flags = 0x3f;

/// The flags that some test looks at: the others change nothing.
std::uint16_t looked_at(const BitTests& flags) {
  unsigned values = 0;
  for (const BitTest& test : flags.tests)
    values |= test.value;
  return static_cast<std::uint16_t>(values & all_flags);
}

/// True when it holds for every combination of `flags`, all others unset.
template <class Predicate>
bool every_combination(std::uint16_t flags, Predicate holds) {
  for (unsigned data = flags;; data = (data - 1) & flags) {
    if (!holds(static_cast<std::uint16_t>(data)))
      return false;
    if (data == 0)
      return true;
  }
}

/// The tests from one that begins a group to the next.
std::vector<BitTests> groups_of(const BitTests& flags) {
  std::vector<BitTests> groups;
  for (const BitTest& test : flags.tests) {
    if (groups.empty() || !test.and_with_previous)
      groups.emplace_back();
    groups.back().tests.push_back(test);
  }
  return groups;
}

/// Without the tests that the others imply: what they ask for may have no notation, and need none.
BitTests without_redundant(BitTests tests) {
  for (std::size_t index = tests.tests.size(); index-- > 0 && tests.tests.size() > 1;) {
    BitTests others = tests;
    others.tests.erase(index);
    if (every_combination(looked_at(tests),
                          [&](std::uint16_t data) { return others.holds(data) == tests.holds(data); }))
      tests = std::move(others);
  }
  return tests;
}

/// Adds what `test` asks for; false when there is no notation for it.
bool add(TcpFlagGroup& group, const BitTest& test, Family family) {
  // Bits that no packet has: "match" with one of them never holds, and such a group has been left out.
  const auto value = static_cast<std::uint16_t>(test.value & all_flags);
  if (every_combination(value, [&](std::uint16_t data) { return test.holds(data); }))
    return true;
  if ((value & ~named_flags) != 0) {
    if (family == Family::ipv6)
      return false;
    // Under the mask the flags are a number: `value` when all are set, 0 when none is.
    const std::uint16_t none_below = static_cast<std::uint16_t>(value - 1);
    group.more.emplace_back(U32Match{
        {test.match
             ? (test.negated ? u32_tcp_flags(value, 0, none_below) : u32_tcp_flags(value, value, value))
             : (test.negated ? u32_tcp_flags(value, 0, 0) : u32_tcp_flags(value, 1, value))},
        false});
    return true;
  }
  const auto bits = static_cast<std::uint8_t>(value);
  const bool one_bit = std::has_single_bit(value);
  const bool all_set = test.match ? !test.negated : !test.negated && one_bit;
  const bool all_clear = test.match ? test.negated && one_bit : test.negated;
  if (all_set || all_clear) {
    group.mask = static_cast<std::uint8_t>(group.mask | bits);
    group.set = static_cast<std::uint8_t>(group.set | (all_set ? bits : 0));
    return true;
  }
  TcpMatch other;
  other.flags_mask = bits;
  other.flags_set = test.match ? bits : std::uint8_t{0};
  other.flags_negated = true;
  group.more.emplace_back(other);
  return true;
}

} // namespace

std::optional<std::vector<TcpFlagGroup>> tcp_flag_groups(const BitTests& flags, Family family) {
  if (every_combination(looked_at(flags), [&](std::uint16_t data) { return flags.holds(data); }))
    return std::vector<TcpFlagGroup>(1);
  std::vector<TcpFlagGroup> result;
  for (const BitTests& tests : groups_of(flags)) {
    if (never_holds(tests))
      continue;
    TcpFlagGroup group;
    for (const BitTest& test : without_redundant(tests).tests)
      if (!add(group, test, family))
        return std::nullopt;
    result.push_back(std::move(group));
  }
  return result;
}

bool never_holds(const BitTests& flags) {
  return every_combination(looked_at(flags), [&](std::uint16_t data) { return !flags.holds(data); });
}

} // namespace flowspec
