// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a policy asks and does, in words: for its text, its warnings, and what it did to a route.
#pragma once

#include "common/policy.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

/// The components in the order of their type numbers, 1 to 13.
constexpr std::array<std::string_view, 13> component_names{
    "destination", "source",    "protocol",      "port", "destination_port", "source_port", "icmp_type",
    "icmp_code",   "tcp_flags", "packet_length", "dscp", "fragment",         "flow_label"};

/// In the order of ActionKind.
constexpr std::array<std::string_view, 7> action_names{"accept", "discard",  "rate",   "sample",
                                                       "dscp",   "redirect", "unknown"};

/// What terms can change.
struct Changeable {
  const Actions& actions;
  const std::optional<std::uint64_t>& sequence;
};

/// "rate 0 B/s -> 125000 B/s, redirect 65000:1 -> none"; "no change".
std::string changed_words(const Changeable& before, const Changeable& after);

/// "10.0.0.0/8, 2001:db8::/32"; of many the first ones and how many more there are.
std::string words(const PrefixSet& set);
/// "destination 10.0.0.0/8 and source any".
std::string words(const Protection& protection);

} // namespace flowspec
