// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rates and the sequence numbers that a term's conditions leave over.
#pragma once

#include "common/policy.hpp"

#include <cstdint>

namespace flowspec {

/// What a number that may be missing can be: missing, or first..last, both included.
template <class Number>
struct Allowed {
  bool none = true;
  Number first;
  Number last;

  bool some() const { return first <= last; }
  bool nothing() const { return !none && !some(); }
  bool is_part_of(const Allowed& other) const {
    return (!none || other.none) && (!some() || (other.first <= first && last <= other.last));
  }
};

/// Bounds, and the actions that say something of the rate.
Allowed<double> allowed_rates(const TermMatch& match);
Allowed<std::uint64_t> allowed_sequences(const TermMatch& match);

} // namespace flowspec
