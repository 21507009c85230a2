// SPDX-License-Identifier: GPL-2.0-or-later
//
// A random set of entries, and its way into the kernel.
#pragma once

#include "injector/compile.hpp"
#include "injector/wanted.hpp"
#include "tests/support/generate.hpp"

#include <cstdint>
#include <vector>

namespace flowspec::oracle {

/// Everything that a seed stands for: the entries, and the packets that are drawn from `random` afterwards.
struct RuleSet {
  std::uint64_t seed = 0;
  generate::Random random;
  Family family = Family::ipv4;
  CompileOptions options;
  std::vector<Entry> entries;
};

/// The seed of the set with number `index`: its lowest bit is the family, so that the seed alone gives back
/// the set.
std::uint64_t seed_of(std::uint64_t base, std::uint64_t index, Family family);
RuleSet draw(std::uint64_t seed);

struct Installed {
  std::vector<Entry> reference;      ///< what the kernel should do: the entries that were not rejected
  std::vector<Entry> never_matching; ///< rejected as such: no packet may prove that wrong
  std::vector<Rejected> rejected;
  std::vector<WantedTable> tables;
};

/// Puts the rules of `set`, and no others of ours, into the tables of the current namespace.
Installed install(const RuleSet& set);

} // namespace flowspec::oracle
