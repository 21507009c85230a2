// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/match_structures.hpp"

#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>

namespace flowspec::xtables {

namespace {

/// iptables has no names for ECE and CWR, and its save command does not survive them.
constexpr __u8 named_tcp_flags = 0x3f;

PortRange range_of(const __u16 (&ports)[2]) {
  return {ports[0], ports[1]};
}
bool ordered(const PortRange& range) {
  return range.first <= range.last;
}

template <class Info>
void write_ports(Info& info, const PortRange& source, const PortRange& destination) {
  require(ordered(source) && ordered(destination), "a port range that ends before it begins");
  info.spts[0] = source.first;
  info.spts[1] = source.last;
  info.dpts[0] = destination.first;
  info.dpts[1] = destination.last;
}

__u8 bit_if(bool condition, unsigned bit) {
  return static_cast<__u8>(condition ? bit : 0);
}

bool every_icmp(const ipt_icmp& info, Family family) {
  return family == Family::ipv4 && info.type == IcmpMatch::any_type;
}

} // namespace

// tcp and udp, revision 0

void write(const TcpMatch& match, Family, Writer& to) {
  require((match.flags_mask & ~named_tcp_flags) == 0, "a TCP flag that iptables has no name for");
  require((match.flags_set & ~match.flags_mask) == 0, "a TCP flag to be set that is not looked at");
  require(match.option != 0 || !match.option_negated, "a negated TCP option that is not asked for");
  auto& info = to.add<xt_tcp>("tcp", 0);
  write_ports(info, match.source, match.destination);
  info.option = match.option;
  info.flg_mask = match.flags_mask;
  info.flg_cmp = match.flags_set;
  info.invflags = static_cast<__u8>(
      bit_if(match.source_negated, XT_TCP_INV_SRCPT) | bit_if(match.destination_negated, XT_TCP_INV_DSTPT) |
      bit_if(match.flags_negated, XT_TCP_INV_FLAGS) | bit_if(match.option_negated, XT_TCP_INV_OPTION));
}

std::optional<Match> read_tcp(Data data) {
  const auto info = load<xt_tcp>(data);
  const TcpMatch match{.source = range_of(info.spts),
                       .destination = range_of(info.dpts),
                       .source_negated = (info.invflags & XT_TCP_INV_SRCPT) != 0,
                       .destination_negated = (info.invflags & XT_TCP_INV_DSTPT) != 0,
                       .flags_mask = info.flg_mask,
                       .flags_set = info.flg_cmp,
                       .flags_negated = (info.invflags & XT_TCP_INV_FLAGS) != 0,
                       .option = info.option,
                       .option_negated = info.option != 0 && (info.invflags & XT_TCP_INV_OPTION) != 0};
  if ((info.invflags & ~XT_TCP_INV_MASK) != 0 || !ordered(match.source) || !ordered(match.destination) ||
      (info.flg_mask & ~named_tcp_flags) != 0 || (info.flg_cmp & ~info.flg_mask) != 0)
    return std::nullopt;
  return match;
}

void write(const UdpMatch& match, Family, Writer& to) {
  auto& info = to.add<xt_udp>("udp", 0);
  write_ports(info, match.source, match.destination);
  info.invflags = static_cast<__u8>(bit_if(match.source_negated, XT_UDP_INV_SRCPT) |
                                    bit_if(match.destination_negated, XT_UDP_INV_DSTPT));
}

std::optional<Match> read_udp(Data data) {
  const auto info = load<xt_udp>(data);
  const UdpMatch match{.source = range_of(info.spts),
                       .destination = range_of(info.dpts),
                       .source_negated = (info.invflags & XT_UDP_INV_SRCPT) != 0,
                       .destination_negated = (info.invflags & XT_UDP_INV_DSTPT) != 0};
  if ((info.invflags & ~XT_UDP_INV_MASK) != 0 || !ordered(match.source) || !ordered(match.destination))
    return std::nullopt;
  return match;
}

// icmp and icmp6, revision 0: struct ip6t_icmp has the same members

void write(const IcmpMatch& match, Family family, Writer& to) {
  require(match.code_first <= match.code_last, "an ICMP code range that ends before it begins");
  auto& info = to.add<ipt_icmp>(family == Family::ipv4 ? "icmp" : "icmp6", 0);
  info.type = match.type;
  info.code[0] = match.code_first;
  info.code[1] = match.code_last;
  info.invflags = bit_if(match.negated, IPT_ICMP_INV);
  require(!every_icmp(info, family) || (match.code_first == 0 && match.code_last == 255),
          "an ICMP code of every type");
}

std::optional<Match> read_icmp(Data data, Family family) {
  const auto info = load<ipt_icmp>(data);
  IcmpMatch match{info.type, info.code[0], info.code[1], (info.invflags & IPT_ICMP_INV) != 0};
  if (every_icmp(info, family)) { // the kernel does not look at the code
    match.code_first = 0;
    match.code_last = 255;
  }
  if ((info.invflags & ~IPT_ICMP_INV) != 0 || match.code_first > match.code_last)
    return std::nullopt;
  return match;
}

// multiport, revision 1: pflags[i] says that ports[i] and ports[i + 1] are a range

void write(const MultiportMatch& match, Family, Writer& to) {
  auto& info = to.add<xt_multiport_v1>("multiport", 1);
  require(!match.ports.empty(), "multiport without a port");
  for (const PortRange& range : match.ports) {
    require(ordered(range), "a port range that ends before it begins");
    const unsigned slots = range.first == range.last ? 1 : 2;
    require(info.count + slots <= MultiportMatch::slots,
            "more than 15 ports in multiport (a range counts as two)");
    info.pflags[info.count] = slots == 2;
    info.ports[info.count++] = range.first;
    if (slots == 2)
      info.ports[info.count++] = range.last;
  }
  info.flags = static_cast<__u8>(match.side); // in the kernel's order
  info.invert = match.negated;
}

std::optional<Match> read_multiport(Data data) {
  const auto info = load<xt_multiport_v1>(data);
  if (info.flags > XT_MULTIPORT_EITHER || info.count == 0 || info.count > XT_MULTI_PORTS)
    return std::nullopt;
  MultiportMatch match{
      .side = static_cast<MultiportMatch::Side>(info.flags), .ports = {}, .negated = info.invert != 0};
  for (unsigned i = 0; i < info.count; ++i) {
    PortRange range{info.ports[i], info.ports[i]};
    if (info.pflags[i] != 0) {
      if (++i == info.count)
        return std::nullopt;
      range.last = info.ports[i];
    }
    if (!ordered(range))
      return std::nullopt;
    match.ports.push_back(range);
  }
  return match;
}

} // namespace flowspec::xtables
