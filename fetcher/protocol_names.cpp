// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/protocol_names.hpp"

#include <algorithm>
#include <array>

namespace flowspec {

namespace {

struct Protocol {
  std::string_view name;
  std::uint8_t number;
};

// Sorted by name.
constexpr std::array protocols{
    Protocol{"ah", 51},          Protocol{"all", 0},
    Protocol{"ax.25", 93},       Protocol{"dccp", 33},
    Protocol{"ddp", 37},         Protocol{"egp", 8},
    Protocol{"eigrp", 88},       Protocol{"encap", 98},
    Protocol{"esp", 50},         Protocol{"etherip", 97},
    Protocol{"ethernet", 143},   Protocol{"fc", 133},
    Protocol{"ggp", 3},          Protocol{"gre", 47},
    Protocol{"hip", 139},        Protocol{"hmp", 20},
    Protocol{"icmp", 1},         Protocol{"icmpv6", 58},
    Protocol{"idpr-cmtp", 38},   Protocol{"idrp", 45},
    Protocol{"igmp", 2},         Protocol{"igp", 9},
    Protocol{"ipcomp", 108},     Protocol{"ipencap", 4},
    Protocol{"ipip", 94},        Protocol{"ipv6", 41},
    Protocol{"ipv6-frag", 44},   Protocol{"ipv6-icmp", 58},
    Protocol{"ipv6-mh", 135},    Protocol{"ipv6-nonxt", 59},
    Protocol{"ipv6-opts", 60},   Protocol{"ipv6-route", 43},
    Protocol{"isis", 124},       Protocol{"iso-tp4", 29},
    Protocol{"l2tp", 115},       Protocol{"manet", 138},
    Protocol{"mh", 135},         Protocol{"mobility-header", 135},
    Protocol{"mpls-in-ip", 137}, Protocol{"ospf", 89},
    Protocol{"pim", 103},        Protocol{"pup", 12},
    Protocol{"rdp", 27},         Protocol{"rohc", 142},
    Protocol{"rspf", 73},        Protocol{"rsvp", 46},
    Protocol{"sctp", 132},       Protocol{"shim6", 140},
    Protocol{"skip", 57},        Protocol{"st", 5},
    Protocol{"tcp", 6},          Protocol{"udp", 17},
    Protocol{"udplite", 136},    Protocol{"vmtp", 81},
    Protocol{"vrrp", 112},       Protocol{"wesp", 141},
    Protocol{"xns-idp", 22},     Protocol{"xtp", 36},
};

} // namespace

std::optional<std::uint8_t> protocol_number(std::string_view name) {
  const auto* const found = std::ranges::lower_bound(protocols, name, {}, &Protocol::name);
  if (found == protocols.end() || found->name != name)
    return std::nullopt;
  return found->number;
}

} // namespace flowspec
