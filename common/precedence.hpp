// SPDX-License-Identifier: GPL-2.0-or-later
//
// The order in which routes are looked at.
#pragma once

#include "common/entry.hpp"

#include <compare>
#include <vector>

namespace flowspec {

/// RFC 8955 section 5.1 and, for prefixes with an offset, RFC 8956 section 4, of matches by their bytes in
/// canonical_nlri: less means looked at earlier.
std::strong_ordering rfc_precedence(const Components& a, const Components& b);
/// The same by the bytes that were announced, as far as Entry::announced knows them.
std::strong_ordering rfc_precedence(const Entry& a, const Entry& b);

/// The whole order: sequence numbers first, ascending; then those without, by rfc_precedence; the default
/// policy last, whatever its number. Those with the same number stand by rfc_precedence of their matches.
bool comes_before(const Entry& a, const Entry& b);

/// Sorts by comes_before; the result does not depend on the order given.
void sort_by_precedence(std::vector<Entry>& entries);

} // namespace flowspec
