// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/bit_tests.hpp"

#include <fmt/format.h>

namespace flowspec {

bool BitTests::holds(std::uint16_t data) const {
  bool any = false;   // a group before this one held
  bool group = false; // the group so far
  for (std::size_t index = 0; index < tests.size(); ++index) {
    if (index > 0 && tests[index].and_with_previous) {
      group = group && tests[index].holds(data);
    } else {
      any = any || group;
      group = tests[index].holds(data);
    }
  }
  return any || group;
}

std::string to_string(const BitTests& tests) {
  std::string text;
  for (const BitTest& test : tests.tests) {
    if (!text.empty())
      text += test.and_with_previous ? ",&" : ",|";
    text += fmt::format("{}{}{}", test.match ? "= " : "∋ ", test.negated ? "! " : "", test.value);
  }
  return text;
}

} // namespace flowspec
