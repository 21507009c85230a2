// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/named_protocols.hpp"
#include "common/policy_reader.hpp"
#include "common/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace flowspec {

namespace {

constexpr std::uint64_t largest_sequence = std::numeric_limits<std::uint64_t>::max();

std::optional<std::uint32_t> number_in(std::string_view digits, std::uint32_t most) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.size() > std::to_string(most).size() || error != std::errc{} ||
      end != digits.data() + digits.size() || number > most)
    return std::nullopt;
  return number;
}

/// No zeros in front: it is compared as a text.
bool is_plain_number(std::string_view text, std::uint32_t most) {
  return number_in(text, most) && (text.size() == 1 || text.front() != '0');
}

/// An object with at least one of `keys`, and no others.
void expect_some_of(const JsonPlace& place, std::initializer_list<std::string_view> keys) {
  place.only(keys);
  if (place.value().empty())
    place.refuse(fmt::format("expected at least one of {}", fmt::join(keys, ", ")));
}

template <class Number>
void read_bounds(const JsonPlace& place, std::uint64_t most, std::optional<Number>& least_allowed,
                 std::optional<Number>& most_allowed) {
  expect_some_of(place, {"min", "max"});
  const std::string what = fmt::format("a whole number from 0 to {}", most);
  if (const auto min = place.find("min"))
    least_allowed = static_cast<Number>(min->whole(0, most, what));
  if (const auto max = place.find("max"))
    most_allowed = static_cast<Number>(max->whole(0, most, what));
  if (least_allowed && most_allowed && *least_allowed > *most_allowed)
    place.refuse(
        fmt::format("expected a min that is not above max, found {} and {}", *least_allowed, *most_allowed));
}

PrefixTest read_prefix_test(const JsonPlace& place, PrefixLists& lists) {
  expect_some_of(place, {"within", "overlapping", "length"});
  PrefixTest test;
  if (const auto within = place.find("within"))
    test.within = lists.read(*within);
  if (const auto overlapping = place.find("overlapping"))
    test.overlapping = lists.read(*overlapping);
  if (const auto length = place.find("length"))
    read_bounds(*length, address_bits(Family::ipv6), test.shortest, test.longest);
  return test;
}

/// 80, "80", "8000-8080", and of the protocols their names.
Interval read_values(const JsonPlace& place, std::uint32_t most, bool protocols) {
  const std::string what = fmt::format("a number from 0 to {} as in {}", most,
                                       protocols ? "6, \"tcp\" or \"0-5\"" : "80 or \"8000-8080\"");
  if (!place.value().is_string()) {
    const auto value = static_cast<std::uint32_t>(place.whole(0, most, what));
    return {value, value};
  }
  const std::string_view text = place.text(what);
  if (protocols)
    for (const NamedProtocol& known : named_protocols)
      if (known.name == text)
        return {known.number, known.number};
  const std::size_t dash = text.find('-');
  const std::optional<std::uint32_t> first = number_in(text.substr(0, dash), most);
  const std::optional<std::uint32_t> last =
      dash == std::string_view::npos ? first : number_in(text.substr(dash + 1), most);
  if (!first || !last)
    place.expected(what);
  if (*first > *last)
    place.refuse(fmt::format("expected a range from the smaller to the larger number, found \"{}\"", text));
  return {*first, *last};
}

ValueSet read_value_set(const JsonPlace& place, std::uint32_t most, bool protocols) {
  return {most, read_list<Interval>(place, "numbers and ranges", [&](const JsonPlace& element) {
            return read_values(element, most, protocols);
          })};
}

/// A list alone is what the values have to be within.
ValueTest read_value_test(const JsonPlace& place, std::uint32_t most, bool protocols) {
  if (place.value().is_array())
    return {read_value_set(place, most, protocols), std::nullopt};
  expect_some_of(place, {"within", "overlapping"});
  ValueTest test;
  if (const auto within = place.find("within"))
    test.within = read_value_set(*within, most, protocols);
  if (const auto overlapping = place.find("overlapping"))
    test.overlapping = read_value_set(*overlapping, most, protocols);
  return test;
}

std::bitset<14> read_component_list(const JsonPlace& place) {
  std::bitset<14> result;
  read_list<bool>(place, "names of components", [&result](const JsonPlace& element) {
    result.set(read_name(element, component_names) + 1);
    return true;
  });
  return result;
}

