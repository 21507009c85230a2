// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/feasibility.hpp"
#include "injector/frr_unicast.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace flowspec;

namespace {

/// A best path is of the announcer that it was learned from.
void judge(UnicastTable table) {
  const std::vector<UnicastRoute> best = table.best;
  const UnicastRoutes unicast(std::move(table.best), {{"10.77.0.2", 65002}});
  for (const UnicastRoute& route : best) {
    Components match;
    match.family = route.prefix.family();
    match.destination = route.prefix;
    if (unicast.best_match(route.prefix) == nullptr ||
        unicast.best_match(route.prefix)->prefix != route.prefix)
      std::abort();
    why_not_feasible(match, {route.peer, route.first_as}, unicast, Validate::rfc8955);
    why_not_feasible(match, {"10.77.0.2", 65002}, unicast, Validate::rfc9117);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    try {
      judge(parse_unicast_table(text, family));
    } catch (const Error&) {
    }
    try {
      parse_unicast_neighbors(text, family);
    } catch (const Error&) {
    }
  }
  try {
    parse_unicast_summary(text);
  } catch (const Error&) {
  }
  return 0;
}
