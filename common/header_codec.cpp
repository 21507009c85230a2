// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/match_structures.hpp"

#include <linux/netfilter/xt_dscp.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_length.h>
#include <linux/netfilter_ipv6/ip6t_frag.h>
#include <linux/netfilter_ipv6/ip6t_ipv6header.h>

#include <cstring>

namespace flowspec::xtables {

namespace {

Address address_of(const nf_inet_addr& field, Family family) {
  Address address{family, {}};
  std::memcpy(address.bytes.data(), &field, address_bits(family) / 8);
  return address;
}

void write_range(nf_inet_addr& first, nf_inet_addr& last, const IprangeMatch::Range& range, Family family) {
  require(range.first.family == family && range.last.family == family, "addresses of another family");
  std::memcpy(&first, range.first.bytes.data(), address_bits(family) / 8);
  std::memcpy(&last, range.last.bytes.data(), address_bits(family) / 8);
}

} // namespace

// length, revision 0

void write(const LengthMatch& match, Family, Writer& to) {
  require(match.first <= match.last, "a range of lengths that ends before it begins");
  auto& info = to.add<xt_length_info>("length", 0);
  info.min = match.first;
  info.max = match.last;
  info.invert = match.negated;
}

std::optional<Match> read_length(Data data) {
  const auto info = load<xt_length_info>(data);
  if (info.min > info.max || info.invert > 1) // the kernel takes it for a number, not for a truth
    return std::nullopt;
  return LengthMatch{.first = info.min, .last = info.max, .negated = info.invert != 0};
}

// dscp, revision 0

void write(const DscpMatch& match, Family, Writer& to) {
  require(match.value <= XT_DSCP_MAX, "a DSCP above 63");
  auto& info = to.add<xt_dscp_info>("dscp", 0);
  info.dscp = match.value;
  info.invert = match.negated;
}

std::optional<Match> read_dscp(Data data) {
  const auto info = load<xt_dscp_info>(data);
  if (info.dscp > XT_DSCP_MAX)
    return std::nullopt;
  return DscpMatch{.value = info.dscp, .negated = info.invert != 0};
}

// tos, revision 1: a value with bits outside of its mask is compared with too, and found in no packet

void write(const TosMatch& match, Family, Writer& to) {
  auto& info = to.add<xt_tos_match_info>("tos", 1);
  info.tos_value = match.value;
  info.tos_mask = match.mask;
  info.invert = match.negated;
}

std::optional<Match> read_tos(Data data) {
  const auto info = load<xt_tos_match_info>(data);
  return TosMatch{.value = info.tos_value, .mask = info.tos_mask, .negated = info.invert != 0};
}

// iprange, revision 1: iptables takes a range that ends before it begins too, and the kernel finds no address
// in it

void write(const IprangeMatch& match, Family family, Writer& to) {
  require(match.source || match.destination, "iprange without a range");
  require((match.source || !match.source_negated) && (match.destination || !match.destination_negated),
          "a negated range of addresses that is not asked for");
  auto& info = to.add<xt_iprange_mtinfo>("iprange", 1);
  unsigned flags = 0;
  if (match.source) {
    write_range(info.src_min, info.src_max, *match.source, family);
    flags |= IPRANGE_SRC;
    if (match.source_negated)
      flags |= IPRANGE_SRC_INV;
  }
  if (match.destination) {
    write_range(info.dst_min, info.dst_max, *match.destination, family);
    flags |= IPRANGE_DST;
    if (match.destination_negated)
      flags |= IPRANGE_DST_INV;
  }
  info.flags = static_cast<__u8>(flags);
}

std::optional<Match> read_iprange(Data data, Family family) {
  const auto info = load<xt_iprange_mtinfo>(data);
  const auto flag = [&](unsigned bit) { return (info.flags & bit) != 0; };
  IprangeMatch match;
  if (flag(IPRANGE_SRC))
    match.source = {address_of(info.src_min, family), address_of(info.src_max, family)};
  if (flag(IPRANGE_DST))
    match.destination = {address_of(info.dst_min, family), address_of(info.dst_max, family)};
  match.source_negated = match.source && flag(IPRANGE_SRC_INV);
  match.destination_negated = match.destination && flag(IPRANGE_DST_INV);
  if ((info.flags & ~(IPRANGE_SRC | IPRANGE_DST | IPRANGE_SRC_INV | IPRANGE_DST_INV)) != 0 ||
      (!match.source && !match.destination))
    return std::nullopt;
  return match;
}

// frag, revision 0: iptables always writes a range of identifications

void write(const FragmentMatch& match, Family family, Writer& to) {
  require(family == Family::ipv6, "a fragment header in IPv4");
  require(!match.more || !match.last, "more fragments and no more fragments");
  auto& info = to.add<ip6t_frag>("frag", 0);
  info.ids[1] = UINT32_MAX;
  info.flags = static_cast<__u8>((match.first ? IP6T_FRAG_FST : 0) | (match.more ? IP6T_FRAG_MF : 0) |
                                 (match.last ? IP6T_FRAG_NMF : 0));
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

void write(const Ipv6HeaderMatch& match, Family family, Writer& to) {
  require(family == Family::ipv6, "IPv6 extension headers in IPv4");
  require(match.headers != 0, "ipv6header without a header");
  auto& info = to.add<ip6t_ipv6header_info>("ipv6header", 0);
  info.matchflags = match.headers;
  info.invflags = match.negated ? 0xff : 0;
  info.modeflag = 0xff;
}

std::optional<Match> read_ipv6_header(Data data) {
  const auto info = load<ip6t_ipv6header_info>(data);
  const bool one_sign = info.invflags == 0 || info.invflags == 0xff;
  if (info.modeflag == 0 || info.matchflags == 0 || !one_sign)
    return std::nullopt;
  return Ipv6HeaderMatch{.headers = info.matchflags, .negated = info.invflags != 0};
}

} // namespace flowspec::xtables
