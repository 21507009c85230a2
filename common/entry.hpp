// SPDX-License-Identifier: GPL-2.0-or-later
//
// One flowspec route: what it matches (RFC 8955 section 4, RFC 8956 section 3), what is to be done with the
// packets (RFC 8955 section 7), and where it stands in the order. This is the value that both tools pass
// along.
#pragma once

#include "common/announced_bytes.hpp"
#include "common/bit_tests.hpp"
#include "common/prefix.hpp"
#include "common/text_list.hpp"
#include "common/value_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

/// Largest value of each numeric component.
namespace domain {
constexpr std::uint32_t protocol = 255;
constexpr std::uint32_t port = 65535;
constexpr std::uint32_t icmp = 255; ///< type and code
constexpr std::uint32_t packet_length = 65535;
constexpr std::uint32_t dscp = 63;
constexpr std::uint32_t flow_label = (1U << 20) - 1;
} // namespace domain

namespace protocol {
constexpr std::uint8_t icmp = 1;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t icmpv6 = 58;
/// ICMP's number in `family`.
constexpr std::uint8_t icmp_of(Family family) {
  return family == Family::ipv4 ? icmp : icmpv6;
}
} // namespace protocol

/// The bits of a fragment component.
namespace fragment_bit {
constexpr std::uint16_t dont_fragment = 1;
constexpr std::uint16_t is_fragment = 2;
constexpr std::uint16_t first_fragment = 4;
constexpr std::uint16_t last_fragment = 8;
} // namespace fragment_bit

/// The matching components, numbered as in the RFC. A packet matches when every component that is present
/// holds; one that is absent says nothing. All of them absent matches every packet of the family.
struct Components {
  Family family = Family::ipv4;
  std::optional<Prefix> destination;        // 1
  std::optional<Prefix> source;             // 2
  std::optional<ValueSet> protocol;         // 3
  std::optional<ValueSet> port;             // 4, source or destination
  std::optional<ValueSet> destination_port; // 5
  std::optional<ValueSet> source_port;      // 6
  std::optional<ValueSet> icmp_type;        // 7
  std::optional<ValueSet> icmp_code;        // 8
  std::optional<BitTests> tcp_flags;        // 9
  std::optional<ValueSet> packet_length;    // 10
  std::optional<ValueSet> dscp;             // 11
  std::optional<BitTests> fragment;         // 12
  std::optional<ValueSet> flow_label;       // 13, IPv6

  bool operator==(const Components&) const = default;
};

/// What happens to a matching packet. Without a rate it is accepted.
struct Actions {
  std::optional<double> rate;            ///< traffic-rate, bytes a second, never negative; 0 discards
  bool sample = false;                   ///< traffic-action S bit
  bool terminal = true;                  ///< later routes are not looked at (the T bit is *unset*)
  std::optional<std::uint8_t> dscp_mark; ///< traffic-marking, 0..63
  std::optional<std::string> redirect;   ///< route target of the VRF, "ASN:N"
  TextList unknown;                      ///< actions that were not understood, as FRR printed them

  bool discards() const { return rate && *rate == 0; }
  bool operator==(const Actions&) const = default;
};

/// There may be a hundred thousand of these at once, which is why the lists in it are small ones.
struct Entry {
  Components match;
  Actions actions;
  std::optional<std::uint64_t> sequence; ///< explicit place; lower goes first
  TextList route_targets;                ///< without the one that carries the sequence number
  /// Every extended community as FRR prints it, those above and those of the actions too: policies ask for
  /// them.
  TextList communities;
  std::string age; ///< FRR's text; empty when not known; no part of what the route is
  /// Its place among those without a sequence number depends on them, and nothing else: neither what its
  /// match is nor what that is called.
  AnnouncedBytes announced;

  bool operator==(const Entry&) const = default;
};

/// True for the route that stands for a chain's policy: destination and source both given, both every
/// address, and no other component.
bool is_default_policy(const Components& match);

/// The components as the NLRI that BIRD would write for them: type octet, then operators and values of the
/// shortest width, ranges as ">= AND <=". Different components give different bytes.
std::vector<std::uint8_t> canonical_nlri(const Components& match);

/// A hash of the family and of canonical_nlri: the same for the same match on every machine and run.
std::uint64_t match_hash(const Components& match);
/// match_hash as 16 hexadecimal digits.
std::string stable_id(const Components& match);

/// The components in words: "dst 10.0.0.0/8 proto 6 dport 80,443"; "any" for none.
std::string to_string(const Components& match);
/// "accept", "discard", "rate 125000 B/s", with sample, mark and redirect behind it.
std::string to_string(const Actions& actions);

} // namespace flowspec
