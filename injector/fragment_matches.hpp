// SPDX-License-Identifier: GPL-2.0-or-later
//
// A fragment component (RFC 8955 section 4.2.2.12, RFC 8956 section 3.6) as matches.
#pragma once

#include "common/bit_tests.hpp"
#include "common/family.hpp"
#include "common/rule.hpp"
#include "common/value_set.hpp"

#include <optional>
#include <vector>

namespace flowspec {

/// What the flags and the offset of an IPv4 header have to be, as the number that Field::fragment reads.
ValueSet ipv4_fragment_values(const BitTests& fragment);

/// An IPv6 packet is meant when some of `meet` holds; or, when that is empty, none of `leave`.
struct FragmentMatches {
  std::vector<std::vector<Match>> meet;
  std::vector<std::vector<Match>> leave;
};

/// None when ip6tables' matches cannot say it. Requires a component that does not hold for every packet.
/// `transport`: the match asks for a transport header too, so that later fragments are not meant anyway.
std::optional<FragmentMatches> ipv6_fragment_matches(const BitTests& fragment, bool transport);

/// True when it holds for every packet, or for every one that has its transport header.
bool always_holds(const BitTests& fragment, Family family, bool transport);
/// True when it holds for none of them.
bool never_holds(const BitTests& fragment, Family family, bool transport);

} // namespace flowspec
