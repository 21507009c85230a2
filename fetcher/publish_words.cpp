// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/publish_words.hpp"

#include "common/error.hpp"
#include "common/printable.hpp"
#include "fetcher/packet_box.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

namespace flowspec {

namespace {

constexpr std::size_t longest_interface = 15;

/// All of `text` as a decimal number.
template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// As the kernel takes them, with '+' at the end for all that begin so.
bool is_interface(std::string_view name) {
  constexpr std::string_view never = "/: \t\n\v\f\r";
  return !name.empty() && name.size() <= longest_interface && name != "." && name != ".." &&
         name.find_first_of(never) == std::string_view::npos;
}

/// "65000:100".
struct RouteTarget {
  std::uint16_t asn = 0;
  std::uint32_t value = 0;
};

std::optional<RouteTarget> route_target(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  const auto asn = number<std::uint16_t>(text.substr(0, colon));
  const auto value = number<std::uint32_t>(text.substr(colon + 1));
  if (!asn || !value)
    return std::nullopt;
  return RouteTarget{*asn, *value};
}

} // namespace

InterfaceTarget interface_target(std::string_view text) {
  using Side = InterfaceTarget::Side;
  InterfaceTarget target;
  std::string_view rest = text;
  for (const auto& [word, side] : {std::pair<std::string_view, Side>{"in:", Side::in}, {"out:", Side::out}})
    if (rest.starts_with(word)) {
      rest.remove_prefix(word.size());
      target.side = side;
      break;
    }
  const std::size_t equals = rest.rfind('=');
  const auto refuse = [text](std::string_view why) {
    return UsageError(fmt::format("--interface-rt {}: {}; it is [in:|out:]IFACE=ASN:N, like in:eth0=65000:1",
                                  printable(text), why));
  };
  if (equals == std::string_view::npos)
    throw refuse("no '=' in it");
  target.interface = rest.substr(0, equals);
  if (!is_interface(target.interface))
    throw refuse(fmt::format("an interface's name has 1 to {} characters and no '/', ':' or blank",
                             longest_interface));
  const auto found = route_target(rest.substr(equals + 1));
  if (!found)
    throw refuse("a route target is ASN:N, ASN up to 65535 and N up to 4294967295");
  target.route_target = fmt::format("{}:{}", found->asn, found->value);
  return target;
}

void check(const std::vector<InterfaceTarget>& targets, const SequenceCarrier& carrier) {
  const auto same_place = [](const InterfaceTarget& one, const InterfaceTarget& other) {
    return std::tie(one.interface, one.side) == std::tie(other.interface, other.side);
  };
  // Whoever has what is for eth0 only would not have a rule for eth+ that stands before it.
  const auto some_of = [](const InterfaceTarget& one, const InterfaceTarget& other) {
    return one.interface != other.interface &&
           (one.side == other.side || one.side == InterfaceTarget::Side::either ||
            other.side == InterfaceTarget::Side::either) &&
           (names_cover(one.interface, other.interface) || names_cover(other.interface, one.interface));
  };
  for (auto target = targets.begin(); target != targets.end(); ++target) {
    if (std::any_of(targets.begin(), target, [&](const auto& other) { return same_place(other, *target); }))
      throw UsageError(
          fmt::format("--interface-rt: this side of {} has a route target already", target->interface));
    for (auto other = targets.begin(); other != target; ++other)
      if (some_of(*other, *target))
        throw UsageError(fmt::format("--interface-rt: {} and {} name some of the same interfaces",
                                     other->interface, target->interface));
    if (carrier.kind == SequenceCarrier::Kind::route_target &&
        route_target(target->route_target)->asn == carrier.asn)
      throw UsageError(fmt::format("--interface-rt {}={}: --sequence {} keeps that ASN for sequence numbers",
                                   target->interface, target->route_target, to_string(carrier)));
  }
}

bool loses_common_beginnings(std::string_view version) {
  std::vector<std::uint16_t> parts;
  for (std::string_view rest = version; !rest.empty();) {
    const std::size_t dot = rest.find('.');
    const auto part = number<std::uint16_t>(rest.substr(0, dot));
    if (!part || dot == rest.size() - 1)
      break;
    parts.push_back(*part);
    rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
    if (rest.empty() && (parts.size() == 2 || parts.size() == 3))
      return std::pair(parts[0], parts[1]) >= std::pair<std::uint16_t, std::uint16_t>(10, 7);
  }
  throw UsageError(fmt::format("--frr {}: a version is like 8.4 or 10.7.0, as vtysh -c 'show version' has it",
                               printable(version)));
}

} // namespace flowspec
