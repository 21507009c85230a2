// SPDX-License-Identifier: GPL-2.0-or-later
//
// The order in which routes are looked at.
#pragma once

#include "common/entry.hpp"

#include <compare>
#include <vector>

namespace flowspec {

/// RFC 8955 section 5.1 and, for prefixes with an offset, RFC 8956 section 4: less means looked at earlier.
/// FRR does not show the bytes of a route, so they are compared as canonical_nlri has them.
std::strong_ordering rfc_precedence(const Components& a, const Components& b);

/// The whole order: sequence numbers first, ascending; then those without, by rfc_precedence; the default
/// policy last, whatever its number. Ties fall to rfc_precedence.
bool comes_before(const Entry& a, const Entry& b);

/// Sorts by comes_before; the result does not depend on the order given.
void sort_by_precedence(std::vector<Entry>& entries);

} // namespace flowspec
