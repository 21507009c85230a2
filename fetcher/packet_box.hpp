// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sets of packets that one rule, or one flowspec route, can name: every condition holds. With intersection
// and difference, what a chain of rules decides is computed exactly.
#pragma once

#include "common/prefix.hpp"
#include "common/value_set.hpp"
#include "fetcher/connection_states.hpp"

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// Where a packet stands in its datagram. Only those at offset 0 have a transport header.
namespace position {
constexpr std::uint8_t whole = 1;
constexpr std::uint8_t first = 2;
constexpr std::uint8_t middle = 4;
constexpr std::uint8_t last = 8;
constexpr std::uint8_t header = whole | first;
constexpr std::uint8_t later = middle | last;
constexpr std::uint8_t every = header | later;
} // namespace position

/// Which values of octet 14 of the TCP header are in the set.
using FlagPatterns = std::bitset<256>;

/// The interface on one side of a packet's way.
struct InterfaceCondition {
  std::string is;                  ///< "": any; "eth+": every name that begins so
  std::vector<std::string> is_not; ///< sorted; each one matches some of `is`

  bool any() const { return is.empty() && is_not.empty(); }
  bool operator==(const InterfaceCondition&) const = default;
};

/// A condition that is absent, and one at its default, holds for every packet; a set that is present is never
/// the whole domain. With ports the protocol is among TCP and UDP, with ICMP or TCP flags it is that one, and
/// with any of them the position is among position::header.
struct Box {
  Prefix destination;
  Prefix source;
  std::optional<ValueSet> protocol;
  std::optional<ValueSet> destination_port;
  std::optional<ValueSet> source_port;
  std::vector<ValueSet> ports; ///< of each set: the source or the destination port is in it
  std::optional<ValueSet> icmp_type;
  std::optional<ValueSet> icmp_code;
  std::optional<FlagPatterns> tcp_flags;
  std::optional<ValueSet> packet_length;
  std::optional<ValueSet> dscp;
  std::uint8_t positions = position::every;
  ConnectionStates states = connection::every;
  InterfaceCondition in;
  InterfaceCondition out;

  /// Every packet of the family.
  explicit Box(Family family) : destination(Prefix::any(family)), source(Prefix::any(family)) {}

  Family family() const { return destination.family(); }
  bool operator==(const Box&) const = default;
};

bool is_every_packet(const Box& box);

/// True when every name that `narrow` stands for is one of `wide`'s.
bool names_cover(const std::string& wide, const std::string& narrow);

/// True only when no packet is in both; quick.
bool disjoint(const Box& a, const Box& b);

/// None when no packet is in both. One that comes back may still hold nothing, by two conditions in `ports`
/// that exclude each other.
std::optional<Box> intersection(const Box& a, const Box& b);
/// Each of `a` with each of `b`.
std::vector<Box> intersection(std::span<const Box> a, std::span<const Box> b);

/// Disjoint boxes that together hold what is in `a` and not in `b`; `a` itself when they have no packet in
/// common.
std::vector<Box> difference(const Box& a, const Box& b);

/// True only when `inner` has no packet that is not in `outer`. (Conditions in `ports` are compared one by
/// one: a true answer may be missed there.)
bool covers(const Box& outer, const Box& inner);

} // namespace flowspec
