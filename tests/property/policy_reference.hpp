// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a policy means, slow and plain: one condition after the other, in words
// that are as close to those of common/policy.hpp as can be.
#pragma once

#include "common/policy.hpp"

#include <cstddef>
#include <optional>
#include <set>

namespace flowspec::test {

struct Outcome {
  Entry entry;
  bool accepted;
  std::optional<std::size_t> term;
  std::set<std::size_t> matched; ///< terms
};

Outcome applied_plainly(const Policy& policy, Entry entry);

} // namespace flowspec::test
