// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a list of entries is taken apart.
#pragma once

#include "injector/tree.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace flowspec {

/// Which of the two prefixes.
enum class Dimension : std::uint8_t { destination, source };
inline constexpr std::array every_dimension{Dimension::destination, Dimension::source};

inline const Prefix& prefix_of(const TreeEntry& entry, Dimension dimension) {
  return dimension == Dimension::destination ? entry.destination : entry.source;
}

/// The packets that get to a chain.
struct TreeRegion {
  Prefix destination;
  Prefix source;

  const Prefix& prefix(Dimension dimension) const {
    return dimension == Dimension::destination ? destination : source;
  }
};

/// Entries whose prefix has at least `length` bits are narrow, and go into one branch each, by the bits
/// [base, length), at most 4 of them; they agree in those before. The others are wide.
struct Cut {
  Dimension dimension = Dimension::destination;
  unsigned base = 0;
  unsigned length = 0;
  double walk = 0; ///< estimate of the rules that a packet then meets

  bool narrow(const TreeEntry& entry) const { return prefix_of(entry, dimension).length >= length; }
  /// Requires a narrow one; below `branches`.
  unsigned branch(const TreeEntry& entry) const;
};
constexpr unsigned most_branches = 16;

/// The cuts that separate some of `entries`, whose packets are those of `region`, and which have `rules`
/// together; at most one a dimension, the clearly better
/// one first, else that of the destination. Cuts are at even bits where that
/// separates, those of many rules at multiples of four, so that they do not change with each entry.
struct Cuts {
  std::array<Cut, 2> cuts;
  std::size_t count = 0;
};
Cuts cuts_of(std::span<const TreeEntry> entries, const TreeRegion& region, std::size_t rules);

/// The second choice has to be better by so much, or one entry more or less would turn it round again and
/// again.
constexpr double clearly = 0.85;

/// About how many rules a packet meets in the best tree of so many.
double expected_walk(double rules);

} // namespace flowspec
