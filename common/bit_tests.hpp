// SPDX-License-Identifier: GPL-2.0-or-later
//
// A bitmask component (RFC 8955 section 4.2.1.2): TCP flags and fragment.
#pragma once

#include "common/short_list.hpp"

#include <cstdint>
#include <string>

namespace flowspec {

/// One {operator, value} pair.
struct BitTest {
  bool and_with_previous : 1 = false; ///< AND bit; ignored (taken as unset) on the first pair
  bool negated : 1 = false;           ///< NOT bit
  bool match : 1 = false;             ///< m bit: (data & value) == value; unset: (data & value) != 0
  std::uint16_t value = 0;

  bool holds(std::uint16_t data) const {
    const bool hit = match ? (data & value) == value : (data & value) != 0;
    return hit != negated;
  }
  bool operator==(const BitTest&) const = default;
};

/// The AND/OR list as written; AND binds tighter than OR.
struct BitTests {
  ShortList<BitTest> tests;

  bool holds(std::uint16_t data) const;
  bool operator==(const BitTests&) const = default;
};

/// The list as FRR prints it: "= 2,&∋ ! 16".
std::string to_string(const BitTests& tests);

} // namespace flowspec
