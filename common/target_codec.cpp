// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/target_codec.hpp"

#include <linux/netfilter/xt_DSCP.h>
#include <linux/netfilter/xt_MARK.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>

#include <algorithm>
#include <array>

namespace flowspec::xtables {

namespace {

using Data = std::span<const std::byte>;
using RejectWord = std::pair<unsigned, std::string_view>;
constexpr std::array<RejectWord, 8> reject_words_ipv4{{{IPT_ICMP_NET_UNREACHABLE, "icmp-net-unreachable"},
                                                       {IPT_ICMP_HOST_UNREACHABLE, "icmp-host-unreachable"},
                                                       {IPT_ICMP_PROT_UNREACHABLE, "icmp-proto-unreachable"},
                                                       {IPT_ICMP_PORT_UNREACHABLE, "icmp-port-unreachable"},
                                                       {IPT_ICMP_NET_PROHIBITED, "icmp-net-prohibited"},
                                                       {IPT_ICMP_HOST_PROHIBITED, "icmp-host-prohibited"},
                                                       {IPT_TCP_RESET, "tcp-reset"},
                                                       {IPT_ICMP_ADMIN_PROHIBITED, "icmp-admin-prohibited"}}};
constexpr std::array<RejectWord, 7> reject_words_ipv6{{{IP6T_ICMP6_NO_ROUTE, "icmp6-no-route"},
                                                       {IP6T_ICMP6_ADM_PROHIBITED, "icmp6-adm-prohibited"},
                                                       {IP6T_ICMP6_ADDR_UNREACH, "icmp6-addr-unreachable"},
                                                       {IP6T_ICMP6_PORT_UNREACH, "icmp6-port-unreachable"},
                                                       {IP6T_TCP_RESET, "tcp-reset"},
                                                       {IP6T_ICMP6_POLICY_FAIL, "icmp6-policy-fail"},
                                                       {IP6T_ICMP6_REJECT_ROUTE, "icmp6-reject-route"}}};

std::span<const RejectWord> reject_words(Family family) {
  return family == Family::ipv4 ? std::span<const RejectWord>(reject_words_ipv4) : reject_words_ipv6;
}

/// libiptc puts verdicts and offsets of chains in place of names itself.
void add_standard_target(std::string_view name, Writer& to) {
  to.add<int>(name, 0);
}

void write(const NoTarget&, Family, Writer& to) {
  add_standard_target("", to);
}
void write(const Verdict& verdict, Family, Writer& to) {
  add_standard_target(name(verdict), to);
}

void write(const Jump& jump, Family, Writer& to) {
  require(!jump.chain.empty() && jump.chain.size() < XT_EXTENSION_MAXNAMELEN &&
              jump.chain.find('\0') == std::string::npos,
          "a chain name that is empty or longer than 28 bytes");
  require(!decode_standard_target(jump.chain) && jump.chain != "QUEUE", "a chain with the name of a verdict");
  add_standard_target(jump.chain, to);
}

void write(const RejectTarget& target, Family family, Writer& to) {
  const auto words = reject_words(family);
  const auto word = std::ranges::find(words, target.with, &RejectWord::second);
  require(word != words.end(), "a word of --reject-with that this family does not have");
  auto& info = to.add<ipt_reject_info>("REJECT", 0); // ip6t_reject_info is the same
  info.with = static_cast<ipt_reject_with>(word->first);
}

std::optional<Target> read_reject(Data data, Family family) {
  const auto words = reject_words(family);
  const auto word = std::ranges::find(words, load<std::uint32_t>(data), &RejectWord::first);
  if (word == words.end())
    return std::nullopt;
  return RejectTarget{std::string(word->second)};
}

void write(const DscpTarget& target, Family, Writer& to) {
  require(target.value <= XT_DSCP_MAX, "a DSCP above 63");
  auto& info = to.add<xt_DSCP_info>("DSCP", 0);
  info.dscp = target.value;
}

std::optional<Target> read_dscp(Data data) {
  const auto info = load<xt_DSCP_info>(data);
  if (info.dscp > XT_DSCP_MAX)
    return std::nullopt;
  return DscpTarget{info.dscp};
}

void write(const MarkTarget& target, Family, Writer& to) {
  auto& info = to.add<xt_mark_tginfo2>("MARK", 2);
  info.mark = target.value;
  info.mask = target.mask;
}

Target read_mark(Data data) {
  const auto info = load<xt_mark_tginfo2>(data);
  return MarkTarget{.value = info.mark, .mask = info.mask};
}

static_assert(sizeof(xt_nflog_info::prefix) == NflogTarget::max_prefix + 1);

/// iptables takes no line break in it.
bool sayable_prefix(std::string_view prefix) {
  return prefix.find('\n') == std::string_view::npos;
}

void write(const NflogTarget& target, Family, Writer& to) {
  require(target.prefix.size() <= NflogTarget::max_prefix, "an NFLOG prefix of more than 63 bytes");
  require(target.prefix.find('\0') == std::string::npos && sayable_prefix(target.prefix),
          "an NFLOG prefix with a NUL or a line break");
  auto& info = to.add<xt_nflog_info>("NFLOG", 0);
  info.group = target.group;
  info.threshold = XT_NFLOG_DEFAULT_THRESHOLD;
  std::ranges::copy(target.prefix, info.prefix);
}

std::optional<Target> read_nflog(Data data) {
  const auto info = load<xt_nflog_info>(data);
  const auto* end = std::ranges::find(info.prefix, '\0');
  if (info.len != 0 || info.flags != 0 || info.threshold != XT_NFLOG_DEFAULT_THRESHOLD ||
      end == std::end(info.prefix) || !sayable_prefix({info.prefix, end}))
    return std::nullopt;
  return NflogTarget{.group = info.group, .prefix = {info.prefix, end}};
}

void write(const OpaqueTarget&, Family, Writer&) {
  throw std::invalid_argument("a target that was only read as bytes");
}

std::optional<Target> read(std::string_view name, unsigned revision, Data data, Family family) {
  const auto is = [&](std::string_view n, unsigned r, std::size_t size) {
    return name == n && revision == r && data.size() == aligned(size);
  };
  if (is("REJECT", 0, sizeof(ipt_reject_info)))
    return read_reject(data, family);
  if (is("DSCP", 0, sizeof(xt_DSCP_info)))
    return read_dscp(data);
  if (is("MARK", 2, sizeof(xt_mark_tginfo2)))
    return read_mark(data);
  if (is("NFLOG", 0, sizeof(xt_nflog_info)))
    return read_nflog(data);
  return std::nullopt;
}

} // namespace

void append_target(const Target& target, Family family, Writer& to) {
  std::visit([&](const auto& t) { write(t, family, to); }, target);
}

ExtensionBytes encode_target(const Target& target, Family family) {
  return alone([&](Writer& to) { append_target(target, family, to); });
}

bool is_extension(const Target& target) {
  return !std::holds_alternative<NoTarget>(target) && !std::holds_alternative<Verdict>(target) &&
         !std::holds_alternative<Jump>(target);
}

std::optional<Target> decode_standard_target(std::string_view name) {
  if (name.empty())
    return NoTarget{};
  for (const Verdict verdict : {Verdict::accept, Verdict::drop, Verdict::return_})
    if (name == flowspec::name(verdict))
      return verdict;
  return std::nullopt;
}

Target decode_extension_target(std::string_view name, std::uint8_t revision, std::span<const std::byte> data,
                               Family family) {
  if (const std::optional<Target> target = read(name, revision, data, family))
    return *target;
  return OpaqueTarget{std::string(name), revision, octets(data)};
}

} // namespace flowspec::xtables
