// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/match_structures.hpp"

#include <linux/netfilter/xt_dscp.h>
#include <linux/netfilter/xt_length.h>
#include <linux/netfilter_ipv6/ip6t_frag.h>
#include <linux/netfilter_ipv6/ip6t_ipv6header.h>

namespace flowspec::xtables {

// length, revision 0

ExtensionBytes write(const LengthMatch& match, Family) {
  require(match.first <= match.last, "a range of lengths that ends before it begins");
  Blank<xt_length_info> info;
  info->min = match.first;
  info->max = match.last;
  info->invert = match.negated;
  return {"length", 0, std::move(info).bytes()};
}

std::optional<Match> read_length(Data data) {
  const auto info = load<xt_length_info>(data);
  if (info.min > info.max || info.invert > 1) // the kernel takes it for a number, not for a truth
    return std::nullopt;
  return LengthMatch{.first = info.min, .last = info.max, .negated = info.invert != 0};
}

// dscp, revision 0

ExtensionBytes write(const DscpMatch& match, Family) {
  require(match.value <= XT_DSCP_MAX, "a DSCP above 63");
  Blank<xt_dscp_info> info;
  info->dscp = match.value;
  info->invert = match.negated;
  return {"dscp", 0, std::move(info).bytes()};
}

std::optional<Match> read_dscp(Data data) {
  const auto info = load<xt_dscp_info>(data);
  if (info.dscp > XT_DSCP_MAX)
    return std::nullopt;
  return DscpMatch{.value = info.dscp, .negated = info.invert != 0};
}

// frag, revision 0: iptables always writes a range of identifications

ExtensionBytes write(const FragmentMatch& match, Family family) {
  require(family == Family::ipv6, "a fragment header in IPv4");
  require(!match.more || !match.last, "more fragments and no more fragments");
  Blank<ip6t_frag> info;
  info->ids[1] = UINT32_MAX;
  info->flags = static_cast<__u8>((match.first ? IP6T_FRAG_FST : 0) | (match.more ? IP6T_FRAG_MF : 0) |
                                  (match.last ? IP6T_FRAG_NMF : 0));
  return {"frag", 0, std::move(info).bytes()};
}

std::optional<Match> read_fragment(Data data) {
  const auto info = load<ip6t_frag>(data);
  const auto flag = [&](unsigned bit) { return (info.flags & bit) != 0; };
  const bool more = flag(IP6T_FRAG_MF);
  const bool last = flag(IP6T_FRAG_NMF);
  if ((info.flags & ~(IP6T_FRAG_FST | IP6T_FRAG_MF | IP6T_FRAG_NMF)) != 0 || info.invflags != 0 ||
      info.ids[0] != 0 || info.ids[1] != UINT32_MAX || (more && last))
    return std::nullopt;
  return FragmentMatch{.first = flag(IP6T_FRAG_FST), .more = more, .last = last};
}

// ipv6header, revision 0: the bits that differ from invflags must be set, the others not

ExtensionBytes write(const Ipv6HeaderMatch& match, Family family) {
  require(family == Family::ipv6, "IPv6 extension headers in IPv4");
  require(match.headers != 0, "ipv6header without a header");
  Blank<ip6t_ipv6header_info> info;
  info->matchflags = match.headers;
  info->invflags = match.negated ? 0xff : 0;
  info->modeflag = 0xff;
  return {"ipv6header", 0, std::move(info).bytes()};
}

std::optional<Match> read_ipv6_header(Data data) {
  const auto info = load<ip6t_ipv6header_info>(data);
  const bool one_sign = info.invflags == 0 || info.invflags == 0xff;
  if (info.modeflag == 0 || info.matchflags == 0 || !one_sign)
    return std::nullopt;
  return Ipv6HeaderMatch{.headers = info.matchflags, .negated = info.invflags != 0};
}

} // namespace flowspec::xtables
