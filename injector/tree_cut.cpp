// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_cut.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>

namespace flowspec {

namespace {

constexpr std::size_t few_rules = 64; ///< up to here 2 bits are taken at a time, else 4

/// How many bits two addresses share, at most `bits`.
unsigned shared_bits(const Prefix& a, const Prefix& b, unsigned bits) {
  for (unsigned byte = 0; byte * 8 < bits; ++byte)
    if (const auto other = static_cast<std::uint8_t>(a.address.bytes[byte] ^ b.address.bytes[byte]);
        other != 0)
      return std::min(bits, byte * 8 + static_cast<unsigned>(std::countl_zero(other)));
  return bits;
}

/// Where those that are longer than `known` bits part, or how far they agree when they never do.
struct Parting {
  unsigned at = 0;
  bool parts = false;
  std::size_t longer = 0;
};

Parting parting_of(std::span<const TreeEntry> entries, Dimension dimension, unsigned known) {
  const Prefix* first = nullptr;
  Parting result;
  unsigned shortest = 128;
  unsigned agreed = 128;
  for (const TreeEntry& entry : entries) {
    const Prefix& prefix = prefix_of(entry, dimension);
    if (prefix.length <= known)
      continue;
    ++result.longer;
    shortest = std::min<unsigned>(shortest, prefix.length);
    if (first == nullptr) {
      first = &prefix;
      continue;
    }
    const unsigned both = std::min(first->length, prefix.length);
    const unsigned bits = shared_bits(*first, prefix, both);
    if (bits < both && bits < agreed) {
      agreed = bits;
      result.parts = true;
    } else if (bits == both && prefix.length > first->length && agreed >= first->length)
      first = &prefix; // the longest one sees the most
  }
  result.at = result.parts ? agreed : shortest;
  return result;
}

/// How a cut takes entries apart.
struct Parts {
  std::array<std::size_t, most_branches> branches{};
  double narrow = 0;
  double between = 0;     ///< longer than what is known, but not narrow
  double separable = 0;   ///< of the wide ones, in one dimension or the other
  double inseparable = 0; ///< the other wide ones

  bool any() const { return narrow > 0 && (used() > 1 || separable + inseparable > 0); }
  std::ptrdiff_t used() const {
    return std::ssize(branches) - std::count(branches.begin(), branches.end(), std::size_t{0});
  }
  double walk() const {
    double in_branch = 0;
    for (const std::size_t size : branches)
      in_branch += static_cast<double>(size) / narrow * expected_walk(static_cast<double>(size));
    return static_cast<double>(used()) / 2 + 1 + in_branch + expected_walk(separable) + inseparable;
  }
};

Parts parts_of(const Cut& cut, std::span<const TreeEntry> entries, const TreeRegion& region) {
  const Dimension other =
      cut.dimension == Dimension::destination ? Dimension::source : Dimension::destination;
  const unsigned known = region.prefix(cut.dimension).length;
  const unsigned other_known = region.prefix(other).length;
  Parts parts;
  for (const TreeEntry& entry : entries) {
    const double rules = entry.rules;
    if (cut.narrow(entry)) {
      parts.branches[cut.branch(entry)] += entry.rules;
      parts.narrow += rules;
      continue;
    }
    const bool longer = prefix_of(entry, cut.dimension).length > known;
    parts.between += longer ? rules : 0;
    (longer || prefix_of(entry, other).length > other_known ? parts.separable : parts.inseparable) += rules;
  }
  return parts;
}

/// None when nothing is separated.
std::optional<Cut> cut_in(Dimension dimension, std::span<const TreeEntry> entries, const TreeRegion& region,
                          std::size_t rules) {
  const unsigned known = region.prefix(dimension).length;
  const Parting parting = parting_of(entries, dimension, known);
  if (parting.longer == 0)
    return std::nullopt;
  std::optional<Cut> best;
  const auto consider = [&](unsigned base, unsigned length) {
    Cut cut{dimension, base, length, 0};
    const Parts parts = parts_of(cut, entries, region);
    if (parts.any()) {
      cut.walk = parts.walk();
      if (!best || cut.walk < best->walk)
        best = cut;
    }
    return parts.between > parts.narrow / 4; // a cut before their ends may be better
  };
  if (!parting.parts) { // one branch, which at least keeps other packets from them
    if (const unsigned length = parting.at / 2 * 2; length > known)
      consider(length, length);
    return best;
  }
  for (unsigned stride = rules > few_rules ? 4 : 2; stride > 0; stride /= 2) {
    const unsigned base = parting.at / stride * stride;
    if (!consider(base, base + stride))
      break;
  }
  return best;
}

} // namespace

unsigned Cut::branch(const TreeEntry& entry) const {
  const unsigned bits = length - base; // at a multiple of their number: never in two bytes
  if (bits == 0)
    return 0;
  const unsigned octet = prefix_of(entry, dimension).address.bytes[base / 8];
  return octet >> (8 - base % 8 - bits) & ((1U << bits) - 1);
}

double expected_walk(double rules) {
  constexpr double straight = 8;
  return rules <= straight ? rules : straight + 2.5 * std::log2(rules / straight);
}

Cuts cuts_of(std::span<const TreeEntry> entries, const TreeRegion& region, std::size_t rules) {
  Cuts result;
  for (const Dimension dimension : every_dimension)
    if (const std::optional<Cut> cut = cut_in(dimension, entries, region, rules))
      result.cuts[result.count++] = *cut;
  if (result.count == 2 && result.cuts[1].walk < clearly * result.cuts[0].walk)
    std::swap(result.cuts[0], result.cuts[1]);
  return result;
}

} // namespace flowspec
