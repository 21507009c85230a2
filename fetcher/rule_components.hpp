// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a firewall rule matches, in flowspec's components: the same packets exactly, or not at all.
#pragma once

#include "common/entry.hpp"
#include "common/rule.hpp"

#include <string>
#include <variant>

namespace flowspec {

/// Why no components say what a rule matches.
struct Unsayable {
  std::string why;
  bool operator==(const Unsayable&) const = default;
};

/// The packets that `rule` matches, whatever its target. A component with no values means that it matches
/// none. Every packet of the family is said as every destination: flowspec has no route without components,
/// and the one with every destination and every source stands for the chain's policy.
std::variant<Components, Unsayable> components_of(const Rule& rule, Family family);

/// True when a component holds no value at all.
bool matches_nothing(const Components& match);

/// True for a rule that does nothing but accept packets of connections that are known: ESTABLISHED, RELATED
/// or both.
bool accepts_known_connections(const Rule& rule);

} // namespace flowspec
