// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the rules so far have decided: a rule whose packets are all among it decides nothing.
#pragma once

#include "fetcher/packet_box.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flowspec {

class Decided {
 public:
  /// The packets of `box`, which must outlive this object, are decided by the rule that `by` stands for.
  void add(const Box& box, std::size_t by);

  struct Cover {
    std::optional<std::size_t> by; ///< the one that decides them all; none: several together do

    bool operator==(const Cover&) const = default;
  };

  /// Who decides the packets of `box`; none when some are left, or when it takes too much work to tell: with
  /// more than 512 boxes only those are looked at whose addresses hold all of the box's, and of these 4096;
  /// and several together are tried up to 256.
  std::optional<Cover> cover(const Box& box) const;

 private:
  struct Addresses {
    Prefix destination;
    Prefix source;
    bool operator==(const Addresses&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Addresses& addresses) const;
  };
  struct Known {
    const Box* box;
    std::size_t by;
  };

  std::vector<Known> overlapping(const Box& box) const;

  std::unordered_multimap<Addresses, Known, Hash> known_;
  std::set<std::pair<std::uint8_t, std::uint8_t>> lengths_; ///< of those
};

} // namespace flowspec
