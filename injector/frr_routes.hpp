// SPDX-License-Identifier: GPL-2.0-or-later
//
// FRR's answer as entries: everything about FRR's text ends here.
#pragma once

#include "common/entry.hpp"
#include "common/numeric_tests.hpp"
#include "common/rejected.hpp"
#include "common/sequence_carrier.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace flowspec {

struct ReadingOptions {
  SequenceCarrier carrier;
  OperatorTable operator_table = OperatorTable::rfc8955;
  bool communities = true; ///< Entry::communities are wanted
};

/// How many routes there are of each family.
struct RouteCounts {
  std::size_t ipv4 = 0;
  std::size_t ipv6 = 0;

  std::size_t& of(Family family) { return family == Family::ipv4 ? ipv4 : ipv6; }
  std::size_t of(Family family) const { return family == Family::ipv4 ? ipv4 : ipv6; }
  std::size_t sum() const { return ipv4 + ipv6; }
};

struct RoutesRead {
  RouteCounts routes; ///< shown, used or not
  std::size_t paths = 0;
  std::vector<Entry> entries;     ///< one for each match that is used, in FRR's order
  std::vector<Rejected> rejected; ///< routes that are not used
  std::vector<Rejected> remarks;  ///< routes that are, but not quite as announced

  void append(RoutesRead other);
};

/// One match of an answer as FRR printed it.
struct RouteText {
  std::string text; ///< its arrays
  std::size_t paths = 0;
};

/// By stable_id, those for which `wanted` is true, without it all; matches that cannot be used are left out.
/// Throws Error like read_frr_routes.
std::unordered_map<std::string, RouteText>
route_texts(std::string_view text, Family family, OperatorTable operators,
            const std::function<bool(const std::string& id)>& wanted = nullptr);

/// True when two entries of one match ask for the same and were announced by the same bytes; their ages do
/// not matter.
bool ask_the_same(const Entry& a, const Entry& b);

/// Throws Error when `text` is no whole answer: see parse_flowspec_detail and read_components. From
/// `halve_from` bytes on two threads read half of it each, with the same outcome.
RoutesRead read_frr_routes(std::string_view text, Family family, const ReadingOptions& options,
                           std::size_t halve_from = std::size_t{1} << 20);

} // namespace flowspec
