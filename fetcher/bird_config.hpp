// SPDX-License-Identifier: GPL-2.0-or-later
//
// Routes as a part of BIRD's configuration, to be included from one that defines the tables.
#pragma once

#include "common/sequence_carrier.hpp"
#include "fetcher/publication.hpp"

#include <span>
#include <string>

namespace flowspec {

struct BirdNames {
  std::string flow4_table = "flowtab4";
  std::string flow6_table = "flowtab6";
  std::string protocol = "flowspec"; ///< of the static protocols: with 4 or 6 behind it

  bool operator==(const BirdNames&) const = default;
};

/// Throws UsageError for a name that is no symbol of BIRD's. (BIRD's own words, "route" or "table", are
/// symbols here: BIRD refuses them when it reads the file.)
void check(const BirdNames& names);

/// A static protocol for each family that has routes, one route a line, with the rule that it comes from in a
/// comment behind it. The same routes give the same bytes. Throws what bird_route throws.
std::string bird_config(std::span<const Route> routes, const BirdNames& names,
                        const SequenceCarrier& carrier);

} // namespace flowspec
