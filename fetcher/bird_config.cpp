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

/// Appends the static protocol of a family, if it has routes.
void append_protocol(std::string& text, Family family, std::span<const Route> routes, const BirdNames& names,
                     const SequenceCarrier& carrier) {
  const auto ours = [family](const Route& route) { return route.entry.match.family == family; };
  if (std::ranges::none_of(routes, ours))
    return;
  const bool ipv4 = family == Family::ipv4;
  text += fmt::format("\nprotocol static {}{} {{\n  {} {{ table {}; }};\n", names.protocol, ipv4 ? 4 : 6,
                      ipv4 ? "flow4" : "flow6", ipv4 ? names.flow4_table : names.flow6_table);
  for (const Route& route : routes)
    if (ours(route)) {
      // A comment reaches to the end of the line, and `printable` leaves no byte in it that could end one.
      text.append("  ").append(bird_route(route.entry, carrier));
      text.append(" # ").append(printable(route.origin)).append("\n");
    }
  text += "}\n";
}

} // namespace

void check(const BirdNames& names) {
  check_symbol("--flow4-table", names.flow4_table, 0);
  check_symbol("--flow6-table", names.flow6_table, 0);
  check_symbol("--protocol", names.protocol, 1);
}

std::string bird_config(std::span<const Route> routes, const BirdNames& names,
                        const SequenceCarrier& carrier) {
  constexpr std::size_t usual_line = 256;
  std::string text;
  text.reserve((routes.size() + 1) * usual_line);
  text += fmt::format("# Written by flowspec-fetcher from firewall rules; the next run replaces it.\n"
                      "# Sequence numbers: {}.\n",
                      to_string(carrier));
  append_protocol(text, Family::ipv4, routes, names, carrier);
  append_protocol(text, Family::ipv6, routes, names, carrier);
  return text;
}

} // namespace flowspec
