// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-m hashlimit`: iptables keeps the kernel's costs (xt_hashlimit.h) and prints rates; this turns the rates
// back.
#include "fetcher/match_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace flowspec {

namespace {

constexpr std::uint64_t cost_of_a_second = 1'000'000; // packets: XT_HASHLIMIT_SCALE_v2
constexpr unsigned block_shift = 4; // bytes are counted in blocks of 16: XT_HASHLIMIT_BYTE_SHIFT
constexpr std::uint64_t whole_cost = std::numeric_limits<std::uint32_t>::max();

// What iptables fills in for an option that is not given.
constexpr std::uint64_t default_burst = 5;
constexpr std::uint32_t default_gc_interval = 1000;
constexpr std::uint32_t byte_expire = 15'000;
constexpr std::uint32_t byte_expire_with_burst = 60'000;

std::uint64_t cost_of_bytes(std::uint64_t bytes) {
  return whole_cost / ((bytes >> block_shift) + 1);
}

std::uint64_t bytes_of_cost(std::uint64_t cost) {
  return (whole_cost / std::max<std::uint64_t>(cost, 1) - 1) << block_shift;
}

/// "1000kb/s" or "12kb" without the end: a number with k or m behind it.
std::uint64_t bytes(std::string_view text, std::string_view option) {
  const std::uint64_t unit = text.ends_with('k') ? 1024 : text.ends_with('m') ? 1024 * 1024 : 1;
  if (unit != 1)
    text.remove_suffix(1);
  return unit * number(text, std::numeric_limits<std::uint64_t>::max() / unit, option);
}

/// Seconds in the unit of "10/min": iptables takes every beginning of the word.
std::optional<std::uint32_t> seconds_of(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, std::uint32_t>, 4> units{
      {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}}};
  for (const auto& [name, seconds] : units)
    if (!unit.empty() && name.starts_with(unit))
      return seconds;
  return std::nullopt;
}

/// Sets average and mode from --hashlimit-upto or --hashlimit-above; returns the seconds of the rate's unit.
std::uint32_t read_rate(HashlimitMatch& match, const RuleOption& option) {
  if ((option.name == "--hashlimit-above") != option.negated)
    match.mode |= HashlimitMatch::mode_invert;
  const std::string_view text = option.value();
  std::uint32_t seconds = 1;
  if (text.ends_with("b/s")) {
    match.mode |= HashlimitMatch::mode_bytes;
    match.average = cost_of_bytes(bytes(text.substr(0, text.size() - 3), option.name));
  } else {
    const auto parts = split(text, '/');
    const std::optional<std::uint32_t> unit = parts.size() == 1 ? 1 : seconds_of(parts[1]);
    if (!unit || parts.size() > 2)
      throw UnreadablePart(fmt::format("{} {}", option.name, text));
    seconds = *unit;
    const std::uint64_t packets = number(parts[0], std::numeric_limits<std::uint32_t>::max(), option.name);
    match.average = packets == 0 ? 0 : cost_of_a_second * seconds / packets;
  }
  if (match.average == 0)
    throw UnreadablePart(fmt::format("{} {}", option.name, text));
  return seconds;
}

std::uint32_t hash_modes(std::string_view text, std::string_view option) {
  static constexpr std::array names{"dstip", "dstport", "srcip", "srcport"};
  std::uint32_t mode = 0;
  for (const std::string_view word : split(text, ',')) {
    const auto* const name = std::ranges::find(names, word);
    if (name == names.end())
      throw UnreadablePart(fmt::format("{} {}", option, word));
    mode |= 1U << (name - names.begin());
  }
  return mode;
}

} // namespace

HashlimitMatch read_hashlimit(std::span<const RuleOption> options, Family family) {
  HashlimitMatch match;
  match.gc_interval = default_gc_interval;
  match.source_mask = match.destination_mask = static_cast<std::uint8_t>(address_bits(family));
  std::optional<std::uint32_t> seconds;
  std::optional<std::uint32_t> expire;
  std::optional<std::string> burst;
  for (const RuleOption& option : options) {
    const std::string_view key =
        std::string_view(option.name).substr(std::string_view("--hashlimit-").size());
    const auto number32 = [&option](std::uint32_t max = std::numeric_limits<std::uint32_t>::max()) {
      return static_cast<std::uint32_t>(number(option.value(), max, option.name));
    };
    if (key == "upto" || key == "above") {
      seconds = read_rate(match, option);
      continue;
    }
    option.must_be_plain();
    if (key == "burst")
      burst = option.value();
    else if (key == "mode")
      match.mode |= hash_modes(option.value(), option.name);
    else if (key == "name")
      match.name = option.value();
    else if (key == "srcmask")
      match.source_mask = static_cast<std::uint8_t>(number32(address_bits(family)));
    else if (key == "dstmask")
      match.destination_mask = static_cast<std::uint8_t>(number32(address_bits(family)));
    else if (key == "htable-size")
      match.size = number32();
    else if (key == "htable-max")
      match.max = number32();
    else if (key == "htable-gcinterval")
      match.gc_interval = number32();
    else if (key == "htable-expire")
      expire = number32();
    else if (key == "rate-match")
      match.mode |= HashlimitMatch::mode_rate_match;
    else
      match.interval = number32();
  }
  if (!seconds || match.name.empty())
    throw UnreadablePart("-m hashlimit without a rate or a name");

  const bool in_bytes = (match.mode & HashlimitMatch::mode_bytes) != 0;
  match.expire = expire.value_or(!in_bytes ? *seconds * 1000 : burst ? byte_expire_with_burst : byte_expire);
  if (!in_bytes) {
    match.burst = burst ? number(*burst, whole_cost, "--hashlimit-burst") : default_burst;
  } else if (burst) {
    // The kernel counts the burst in units of the rate, rounded up.
    const std::uint64_t unit = std::max<std::uint64_t>(bytes_of_cost(match.average), 1);
    const std::string_view text = *burst;
    const std::uint64_t wanted =
        bytes(text.ends_with('b') ? text.substr(0, text.size() - 1) : text, "--hashlimit-burst");
    match.burst = wanted / unit + (wanted % unit != 0 ? 1 : 0);
  }
  if ((match.mode & HashlimitMatch::mode_rate_match) != 0) {
    if (!in_bytes)
      match.average /= *seconds;
    if (match.interval == 0)
      match.interval = in_bytes ? 1 : *seconds;
  }
  return match;
}

} // namespace flowspec
