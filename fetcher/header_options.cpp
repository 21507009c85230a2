// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-m dscp`, `-m tos` and `-m iprange`.
#include "fetcher/match_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace flowspec {

namespace {

using Named = std::pair<std::string_view, std::uint8_t>;

constexpr std::array<Named, 22> dscp_classes{
    {{"BE", 0},    {"CS0", 0},   {"CS1", 8},   {"CS2", 16},  {"CS3", 24},  {"CS4", 32},
     {"CS5", 40},  {"CS6", 48},  {"CS7", 56},  {"AF11", 10}, {"AF12", 12}, {"AF13", 14},
     {"AF21", 18}, {"AF22", 20}, {"AF23", 22}, {"AF31", 26}, {"AF32", 28}, {"AF33", 30},
     {"AF41", 34}, {"AF42", 36}, {"AF43", 38}, {"EF", 46}}};

/// Those of RFC 1349. By name iptables leaves the three bits of precedence (RFC 791) out of the mask.
constexpr std::array<Named, 5> tos_names{{{"MINIMIZE-DELAY", 0x10},
                                          {"MAXIMIZE-THROUGHPUT", 0x08},
                                          {"MAXIMIZE-RELIABILITY", 0x04},
                                          {"MINIMIZE-COST", 0x02},
                                          {"NORMAL-SERVICE", 0x00}}};
constexpr std::uint8_t mask_of_names = 0x3f;

/// None when `word` is not among `names`.
template <std::size_t N>
std::optional<std::uint8_t> value_of(std::string_view word, const std::array<Named, N>& names) {
  const auto* found = std::ranges::find(names, upper(word), &Named::first);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

/// "10.0.0.1-10.0.0.9", or one address alone. iptables takes a range that ends before it begins, for no
/// address.
IprangeMatch::Range read_range(const RuleOption& option, Family family) {
  const std::string& text = option.value();
  const auto ends = split(text, '-');
  const std::optional<Address> first = parse_address(ends.front());
  const std::optional<Address> last = parse_address(ends.back());
  if (ends.size() > 2 || !first || !last || first->family != family || last->family != family)
    throw UnreadablePart(fmt::format("{} {} is no range of {} addresses", option.name, text, name(family)));
  return {*first, *last};
}

} // namespace

DscpMatch read_dscp(std::span<const RuleOption> options) {
  if (options.empty())
    throw UnreadablePart("-m dscp without a value");
  if (options.size() > 1)
    throw UnreadablePart("--dscp and --dscp-class");
  const RuleOption& option = options.front();
  if (option.name == "--dscp")
    return {.value = static_cast<std::uint8_t>(number(option.value(), 63, option.name)),
            .negated = option.negated};
  const std::optional<std::uint8_t> value = value_of(option.value(), dscp_classes);
  if (!value)
    throw UnreadablePart(fmt::format("{} {}", option.name, option.value()));
  return {.value = *value, .negated = option.negated};
}

/// "0x10", "0x10/0x3f" or a name.
TosMatch read_tos(std::span<const RuleOption> options) {
  if (options.empty())
    throw UnreadablePart("-m tos without a value");
  const RuleOption& option = options.front();
  const std::string& text = option.value();
  if (const std::optional<std::uint8_t> named = value_of(text, tos_names))
    return {.value = *named, .mask = mask_of_names, .negated = option.negated};
  const auto parts = split(text, '/');
  if (parts.size() > 2)
    throw UnreadablePart(fmt::format("{} {}", option.name, text));
  TosMatch match{.value = static_cast<std::uint8_t>(number(parts[0], 255, option.name)),
                 .negated = option.negated};
  if (parts.size() == 2)
    match.mask = static_cast<std::uint8_t>(number(parts[1], 255, option.name));
  return match;
}

IprangeMatch read_iprange(std::span<const RuleOption> options, Family family) {
  if (options.empty())
    throw UnreadablePart("-m iprange without a range");
  IprangeMatch match;
  for (const RuleOption& option : options) {
    const bool source = option.name == "--src-range";
    (source ? match.source : match.destination) = read_range(option, family);
    (source ? match.source_negated : match.destination_negated) = option.negated;
  }
  return match;
}

} // namespace flowspec
