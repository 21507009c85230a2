// SPDX-License-Identifier: GPL-2.0-or-later
//
// What can be told of a term's conditions without any route. Everything said here is certain; what is not
// said may be so all the same.
#pragma once

#include "common/policy.hpp"

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>

namespace flowspec {

/// Why no route can meet all of the conditions, in words: "a destination within A cannot overlap B".
std::optional<std::string> contradiction(const TermMatch& match);

/// Every route that meets `inner` meets `outer`.
bool implies(const TermMatch& inner, const TermMatch& outer);

/// How many prefixes the conditions hold: what it costs to compare them.
std::size_t prefixes_in(const TermMatch& match);

/// The parts of an entry that terms change.
struct Part {
  static constexpr std::size_t rate = 0;
  static constexpr std::size_t sample = 1;
  static constexpr std::size_t dscp = 2;
  static constexpr std::size_t redirect = 3;
  static constexpr std::size_t unknown = 4;
  static constexpr std::size_t sequence = 5;
};
using Parts = std::bitset<6>;

/// The parts that the conditions are about.
Parts asked_of(const TermMatch& match);
Parts changed_by(const TermChange& change);

} // namespace flowspec
