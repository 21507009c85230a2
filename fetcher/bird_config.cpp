// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_config.hpp"

#include "common/error.hpp"
#include "common/printable.hpp"
#include "fetcher/bird_route.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace flowspec {

namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
constexpr std::string_view digits = "0123456789";
constexpr std::size_t longest_symbol = 63;

void check_symbol(std::string_view option, const std::string& name, std::size_t suffix) {
  const bool valid =
      !name.empty() && letters.find(name.front()) != std::string_view::npos &&
      std::ranges::all_of(name, [](char c) {
        return letters.find(c) != std::string_view::npos || digits.find(c) != std::string_view::npos;
      });
  if (!valid)
    throw UsageError(
        fmt::format("{} \"{}\": a name in BIRD is letters, digits and _, and begins with no digit", option,
                    printable(name)));
  if (name.size() + suffix > longest_symbol)
    throw UsageError(fmt::format("{} \"{}\": longer than {} letters", option, name, longest_symbol - suffix));
}

std::string protocol_block(Family family, std::span<const Route> routes, const BirdNames& names,
                           const SequenceCarrier& carrier) {
  std::string lines;
  for (const Route& route : routes)
    if (route.entry.match.family == family)
      // A comment reaches to the end of the line, and `printable` leaves no byte in it that could end one.
      lines += fmt::format("  {} # {}\n", bird_route(route.entry, carrier), printable(route.origin));
  if (lines.empty())
    return {};
  const bool ipv4 = family == Family::ipv4;
  return fmt::format("\nprotocol static {}{} {{\n  {} {{ table {}; }};\n{}}}\n", names.protocol, ipv4 ? 4 : 6,
                     ipv4 ? "flow4" : "flow6", ipv4 ? names.flow4_table : names.flow6_table, lines);
}

} // namespace

void check(const BirdNames& names) {
  check_symbol("--flow4-table", names.flow4_table, 0);
  check_symbol("--flow6-table", names.flow6_table, 0);
  check_symbol("--protocol", names.protocol, 1);
}

std::string bird_config(std::span<const Route> routes, const BirdNames& names,
                        const SequenceCarrier& carrier) {
  return fmt::format("# Written by flowspec-fetcher from firewall rules; the next run replaces it.\n"
                     "# Sequence numbers: {}.\n",
                     to_string(carrier)) +
         protocol_block(Family::ipv4, routes, names, carrier) +
         protocol_block(Family::ipv6, routes, names, carrier);
}

} // namespace flowspec
