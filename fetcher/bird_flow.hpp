// SPDX-License-Identifier: GPL-2.0-or-later
//
// What BIRD announces for `flow4 { ... }`: not always what the words in the braces say.
#pragma once

#include "common/prefix.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flowspec {

/// The bits of an operator octet that say something, RFC 8955 section 4.2.1.
namespace flow_operator {
constexpr std::uint8_t and_with_previous = 0x40;
// of numbers
constexpr std::uint8_t less = 4;
constexpr std::uint8_t greater = 2;
constexpr std::uint8_t equal = 1;
// of bits
constexpr std::uint8_t negated = 2;
constexpr std::uint8_t match = 1;
} // namespace flow_operator

namespace flow_type {
constexpr std::uint8_t destination = 1;
constexpr std::uint8_t source = 2;
constexpr std::uint8_t tcp_flags = 9;
constexpr std::uint8_t fragment = 12;
constexpr std::uint8_t flow_label = 13;
} // namespace flow_type

/// What BIRD calls each component; component N stands at N - 1.
constexpr std::array<std::string_view, 13> flow_words{
    "dst",       "src",       "proto",  "port", "dport",    "sport", "icmp type",
    "icmp code", "tcp flags", "length", "dscp", "fragment", "label"};

struct FlowPair {
  std::uint8_t op = 0;                ///< of flow_operator
  std::optional<std::uint32_t> value; ///< as written; none when it cannot be told

  bool operator==(const FlowPair&) const = default;
};

/// A component: a prefix of type 1 and 2, else pairs.
struct FlowComponent {
  std::uint8_t type = 0;
  std::optional<Prefix> prefix; ///< none, too, when it cannot be told
  std::vector<FlowPair> pairs;

  bool is_bitmask() const { return type == flow_type::tcp_flags || type == flow_type::fragment; }
  /// No name or expression in it whose value is not known.
  bool told() const;
  bool operator==(const FlowComponent&) const = default;
};

struct BirdFlow {
  Family family = Family::ipv4;
  std::vector<FlowComponent> components; ///< by type, none twice
  bool garbled = false;                  ///< BIRD announces some other bytes

  bool operator==(const BirdFlow&) const = default;
};

/// How many octets BIRD gives a pair's value: one, or two when any of the bits 8 to 15 is set. Of larger
/// values (flow labels) the rest is lost.
std::size_t announced_octets(std::uint32_t value);
/// What is left of it in these octets.
std::uint32_t announced_value(std::uint32_t value);

/// The bytes that BIRD announces, without the length before them; none when they cannot be told.
std::optional<std::vector<std::uint8_t>> announced_nlri(const BirdFlow& flow);

} // namespace flowspec
