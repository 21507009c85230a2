// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy_ranges.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace flowspec {

Allowed<double> allowed_rates(const TermMatch& match) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Allowed<double> result{true, 0, infinity};
  const auto at_least = [&result](double first) {
    result.none = false;
    result.first = std::max(result.first, first);
  };
  const auto at_most = [&result](double last) {
    result.none = false;
    result.last = std::min(result.last, last);
  };
  if (match.rate_above)
    at_least(std::nextafter(*match.rate_above, infinity));
  if (match.rate_below)
    at_most(std::nextafter(*match.rate_below, -infinity));
  bool missing = false;
  for (const ActionKind kind : match.actions)
    if (kind == ActionKind::rate)
      at_least(std::numeric_limits<double>::denorm_min());
    else if (kind == ActionKind::discard)
      at_most(0);
    else if (kind == ActionKind::accept)
      missing = true;
  if (missing)
    result.last = -1;
  return result;
}

Allowed<std::uint64_t> allowed_sequences(const TermMatch& match) {
  Allowed<std::uint64_t> result{true, match.first_sequence.value_or(0),
                                match.last_sequence.value_or(std::numeric_limits<std::uint64_t>::max())};
  if (match.first_sequence || match.last_sequence || match.has_sequence.value_or(false))
    result.none = false;
  if (match.has_sequence && !*match.has_sequence) {
    result.first = 1;
    result.last = 0;
  }
  return result;
}

} // namespace flowspec
