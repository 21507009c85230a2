// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace flowspec {

struct NamedProtocol {
  std::string_view name;
  std::uint8_t number;
};

/// The protocols that an operator may call by name, in a policy and in a question, by their numbers.
constexpr std::array<NamedProtocol, 11> named_protocols{{{"icmp", 1},
                                                         {"igmp", 2},
                                                         {"tcp", 6},
                                                         {"udp", 17},
                                                         {"gre", 47},
                                                         {"esp", 50},
                                                         {"ah", 51},
                                                         {"icmpv6", 58},
                                                         {"ospf", 89},
                                                         {"vrrp", 112},
                                                         {"sctp", 132}}};

} // namespace flowspec
