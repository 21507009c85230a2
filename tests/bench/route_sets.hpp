// SPDX-License-Identifier: GPL-2.0-or-later
//
// Routes in numbers, as those who announce many have them.
#pragma once

#include "common/entry.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace flowspec::bench {

struct RouteSet {
  std::string_view name;
  Entry (*route)(std::uint32_t number); ///< no two with the same match
};

/// - hosts: a service of each of many hosts is closed;
/// - sources: one host under attack, each of the sources named;
/// - mixed: a segmentation's, with rates, accepted packets, lists of ports, flags and fragments among it.
/// All are IPv4, have a sequence number, and get rules.
std::span<const RouteSet> route_sets();

std::vector<Entry> routes_of(const RouteSet& set, std::uint32_t count);

} // namespace flowspec::bench
