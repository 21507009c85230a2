// SPDX-License-Identifier: GPL-2.0-or-later
//
// Prefixes as one set of addresses, asked in logarithmic time.
#pragma once

#include "common/prefix.hpp"

#include <span>
#include <vector>

namespace flowspec {

/// Addresses of both families. Prefixes with an offset (RFC 8956) are no part of such a set.
class PrefixSet {
 public:
  PrefixSet() = default;
  /// In any order, overlapping at will. Requires an offset of 0 of each.
  explicit PrefixSet(std::vector<Prefix> prefixes);

  bool empty() const { return prefixes_.empty(); }
  bool contains(const Address& address) const;
  /// Every address of `prefix` is in the set; prefixes that lie side by side count together. False for one
  /// with an offset.
  bool contains(const Prefix& prefix) const;
  /// Some address of `prefix` is in the set. True for one with an offset when the set has any of its family:
  /// what cannot be told is not denied.
  bool overlaps(const Prefix& prefix) const;
  /// The fewest prefixes that are the set: sorted, disjoint, none the sibling of another.
  std::span<const Prefix> prefixes() const { return prefixes_; }

  bool operator==(const PrefixSet&) const = default;

 private:
  std::vector<Prefix> prefixes_;
};

/// Addresses that no machine has for itself, of both families: loopback, link-local, multicast and broadcast.
const PrefixSet& shared_addresses();

} // namespace flowspec
