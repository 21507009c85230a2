// SPDX-License-Identifier: GPL-2.0-or-later
//
// iptables in our own words: no kernel type, no option strings. A rule read from the kernel, one read from
// iptables-save text and one that was compiled compare equal when they are the same rule. Counters are no
// part of it.
#pragma once

#include "common/prefix.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flowspec {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;

  bool every() const { return first == 0 && last == 65535; }
  bool operator==(const PortRange&) const = default;
};

/// `-m tcp`. Matches no packet whose TCP header is not there (later fragments), whatever is asked.
struct TcpMatch {
  PortRange source;
  PortRange destination;
  bool source_negated = false;
  bool destination_negated = false;
  std::uint8_t flags_mask = 0;
  std::uint8_t flags_set = 0;
  bool flags_negated = false;
  std::uint8_t option = 0; ///< 0: not asked for
  bool option_negated = false;

  bool operator==(const TcpMatch&) const = default;
};

/// `-m udp`.
struct UdpMatch {
  PortRange source;
  PortRange destination;
  bool source_negated = false;
  bool destination_negated = false;

  bool operator==(const UdpMatch&) const = default;
};

/// `-m icmp` or `-m icmp6`, by the family of the rule. In IPv4 type 255 means every type and code.
struct IcmpMatch {
  static constexpr std::uint8_t any_type = 255;
  std::uint8_t type = any_type;
  std::uint8_t code_first = 0;
  std::uint8_t code_last = 255;
  bool negated = false;

  bool operator==(const IcmpMatch&) const = default;
};

/// `-m multiport`: at most 15 slots, a range takes two.
struct MultiportMatch {
  enum class Side : std::uint8_t { source, destination, either };
  static constexpr unsigned slots = 15;
  Side side = Side::destination;
  std::vector<PortRange> ports;
  bool negated = false;

  bool operator==(const MultiportMatch&) const = default;
};

/// `-m conntrack --ctstate`. Any other test of that match is an OpaqueMatch.
struct ConntrackMatch {
  static constexpr std::uint16_t invalid = 1;
  static constexpr std::uint16_t established = 2;
  static constexpr std::uint16_t related = 4;
  static constexpr std::uint16_t fresh = 8;            ///< NEW
  static constexpr std::uint16_t source_nat = 16;      ///< SNAT: its source was translated
  static constexpr std::uint16_t destination_nat = 32; ///< DNAT
  static constexpr std::uint16_t untracked = 64;
  std::uint16_t states = 0;
  bool negated = false;

  bool operator==(const ConntrackMatch&) const = default;
};

/// `-m comment`.
struct CommentMatch {
  static constexpr std::size_t max_bytes = 255;
  std::string text;

  bool operator==(const CommentMatch&) const = default;
};

/// `-m hashlimit`, revision 3, with the kernel's own fields as it keeps them: see xt_hashlimit.h for the
/// units.
struct HashlimitMatch {
  static constexpr std::uint32_t mode_invert = 1U << 4; ///< match above the rate, not below it
  static constexpr std::uint32_t mode_bytes = 1U << 5;
  static constexpr std::uint32_t mode_rate_match = 1U << 6; ///< compares the rate over `interval` seconds
  std::string name; ///< the bucket; every rule of the family that names it shares it
  std::uint32_t mode = 0;
  std::uint64_t average = 0; ///< cost of one unit
  std::uint64_t burst = 0;
  std::uint32_t size = 0;
  std::uint32_t max = 0;
  std::uint32_t gc_interval = 0; ///< milliseconds
  std::uint32_t expire = 0;      ///< milliseconds
  std::uint32_t interval = 0;
  std::uint8_t source_mask = 32;
  std::uint8_t destination_mask = 32;

  bool operator==(const HashlimitMatch&) const = default;
};

/// `-m u32`: every test must hold; a test follows its steps from the start of the IP header and compares the
/// last 32-bit value with the ranges. Reading beyond the packet's end fails the test.
struct U32Match {
  enum class Operator : std::uint8_t { bit_and, left_shift, right_shift, at };
  struct Step {
    Operator op = Operator::bit_and; ///< of the first step: ignored, kept as bit_and
    std::uint32_t number = 0;
    bool operator==(const Step&) const = default;
  };
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool operator==(const Range&) const = default;
  };
  struct Test {
    std::vector<Step> steps;   ///< 1..10
    std::vector<Range> ranges; ///< 1..10
    bool operator==(const Test&) const = default;
  };
  std::vector<Test> tests; ///< 1..10
  bool negated = false;

  bool operator==(const U32Match&) const = default;
};

/// `-m length`: the whole IP packet with its header, bytes.
struct LengthMatch {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;
  bool negated = false;

  bool operator==(const LengthMatch&) const = default;
};

/// `-m dscp --dscp`, 0..63.
struct DscpMatch {
  std::uint8_t value = 0;
  bool negated = false;

  bool operator==(const DscpMatch&) const = default;
};

