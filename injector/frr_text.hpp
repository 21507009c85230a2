// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `show bgp ipv4|ipv6 flowspec detail json` prints, taken apart and not yet understood: one JSON array a
// route, one after another without commas; in it, for every path, an object of components, perhaps one of
// communities, and one with the age. The keys are FRR's (bgp_flowspec_vty.c, 7.0 and later).
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace flowspec {

/// One path of a route: the texts as FRR prints them.
struct ShownPath {
  static constexpr std::size_t component_count = 13;
  /// FRR's keys, at the index of their component type less one.
  static constexpr std::array<std::string_view, component_count> keys{
      "to",   "from", "proto",  "port", "dstp",    "srcp",  "type",
      "code", "tcp",  "pktlen", "dscp", "pktfrag", "flwlbl"};

  std::array<std::optional<std::string_view>, component_count> components;
  std::optional<std::string_view> ecomlist;  ///< extended communities
  std::optional<std::string_view> ecom6list; ///< IPv6 address specific extended communities
  std::string_view age;
};

/// One route; at least one path, all with the same components.
struct ShownRoute {
  std::vector<ShownPath> paths;
  std::string_view text; ///< its array; a part of what was read
};

/// Hands over the routes of the answer one by one, in its order; what a route says holds during that call,
/// its `text` as long as the answer. White space alone is no routes. Throws Error, with the position in the
/// text, when anything else than such arrays is there: a cut answer, an error object, a message behind the
/// last array, an unknown key. The routes before it have been handed over by then: an answer that throws is
/// no answer.
void parse_flowspec_detail(std::string_view text, const std::function<void(const ShownRoute&)>& take);

} // namespace flowspec