/// A list alone is of those that must be present.
void read_components(const JsonPlace& place, TermMatch& match) {
  if (place.value().is_array()) {
    match.present = read_component_list(place);
    return;
  }
  expect_some_of(place, {"present", "absent"});
  if (const auto present = place.find("present"))
    match.present = read_component_list(*present);
  if (const auto absent = place.find("absent"))
    match.absent = read_component_list(*absent);
}

void read_rate_bounds(const JsonPlace& place, TermMatch& match) {
  expect_some_of(place, {"above", "below"});
  constexpr std::string_view what = "bytes a second, 0 or more";
  if (const auto above = place.find("above"))
    match.rate_above = above->number(0, largest_rate, what);
  if (const auto below = place.find("below"))
    match.rate_below = below->number(0, largest_rate, what);
}

void read_sequence_test(const JsonPlace& place, TermMatch& match) {
  if (place.value().is_object())
    return read_bounds(place, largest_sequence, match.first_sequence, match.last_sequence);
  constexpr std::array<std::string_view, 2> words{"none", "any"};
  if (!place.value().is_string())
    place.expected("\"none\", \"any\" or an object with min, max or both");
  match.has_sequence = read_name(place, words) == 1;
}

std::string read_community(const JsonPlace& place) {
  constexpr std::string_view what = "an extended community as FRR prints it, as in \"FS:marking 10\"";
  const std::string& text = place.text(what);
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || printable(text) != text)
    place.expected(what);
  return text;
}

} // namespace

std::size_t read_name(const JsonPlace& place, std::span<const std::string_view> names) {
  const std::string what = fmt::format("one of {}", fmt::join(names, ", "));
  const auto found = std::find(names.begin(), names.end(), place.text(what));
  if (found == names.end())
    place.expected(what);
  return static_cast<std::size_t>(found - names.begin());
}

std::string read_route_target(const JsonPlace& place) {
  constexpr std::string_view what =
      "a route target as FRR prints it, as in \"65000:101\" or \"192.0.2.1:101\", in 6 octets";
  const std::string& text = place.text(what);
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos)
    place.expected(what);
  const std::string_view administrator = std::string_view(text).substr(0, colon);
  const std::string_view number = std::string_view(text).substr(colon + 1);
  // RFC 4360 section 3, RFC 5668: either half may be the one of four octets, not both.
  const bool good = is_plain_number(administrator, 0xffff) ? is_plain_number(number, 0xffffffff)
                    : is_plain_number(administrator, 0xffffffff)
                        ? is_plain_number(number, 0xffff)
                        : parse_address(administrator) && is_plain_number(number, 0xffff);
  if (!good)
    place.expected(what);
  return text;
}

TermMatch read_match(const JsonPlace& place, PrefixLists& lists) {
  place.only({"family", "destination", "source", "components", "protocol", "port", "destination_port",
              "source_port", "actions", "rate", "route_targets", "communities", "sequence"});
  TermMatch match;
  constexpr std::array families{name(Family::ipv4), name(Family::ipv6)};
  if (const auto family = place.find("family"))
    match.family = read_name(*family, families) == 0 ? Family::ipv4 : Family::ipv6;
  if (const auto destination = place.find("destination"))
    match.destination = read_prefix_test(*destination, lists);
  if (const auto source = place.find("source"))
    match.source = read_prefix_test(*source, lists);
  if (const auto components = place.find("components"))
    read_components(*components, match);
  if (const auto protocol = place.find("protocol"))
    match.protocol = read_value_test(*protocol, domain::protocol, true);
  if (const auto port = place.find("port"))
    match.port = read_value_test(*port, domain::port, false);
  if (const auto port = place.find("destination_port"))
    match.destination_port = read_value_test(*port, domain::port, false);
  if (const auto port = place.find("source_port"))
    match.source_port = read_value_test(*port, domain::port, false);
  if (const auto actions = place.find("actions"))
    match.actions = read_list<ActionKind>(*actions, "names of actions", [](const JsonPlace& element) {
      return static_cast<ActionKind>(read_name(element, action_names));
    });
  if (const auto rate = place.find("rate"))
    read_rate_bounds(*rate, match);
  if (const auto targets = place.find("route_targets"))
    match.route_targets = read_list<std::string>(*targets, "route targets", read_route_target);
  if (const auto communities = place.find("communities"))
    match.communities = read_list<std::string>(*communities, "communities", read_community);
  if (const auto sequence = place.find("sequence"))
    read_sequence_test(*sequence, match);
  return match;
}

} // namespace flowspec
