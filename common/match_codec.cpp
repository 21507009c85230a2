// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/match_codec.hpp"

#include "common/match_structures.hpp"

#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_dscp.h>
#include <linux/netfilter/xt_hashlimit.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_length.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter/xt_u32.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6t_frag.h>
#include <linux/netfilter_ipv6/ip6t_ipv6header.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace flowspec::xtables {

namespace {

// conntrack: written as revision 3; in 1 to 3 the members that a test of the state needs are the same

constexpr std::pair<std::uint16_t, unsigned> state_bits[] = {
    {ConntrackMatch::invalid, XT_CONNTRACK_STATE_INVALID},
    {ConntrackMatch::established, XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED)},
    {ConntrackMatch::related, XT_CONNTRACK_STATE_BIT(IP_CT_RELATED)},
    {ConntrackMatch::fresh, XT_CONNTRACK_STATE_BIT(IP_CT_NEW)},
    {ConntrackMatch::source_nat, XT_CONNTRACK_STATE_SNAT},
    {ConntrackMatch::destination_nat, XT_CONNTRACK_STATE_DNAT},
    {ConntrackMatch::untracked, XT_CONNTRACK_STATE_UNTRACKED},
};

void write(const ConntrackMatch& match, Family, Writer& to) {
  auto& info = to.add<xt_conntrack_mtinfo3>("conntrack", 3);
  unsigned rest = match.states;
  for (const auto& [ours, kernel] : state_bits)
    if (match.states & ours) {
      info.state_mask = static_cast<__u16>(info.state_mask | kernel);
      rest &= ~unsigned{ours};
    }
  require(match.states != 0 && rest == 0, "a connection state that conntrack does not know");
  info.match_flags = XT_CONNTRACK_STATE;
  info.invert_flags = match.negated ? XT_CONNTRACK_STATE : 0;
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

void write(const CommentMatch& match, Family, Writer& to) {
  require(match.text.size() <= CommentMatch::max_bytes, "a comment of more than 255 bytes");
  require(match.text.find('\0') == std::string::npos, "a comment with a NUL");
  auto& info = to.add<xt_comment_info>("comment", 0);
  std::ranges::copy(match.text, info.comment);
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

void write(const HashlimitMatch& match, Family, Writer& to) {
  auto& info = to.add<xt_hashlimit_mtinfo3>("hashlimit", 3);
  require(!match.name.empty() && match.name.size() < sizeof info.name &&
              match.name.find('\0') == std::string::npos,
          "a hashlimit name that is empty or longer than 254 bytes");
  std::ranges::copy(match.name, info.name);
  info.cfg.avg = match.average;
  info.cfg.burst = match.burst;
  info.cfg.mode = match.mode;
  info.cfg.size = match.size;
  info.cfg.max = match.max;
  info.cfg.gc_interval = match.gc_interval;
  info.cfg.expire = match.expire;
  info.cfg.interval = match.interval;
  info.cfg.srcmask = match.source_mask;
  info.cfg.dstmask = match.destination_mask;
  require(sayable(info.cfg), "a hashlimit rate or mode that iptables cannot say");
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

void write(const U32Match& match, Family, Writer& to) {
  require(fits(match.tests.size()), "u32 with no test or more than 10");
  auto& info = to.add<xt_u32>("u32", 0);
  for (const U32Match::Test& test : match.tests) {
    require(fits(test.steps.size()) && fits(test.ranges.size()),
            "a u32 test with no step or range, or more than 10");
    require(test.steps.front().op == U32Match::Operator::bit_and,
            "an operator before the first number of a u32 test");
    xt_u32_test& made = info.tests[info.ntests++];
    for (const U32Match::Step& step : test.steps) {
      require(!shifts_too_far(static_cast<unsigned>(step.op), step.number), "a u32 shift of 32 bits or more");
      made.location[made.nnums].number = step.number;
      made.location[made.nnums++].nextop = static_cast<__u8>(step.op); // in the kernel's order
    }
    for (const U32Match::Range& range : test.ranges)
      made.value[made.nvalues++] = {range.first, range.last};
  }
  info.invert = match.negated;
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

void write(const OpaqueMatch&, Family, Writer&) {
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
  if (is("length", 0, sizeof(xt_length_info)))
    return read_length(data);
  if (is("dscp", 0, sizeof(xt_dscp_info)))
    return read_dscp(data);
  if (is("tos", 1, sizeof(xt_tos_match_info)))
    return read_tos(data);
  if (is("iprange", 1, sizeof(xt_iprange_mtinfo)))
    return read_iprange(data, family);
  if (family == Family::ipv6 && is("frag", 0, sizeof(ip6t_frag)))
    return read_fragment(data);
  if (family == Family::ipv6 && is("ipv6header", 0, sizeof(ip6t_ipv6header_info)))
    return read_ipv6_header(data);
  return std::nullopt;
}

} // namespace

void append_match(const Match& match, Family family, Writer& to) {
  std::visit([&](const auto& m) { write(m, family, to); }, match);
}

ExtensionBytes encode_match(const Match& match, Family family) {
  return alone([&](Writer& to) { append_match(match, family, to); });
}

Match decode_match(std::string_view name, std::uint8_t revision, std::span<const std::byte> data,
                   Family family) {
  if (const std::optional<Match> match = read(name, revision, data, family))
    return *match;
  return OpaqueMatch{std::string(name), revision, octets(data)};
}

} // namespace flowspec::xtables