/// `-m tos`: the whole octet, ECN bits with it; (octet & mask) == value.
struct TosMatch {
  std::uint8_t value = 0;
  std::uint8_t mask = 0xff;
  bool negated = false;

  bool operator==(const TosMatch&) const = default;
};

/// `-m iprange`: addresses from first to last, both included, in network order.
struct IprangeMatch {
  struct Range {
    Address first;
    Address last;
    bool operator==(const Range&) const = default;
  };
  std::optional<Range> source;
  std::optional<Range> destination;
  bool source_negated = false; ///< false without a source
  bool destination_negated = false;

  bool operator==(const IprangeMatch&) const = default;
};

/// `-m frag` (IPv6): there is a fragment header, and every flag asked for is true of it. A packet whose
/// headers cannot be followed is dropped by the kernel.
struct FragmentMatch {
  bool first = false; ///< --fragfirst: offset 0
  bool more = false;  ///< --fragmore: more fragments
  bool last = false;  ///< --fraglast: no more fragments

  bool operator==(const FragmentMatch&) const = default;
};

/// `-m ipv6header --soft`: each of `headers` is in the packet's chain; negated: none of them is. Of a packet
/// whose headers cannot be followed to their end this says nothing to rely on.
struct Ipv6HeaderMatch {
  static constexpr std::uint8_t fragment = 1U << 4; ///< the kernel's MASK_FRAGMENT
  std::uint8_t headers = 0;
  bool negated = false;

  bool operator==(const Ipv6HeaderMatch&) const = default;
};

/// A match that these tools do not speak: kept to be shown and compared, never written.
struct OpaqueMatch {
  std::string name;
  std::uint8_t revision = 0;
  std::vector<std::uint8_t> data;

  bool operator==(const OpaqueMatch&) const = default;
};

using Match = std::variant<TcpMatch, UdpMatch, IcmpMatch, MultiportMatch, ConntrackMatch, CommentMatch,
                           HashlimitMatch, U32Match, LengthMatch, DscpMatch, TosMatch, IprangeMatch,
                           FragmentMatch, Ipv6HeaderMatch, OpaqueMatch>;

enum class Verdict : std::uint8_t { accept, drop, return_ };
/// "ACCEPT", "DROP", "RETURN".
std::string_view name(Verdict verdict);

/// `-j CHAIN`, or `-g CHAIN`: then RETURN there skips the rest of this chain too.
struct Jump {
  std::string chain;
  bool go_to = false;
  bool operator==(const Jump&) const = default;
};

/// `-j REJECT`; `with` is the word of --reject-with.
struct RejectTarget {
  std::string with = "icmp-port-unreachable";
  bool operator==(const RejectTarget&) const = default;
};

/// No -j at all: the rule only counts.
struct NoTarget {
  bool operator==(const NoTarget&) const = default;
};

/// `-j DSCP --set-dscp`, 0..63; in table mangle. The packet goes on to the next rule.
struct DscpTarget {
  std::uint8_t value = 0;
  bool operator==(const DscpTarget&) const = default;
};

/// `-j MARK --set-xmark value/mask`: the bits of `mask` become 0, then those of `value` change over. The
/// packet goes on to the next rule.
struct MarkTarget {
  std::uint32_t value = 0;
  std::uint32_t mask = 0xffffffff;
  bool operator==(const MarkTarget&) const = default;
};

/// `-j NFLOG`: a copy goes to whoever listens to the group. The packet goes on to the next rule.
struct NflogTarget {
  static constexpr std::size_t max_prefix = 63;
  std::uint16_t group = 0;
  std::string prefix;

  bool operator==(const NflogTarget&) const = default;
};

/// A target that these tools do not speak.
struct OpaqueTarget {
  std::string name;
  std::uint8_t revision = 0;
  std::vector<std::uint8_t> data;

  bool operator==(const OpaqueTarget&) const = default;
};

using Target =
    std::variant<NoTarget, Verdict, Jump, RejectTarget, DscpTarget, MarkTarget, NflogTarget, OpaqueTarget>;

/// One rule; a member left at its default asks nothing. The family is the ruleset's.
struct Rule {
  std::optional<Prefix> source;
  std::optional<Prefix> destination;
  bool source_negated = false;
  bool destination_negated = false;
  std::string in_interface; ///< "" any; "eth+" every name that begins so
  std::string out_interface;
  bool in_interface_negated = false;
  bool out_interface_negated = false;
  std::uint8_t protocol = 0; ///< 0: any (iptables cannot ask for protocol 0)
  bool protocol_negated = false;
  bool later_fragments = false; ///< `-f`: offset not 0
  bool later_fragments_negated = false;
  std::vector<Match> matches; ///< in order
  Target target;
  /// Why this is not all of the rule: it was read from somewhere and has a part that no member holds. Such a
  /// rule is equal to no compiled one and is never written.
  std::string unreadable;

  bool operator==(const Rule&) const = default;
};

} // namespace flowspec
