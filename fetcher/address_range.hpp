// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/prefix.hpp"
#include "common/rule.hpp"

#include <vector>

namespace flowspec {

/// The fewest prefixes that together hold the addresses of `range`, in ascending order; none when it ends
/// before it begins. At most 2 * address_bits - 2.
std::vector<Prefix> prefixes_of(const IprangeMatch::Range& range);

/// The same for every other address of the family.
std::vector<Prefix> prefixes_outside(const IprangeMatch::Range& range);

/// Every address that is not in `prefix`.
std::vector<Prefix> prefixes_outside(const Prefix& prefix);

} // namespace flowspec
