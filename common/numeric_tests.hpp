// SPDX-License-Identifier: GPL-2.0-or-later
//
// Numeric operators (RFC 8955 section 4.2.1.1) as FRR shows them: without their AND bits. What set they mean
// is found from how they could be read, and only one useful way to read them is believed.
#pragma once

#include "common/value_set.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace flowspec {

/// One {operator, value} pair without its AND bit.
struct NumericTest {
  bool less = false;
  bool greater = false;
  bool equal = false;
  std::int64_t value = 0; ///< as shown; may be outside the domain

  bool operator==(const NumericTest&) const = default;
};

/// What the operators 000 and 111 mean: RFC 8955 has false and true,
/// draft-loibl-bacher-idr-flowspec-clarification-00 had true and false.
enum class OperatorTable : std::uint8_t { rfc8955, draft };

/// The most pairs that a list may have: more cannot come out of any FRR.
constexpr std::size_t max_numeric_tests = 6;

/// The set that one pair stands for, within 0..max. Requires 0 <= value <= max.
ValueSet values_of(const NumericTest& test, std::uint32_t max, OperatorTable table);

/// The set that `tests` mean, within 0..max, when there is only one useful way to read them; none when there
/// is no such way or more than one. A reading joins neighbours by AND into groups, and the groups by OR. When
/// all readings are the same set, it is that set. Else a reading is useful when every group is satisfiable,
/// every operator narrows its group (a bound at the domain's own end may not), every group adds to the union,
/// and the union is not the whole domain. Requires 1..max_numeric_tests pairs with values within 0..max.
std::optional<ValueSet> unique_useful_reading(std::span<const NumericTest> tests, std::uint32_t max,
                                              OperatorTable table = OperatorTable::rfc8955);

/// A set, and which of the tests are joined by AND to mean it.
struct NumericReading {
  ValueSet values;
  std::uint32_t joined = 0; ///< bit i: test i and test i + 1
};

/// unique_useful_reading with its AND bits. Several readings may be that one set, and which of them was
/// announced nobody can tell: the choice is arbitrary. It is the one that joins every ">= A" to a "<= B"
/// right behind it and nothing else, as most speakers write ranges; when that is not among them, the first
/// that is found.
std::optional<NumericReading> joined_reading(std::span<const NumericTest> tests, std::uint32_t max,
                                             OperatorTable table = OperatorTable::rfc8955);

} // namespace flowspec
