// SPDX-License-Identifier: GPL-2.0-or-later
//
// A packet as an operator describes it to `explain`: what is not said is not known.
#pragma once

#include "common/prefix.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

/// Where a packet stands among the fragments of its datagram; none: it is the whole datagram.
enum class FragmentPlace : std::uint8_t { none, first, middle, last };
constexpr std::array<FragmentPlace, 4> fragment_places{FragmentPlace::none, FragmentPlace::first,
                                                       FragmentPlace::middle, FragmentPlace::last};
/// "none", "first", "middle", "last": the words of --fragment.
std::string_view name(FragmentPlace place);

struct Question {
  Family family = Family::ipv4;
  Address source; ///< of `family`, as is `destination`
  Address destination;
  std::optional<std::uint8_t> protocol; ///< upper-layer protocol
  std::optional<std::uint16_t> source_port;
  std::optional<std::uint16_t> destination_port;
  std::optional<std::uint8_t> icmp_type;
  std::optional<std::uint8_t> icmp_code;
  std::optional<std::uint16_t> tcp_flags; ///< 12 bits, as Packet::tcp_flags
  std::optional<std::uint32_t> length;    ///< the whole IP packet with its header, bytes
  std::optional<std::uint8_t> dscp;
  std::optional<std::uint32_t> flow_label;
  std::optional<FragmentPlace> fragment;
  std::optional<bool> dont_fragment;
  std::optional<bool> established; ///< connection tracking has it as ESTABLISHED or RELATED

  bool operator==(const Question&) const = default;
};

/// True when a port, an ICMP field or TCP flags are said: then the packet has a transport header, and is no
/// later fragment.
bool says_transport(const Question& question);
/// True when the packet is said to be a fragment that begins behind the transport header.
bool is_later_fragment(const Question& question);

/// The options that say it, as answers name what is missing.
namespace question_option {
constexpr const char* source = "--src";
constexpr const char* destination = "--dst";
constexpr const char* protocol = "--proto";
constexpr const char* source_port = "--sport";
constexpr const char* destination_port = "--dport";
constexpr const char* icmp_type = "--icmp-type";
constexpr const char* icmp_code = "--icmp-code";
constexpr const char* tcp_flags = "--tcp-flags";
constexpr const char* length = "--length";
constexpr const char* dscp = "--dscp";
constexpr const char* flow_label = "--flow-label";
constexpr const char* fragment = "--fragment";
constexpr const char* dont_fragment = "--dont-fragment";
constexpr const char* may_fragment = "--may-fragment";
constexpr const char* established = "--established";
constexpr const char* not_established = "--not-established";
} // namespace question_option

/// The TCP flags that have a name, and their bits.
struct TcpFlagName {
  std::string_view name;
  std::uint16_t bit;
};
constexpr std::array<TcpFlagName, 9> tcp_flag_names{{{"fin", 0x001},
                                                     {"syn", 0x002},
                                                     {"rst", 0x004},
                                                     {"psh", 0x008},
                                                     {"ack", 0x010},
                                                     {"urg", 0x020},
                                                     {"ece", 0x040},
                                                     {"cwr", 0x080},
                                                     {"ae", 0x100}}};
constexpr std::uint16_t every_tcp_flag = 0xfff;

/// "syn,ack (18)", "none (0)": names, and the number as entries show it. Bits without a name are in the
/// number.
std::string tcp_flags_text(std::uint16_t flags);

/// The protocols that have a name, by it.
std::optional<std::uint8_t> protocol_by_name(std::string_view name);
/// "6 (tcp)"; the number alone for the others.
std::string protocol_text(std::uint8_t protocol);

} // namespace flowspec
