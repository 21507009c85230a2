// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/family.hpp"

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

namespace flowspec::xtables {

/// Where the two families' entries differ; the members of their headers have the same names.
struct Ip4 {
  using Entry = ipt_entry;
  static constexpr Family family = Family::ipv4;
  static constexpr unsigned fragment = IPT_F_FRAG;
  static constexpr unsigned go_to = IPT_F_GOTO;
  static constexpr unsigned asks_protocol = 0; ///< set when the protocol is asked for
  static auto& header(Entry& entry) { return entry.ip; }
};

struct Ip6 {
  using Entry = ip6t_entry;
  static constexpr Family family = Family::ipv6;
  static constexpr unsigned fragment = 0;
  static constexpr unsigned go_to = IP6T_F_GOTO;
  static constexpr unsigned asks_protocol = IP6T_F_PROTO;
  static auto& header(Entry& entry) { return entry.ipv6; }
};

/// The same in both families.
namespace inverted {
constexpr unsigned in_interface = IPT_INV_VIA_IN;
constexpr unsigned out_interface = IPT_INV_VIA_OUT;
constexpr unsigned source = IPT_INV_SRCIP;
constexpr unsigned destination = IPT_INV_DSTIP;
constexpr unsigned fragment = IPT_INV_FRAG;
constexpr unsigned protocol = IPT_INV_PROTO;
} // namespace inverted

} // namespace flowspec::xtables
