// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each match has a pair: write() gives what iptables 1.8 writes, read() takes what the kernel shows and gives
// nothing when it asks for more than our words say.
#include "common/match_codec.hpp"

#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_hashlimit.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter/xt_u32.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace flowspec::xtables {

namespace {

using Data = std::span<const std::byte>;

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

// tcp and udp, revision 0

/// iptables has no names for ECE and CWR, and its save command does not survive them.
constexpr __u8 named_tcp_flags = 0x3f;

ExtensionBytes write(const TcpMatch& match, Family) {
  require((match.flags_mask & ~named_tcp_flags) == 0, "a TCP flag that iptables has no name for");
  require((match.flags_set & ~match.flags_mask) == 0, "a TCP flag to be set that is not looked at");
  require(match.option != 0 || !match.option_negated, "a negated TCP option that is not asked for");
  Blank<xt_tcp> info;
  write_ports(*info, match.source, match.destination);
  info->option = match.option;
  info->flg_mask = match.flags_mask;
  info->flg_cmp = match.flags_set;
  info->invflags = static_cast<__u8>(
      bit_if(match.source_negated, XT_TCP_INV_SRCPT) | bit_if(match.destination_negated, XT_TCP_INV_DSTPT) |
      bit_if(match.flags_negated, XT_TCP_INV_FLAGS) | bit_if(match.option_negated, XT_TCP_INV_OPTION));
  return {"tcp", 0, std::move(info).bytes()};
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

ExtensionBytes write(const UdpMatch& match, Family) {
  Blank<xt_udp> info;
  write_ports(*info, match.source, match.destination);
  info->invflags = static_cast<__u8>(bit_if(match.source_negated, XT_UDP_INV_SRCPT) |
                                     bit_if(match.destination_negated, XT_UDP_INV_DSTPT));
  return {"udp", 0, std::move(info).bytes()};
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

bool every_icmp(const ipt_icmp& info, Family family) {
  return family == Family::ipv4 && info.type == IcmpMatch::any_type;
}

ExtensionBytes write(const IcmpMatch& match, Family family) {
  require(match.code_first <= match.code_last, "an ICMP code range that ends before it begins");
  Blank<ipt_icmp> info;
  info->type = match.type;
  info->code[0] = match.code_first;
  info->code[1] = match.code_last;
  info->invflags = bit_if(match.negated, IPT_ICMP_INV);
  require(!every_icmp(*info, family) || (match.code_first == 0 && match.code_last == 255),
          "an ICMP code of every type");
  return {family == Family::ipv4 ? "icmp" : "icmp6", 0, std::move(info).bytes()};
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

ExtensionBytes write(const MultiportMatch& match, Family) {
  Blank<xt_multiport_v1> info;
  require(!match.ports.empty(), "multiport without a port");
  for (const PortRange& range : match.ports) {
    require(ordered(range), "a port range that ends before it begins");
    const unsigned slots = range.first == range.last ? 1 : 2;
    require(info->count + slots <= MultiportMatch::slots,
            "more than 15 ports in multiport (a range counts as two)");
    info->pflags[info->count] = slots == 2;
    info->ports[info->count++] = range.first;
    if (slots == 2)
      info->ports[info->count++] = range.last;
  }
  info->flags = static_cast<__u8>(match.side); // in the kernel's order
  info->invert = match.negated;
  return {"multiport", 1, std::move(info).bytes()};
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

// conntrack: written as revision 3; in 1 to 3 the members that a test of the state needs are the same

constexpr std::pair<std::uint16_t, unsigned> state_bits[] = {
    {ConntrackMatch::invalid, XT_CONNTRACK_STATE_INVALID},
    {ConntrackMatch::established, XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED)},
    {ConntrackMatch::related, XT_CONNTRACK_STATE_BIT(IP_CT_RELATED)},
    {ConntrackMatch::fresh, XT_CONNTRACK_STATE_BIT(IP_CT_NEW)},
    {ConntrackMatch::untracked, XT_CONNTRACK_STATE_UNTRACKED},
};

ExtensionBytes write(const ConntrackMatch& match, Family) {
  Blank<xt_conntrack_mtinfo3> info;
  unsigned rest = match.states;
  for (const auto& [ours, kernel] : state_bits)
    if (match.states & ours) {
      info->state_mask = static_cast<__u16>(info->state_mask | kernel);
      rest &= ~unsigned{ours};
    }
  require(match.states != 0 && rest == 0, "a connection state that conntrack does not know");
  info->match_flags = XT_CONNTRACK_STATE;
  info->invert_flags = match.negated ? XT_CONNTRACK_STATE : 0;
  return {"conntrack", 3, std::move(info).bytes()};
}

template <class Info>
std::optional<Match> read_conntrack(Data data) {
  const auto info = load<Info>(data);
  if ((info.match_flags & ~XT_CONNTRACK_STATE_ALIAS) != XT_CONNTRACK_STATE)
    return std::nullopt;
  ConntrackMatch match{.states = 0, .negated = (info.invert_flags & XT_CONNTRACK_STATE) != 0};
  unsigned rest = info.state_mask;
  for (const auto& [ours, kernel] : state_bits)
    if (info.state_mask & kernel) {
      match.states |= ours;
      rest &= ~kernel;
    }
  if (match.states == 0 || rest != 0)
    return std::nullopt;
  return match;
}

// comment, revision 0

ExtensionBytes write(const CommentMatch& match, Family) {
  require(match.text.size() <= CommentMatch::max_bytes, "a comment of more than 255 bytes");
  require(match.text.find('\0') == std::string::npos, "a comment with a NUL");
  Blank<xt_comment_info> info;
  std::ranges::copy(match.text, info->comment);
  return {"comment", 0, std::move(info).bytes()};
}

std::optional<Match> read_comment(Data data) {
  const auto info = load<xt_comment_info>(data);
  const auto* end = std::ranges::find(info.comment, '\0');
  if (end == std::end(info.comment))
    return std::nullopt;
  return CommentMatch{{info.comment, end}};
}

// hashlimit, revision 3: what lies behind cfg is the kernel's own

constexpr std::uint32_t known_modes = XT_HASHLIMIT_HASH_DIP | XT_HASHLIMIT_HASH_DPT | XT_HASHLIMIT_HASH_SIP |
                                      XT_HASHLIMIT_HASH_SPT | XT_HASHLIMIT_INVERT | XT_HASHLIMIT_BYTES |
                                      XT_HASHLIMIT_RATE_MATCH;

bool sayable(const hashlimit_cfg3& cfg) {
  const bool rate = cfg.avg != 0 && ((cfg.mode & XT_HASHLIMIT_BYTES) == 0 || cfg.avg <= UINT32_MAX);
  return (cfg.mode & ~known_modes) == 0 && rate;
}

ExtensionBytes write(const HashlimitMatch& match, Family) {
  Blank<xt_hashlimit_mtinfo3> info;
  require(!match.name.empty() && match.name.size() < sizeof info->name &&
              match.name.find('\0') == std::string::npos,
          "a hashlimit name that is empty or longer than 254 bytes");
  std::ranges::copy(match.name, info->name);
  info->cfg.avg = match.average;
  info->cfg.burst = match.burst;
  info->cfg.mode = match.mode;
  info->cfg.size = match.size;
  info->cfg.max = match.max;
  info->cfg.gc_interval = match.gc_interval;
  info->cfg.expire = match.expire;
  info->cfg.interval = match.interval;
  info->cfg.srcmask = match.source_mask;
  info->cfg.dstmask = match.destination_mask;
  require(sayable(info->cfg), "a hashlimit rate or mode that iptables cannot say");
  return {"hashlimit", 3, std::move(info).bytes()};
}

std::optional<Match> read_hashlimit(Data data) {
  const auto info = load<xt_hashlimit_mtinfo3>(data);
  const auto* end = std::ranges::find(info.name, '\0');
  if (end == std::end(info.name) || end == std::begin(info.name) || !sayable(info.cfg))
    return std::nullopt;
  return HashlimitMatch{.name = {info.name, end},
                        .mode = info.cfg.mode,
                        .average = info.cfg.avg,
                        .burst = info.cfg.burst,
                        .size = info.cfg.size,
                        .max = info.cfg.max,
                        .gc_interval = info.cfg.gc_interval,
                        .expire = info.cfg.expire,
                        .interval = info.cfg.interval,
                        .source_mask = info.cfg.srcmask,
                        .destination_mask = info.cfg.dstmask};
}

// u32, revision 0

bool fits(std::size_t count) {
  return count >= 1 && count <= XT_U32_MAXSIZE;
}

/// Newer kernels refuse shifts of 32 bits and more; in older ones their result depends on the machine.
bool shifts_too_far(unsigned op, std::uint32_t number) {
  return (op == XT_U32_LEFTSH || op == XT_U32_RIGHTSH) && number >= 32;
}

ExtensionBytes write(const U32Match& match, Family) {
  require(fits(match.tests.size()), "u32 with no test or more than 10");
  Blank<xt_u32> info;
  for (const U32Match::Test& test : match.tests) {
    require(fits(test.steps.size()) && fits(test.ranges.size()),
            "a u32 test with no step or range, or more than 10");
    require(test.steps.front().op == U32Match::Operator::bit_and,
            "an operator before the first number of a u32 test");
    xt_u32_test& to = info->tests[info->ntests++];
    for (const U32Match::Step& step : test.steps) {
      require(!shifts_too_far(static_cast<unsigned>(step.op), step.number), "a u32 shift of 32 bits or more");
      to.location[to.nnums].number = step.number;
      to.location[to.nnums++].nextop = static_cast<__u8>(step.op); // in the kernel's order
    }
    for (const U32Match::Range& range : test.ranges)
      to.value[to.nvalues++] = {range.first, range.last};
  }
  info->invert = match.negated;
  return {"u32", 0, std::move(info).bytes()};
}

std::optional<Match> read_u32(Data data) {
  const auto info = load<xt_u32>(data);
  if (!fits(info.ntests))
    return std::nullopt;
  U32Match match{.tests = {}, .negated = info.invert != 0};
  for (const xt_u32_test& from : std::span(info.tests).first(info.ntests)) {
    if (!fits(from.nnums) || !fits(from.nvalues))
      return std::nullopt;
    U32Match::Test test;
    for (const xt_u32_location_element& step : std::span(from.location).first(from.nnums)) {
      if (step.nextop > XT_U32_AT || (!test.steps.empty() && shifts_too_far(step.nextop, step.number)))
        return std::nullopt;
      test.steps.push_back({static_cast<U32Match::Operator>(step.nextop), step.number});
    }
    test.steps.front().op = U32Match::Operator::bit_and; // not looked at
    for (const xt_u32_value_element& range : std::span(from.value).first(from.nvalues))
      test.ranges.push_back({range.min, range.max});
    match.tests.push_back(std::move(test));
  }
  return match;
}

ExtensionBytes write(const OpaqueMatch&, Family) {
  throw std::invalid_argument("a match that was only read as bytes");
}

std::optional<Match> read(std::string_view name, unsigned revision, Data data, Family family) {
  const auto is = [&](std::string_view n, unsigned r, std::size_t size) {
    return name == n && revision == r && data.size() == aligned(size);
  };
  if (is("tcp", 0, sizeof(xt_tcp)))
    return read_tcp(data);
  if (is("udp", 0, sizeof(xt_udp)))
    return read_udp(data);
  if (is(family == Family::ipv4 ? "icmp" : "icmp6", 0, sizeof(ipt_icmp)))
    return read_icmp(data, family);
  if (is("multiport", 1, sizeof(xt_multiport_v1)))
    return read_multiport(data);
  if (is("conntrack", 3, sizeof(xt_conntrack_mtinfo3)))
    return read_conntrack<xt_conntrack_mtinfo3>(data);
  if (is("conntrack", 2, sizeof(xt_conntrack_mtinfo2)))
    return read_conntrack<xt_conntrack_mtinfo2>(data);
  if (is("conntrack", 1, sizeof(xt_conntrack_mtinfo1)))
    return read_conntrack<xt_conntrack_mtinfo1>(data);
  if (is("comment", 0, sizeof(xt_comment_info)))
    return read_comment(data);
  if (is("hashlimit", 3, sizeof(xt_hashlimit_mtinfo3)))
    return read_hashlimit(data);
  if (is("u32", 0, sizeof(xt_u32)))
    return read_u32(data);
  return std::nullopt;
}

} // namespace

ExtensionBytes encode_match(const Match& match, Family family) {
  return std::visit([&](const auto& m) { return write(m, family); }, match);
}

Match decode_match(std::string_view name, std::uint8_t revision, std::span<const std::byte> data,
                   Family family) {
  if (const std::optional<Match> match = read(name, revision, data, family))
    return *match;
  return OpaqueMatch{std::string(name), revision, octets(data)};
}

} // namespace flowspec::xtables
