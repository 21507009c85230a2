// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule_text.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace flowspec {

namespace {

using Out = fmt::appender;

std::string_view sign(bool negated) {
  return negated ? " !" : "";
}

/// Those of iptables' own table. It asks /etc/protocols for the rest; their numbers mean the same on every
/// machine.
std::string protocol_text(std::uint8_t protocol) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 9> names{{{1, "icmp"},
                                                                            {6, "tcp"},
                                                                            {17, "udp"},
                                                                            {50, "esp"},
                                                                            {51, "ah"},
                                                                            {58, "ipv6-icmp"},
                                                                            {132, "sctp"},
                                                                            {135, "mobility-header"},
                                                                            {136, "udplite"}}};
  const auto* it = std::ranges::find(names, protocol, &std::pair<std::uint8_t, std::string_view>::first);
  return it == names.end() ? std::to_string(protocol) : std::string(it->second);
}

std::string range_text(const PortRange& range) {
  return range.first == range.last ? std::to_string(range.first)
                                   : fmt::format("{}:{}", range.first, range.last);
}

void put_ports(Out out, std::string_view option, const PortRange& range, bool negated) {
  if (!range.every() || negated)
    fmt::format_to(out, "{} --{} {}", sign(negated), option, range_text(range));
}

std::string tcp_flags_text(std::uint8_t flags) {
  constexpr std::array<std::string_view, 8> names{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  std::string text;
  for (std::size_t bit = 0; bit < names.size(); ++bit)
    if (flags >> bit & 1)
      text.append(text.empty() ? "" : ",").append(names[bit]);
  return text.empty() ? "NONE" : text;
}

void put(Out out, const TcpMatch& match, Family) {
  fmt::format_to(out, " -m tcp");
  put_ports(out, "sport", match.source, match.source_negated);
  put_ports(out, "dport", match.destination, match.destination_negated);
  if (match.option != 0)
    fmt::format_to(out, "{} --tcp-option {}", sign(match.option_negated), match.option);
  if (match.flags_mask != 0 || match.flags_set != 0 || match.flags_negated)
    fmt::format_to(out, "{} --tcp-flags {} {}", sign(match.flags_negated), tcp_flags_text(match.flags_mask),
                   tcp_flags_text(match.flags_set));
}

void put(Out out, const UdpMatch& match, Family) {
  fmt::format_to(out, " -m udp");
  put_ports(out, "sport", match.source, match.source_negated);
  put_ports(out, "dport", match.destination, match.destination_negated);
}

void put(Out out, const IcmpMatch& match, Family family) {
  const auto [module, option] =
      family == Family::ipv4 ? std::pair("icmp", "icmp-type") : std::pair("icmp6", "icmpv6-type");
  fmt::format_to(out, " -m {}{} --{} ", module, sign(match.negated), option);
  if (family == Family::ipv4 && match.type == IcmpMatch::any_type) {
    fmt::format_to(out, "any");
    return;
  }
  fmt::format_to(out, "{}", match.type);
  if (match.code_first == match.code_last)
    fmt::format_to(out, "/{}", match.code_first);
  else if (match.code_first != 0 ||
           match.code_last != 255) // the kernel can, iptables cannot: it takes no such text
    fmt::format_to(out, "/{}-{}", match.code_first, match.code_last);
}

void put(Out out, const MultiportMatch& match, Family) {
  constexpr std::array<std::string_view, 3> options{"sports", "dports", "ports"};
  fmt::format_to(out, " -m multiport{} --{}", sign(match.negated),
                 options.at(static_cast<std::size_t>(match.side)));
  std::string_view separator = " ";
  for (const PortRange& range : match.ports)
    fmt::format_to(out, "{}{}", std::exchange(separator, ","), range_text(range));
}

void put(Out out, const ConntrackMatch& match, Family) {
  using M = ConntrackMatch;
  constexpr std::array<std::pair<std::uint16_t, std::string_view>, 7> names{{{M::invalid, "INVALID"},
                                                                             {M::fresh, "NEW"},
                                                                             {M::related, "RELATED"},
                                                                             {M::established, "ESTABLISHED"},
                                                                             {M::untracked, "UNTRACKED"},
                                                                             {M::source_nat, "SNAT"},
                                                                             {M::destination_nat, "DNAT"}}};
  fmt::format_to(out, " -m conntrack{} --ctstate", sign(match.negated));
  std::string_view separator = " ";
  for (const auto& [bit, word] : names)
    if (match.states & bit)
      fmt::format_to(out, "{}{}", std::exchange(separator, ","), word);
}

void put(Out out, const CommentMatch& match, Family) {
  fmt::format_to(out, " -m comment --comment {}", quoted(match.text));
}

/// Hashlimit in byte mode counts in steps of 16 bytes; these are libxt_hashlimit's own formulas and defaults.
std::uint64_t cost_to_bytes(std::uint64_t cost) {
  const std::uint64_t steps = cost == 0 ? UINT32_MAX : UINT32_MAX / cost;
  return steps == 0 ? 0 : (steps - 1) << 4;
}

std::uint64_t bytes_to_cost(std::uint64_t bytes) {
  return UINT32_MAX / ((bytes >> 4) + 1);
}

struct Unit {
  std::string_view name;
  std::uint64_t size;
};
constexpr std::array<Unit, 3> byte_units{{{"m", 1U << 20}, {"k", 1U << 10}, {"", 1}}};

/// Prints rate and burst; returns the milliseconds after which iptables lets an idle bucket go unless told
/// otherwise.
std::uint64_t put_byte_rate(Out out, const HashlimitMatch& match) {
  const std::uint64_t rate = cost_to_bytes(match.average);
  const Unit* unit = byte_units.data();
  while (unit->size > 1 && (rate < unit->size || bytes_to_cost(rate & ~(unit->size - 1)) != match.average))
    ++unit;
  // Below 16 bytes a second iptables-save prints 0b/s, which iptables-restore refuses.
  fmt::format_to(out, " {}{}b/s", rate == 0 ? 1 : rate / unit->size, unit->name);
  if (match.burst == 0)
    return 15'000;
  const std::uint64_t burst = rate * match.burst;
  unit = byte_units.data();
  while (unit->size > 1 && burst < unit->size)
    ++unit;
  const std::uint64_t shown = burst / unit->size * unit->size;
  if (rate != 0 && (shown + rate - 1) / rate != match.burst) // rounded down it would be read as another burst
    unit = &byte_units.back();
  fmt::format_to(out, " --hashlimit-burst {}{}b", burst / unit->size, unit->name);
  return 60'000;
}

std::uint64_t put_packet_rate(Out out, const HashlimitMatch& match) {
  constexpr std::uint64_t scale = 1'000'000;
  constexpr std::array<Unit, 4> units{{{"day", 86'400}, {"hour", 3'600}, {"min", 60}, {"sec", 1}}};
  const std::uint64_t period = std::max<std::uint64_t>(match.average, 1);
  std::size_t i = 0;
  for (; i + 1 < units.size(); ++i) {
    const std::uint64_t next = units[i + 1].size * scale;
    if (period > next || next / period < next % period)
      break;
  }
  fmt::format_to(out, " {}/{} --hashlimit-burst {}", units[i].size * scale / period, units[i].name,
                 match.burst);
  return units[i].size * 1000;
}

void put(Out out, const HashlimitMatch& match, Family family) {
  constexpr std::array<std::pair<std::uint32_t, std::string_view>, 4> keys{
      {{1U << 2, "srcip"}, {1U << 3, "srcport"}, {1U << 0, "dstip"}, {1U << 1, "dstport"}}};
  fmt::format_to(out, " -m hashlimit --hashlimit-{}",
                 match.mode & HashlimitMatch::mode_invert ? "above" : "upto");
  const std::uint64_t expire =
      match.mode & HashlimitMatch::mode_bytes ? put_byte_rate(out, match) : put_packet_rate(out, match);
  std::string_view separator = " --hashlimit-mode ";
  for (const auto& [bit, word] : keys)
    if (match.mode & bit)
      fmt::format_to(out, "{}{}", std::exchange(separator, ","), word);
  const bool word =
      match.name.find_first_of(" \t\"'\\") == std::string::npos; // iptables-save never quotes it
  fmt::format_to(out, " --hashlimit-name {}", word ? match.name : quoted(match.name));
  const auto unless = [&](std::string_view option, std::uint64_t value, std::uint64_t usual) {
    if (value != usual)
      fmt::format_to(out, " --hashlimit-{} {}", option, value);
  };
  unless("htable-size", match.size, 0);
  unless("htable-max", match.max, 0);
  unless("htable-gcinterval", match.gc_interval, 1000);
  unless("htable-expire", match.expire, expire);
  unless("srcmask", match.source_mask, address_bits(family));
  unless("dstmask", match.destination_mask, address_bits(family));
  if (match.mode & HashlimitMatch::mode_rate_match) {
    fmt::format_to(out, " --hashlimit-rate-match");
    unless("rate-interval", match.interval, 1);
  }
}

void put(Out out, const U32Match& match, Family) {
  constexpr std::array<std::string_view, 4> operators{"&", "<<", ">>", "@"};
  fmt::format_to(out, " -m u32{} --u32 \"", sign(match.negated));
  std::string_view between;
  for (const U32Match::Test& test : match.tests) {
    fmt::format_to(out, "{}", std::exchange(between, "&&"));
    for (std::size_t i = 0; i < test.steps.size(); ++i)
      fmt::format_to(out, "{}{:#x}", i == 0 ? "" : operators.at(static_cast<std::size_t>(test.steps[i].op)),
                     test.steps[i].number);
    std::string_view separator = "=";
    for (const auto& [first, last] : test.ranges) {
      fmt::format_to(out, "{}{:#x}", std::exchange(separator, ","), first);
      if (last != first)
        fmt::format_to(out, ":{:#x}", last);
    }
  }
  fmt::format_to(out, "\"");
}

void put(Out out, const LengthMatch& match, Family) {
  fmt::format_to(out, " -m length{} --length {}", sign(match.negated), range_text({match.first, match.last}));
}

void put(Out out, const DscpMatch& match, Family) {
  fmt::format_to(out, " -m dscp{} --dscp {:#04x}", sign(match.negated), match.value);
}

void put(Out out, const TosMatch& match, Family) {
  fmt::format_to(out, " -m tos{} --tos {:#04x}/{:#04x}", sign(match.negated), match.value, match.mask);
}

void put_range(Out out, std::string_view option, const std::optional<IprangeMatch::Range>& range,
               bool negated) {
  if (range)
    fmt::format_to(out, "{} --{} {}-{}", sign(negated), option, to_string(range->first),
                   to_string(range->last));
}

void put(Out out, const IprangeMatch& match, Family) {
  fmt::format_to(out, " -m iprange");
  put_range(out, "src-range", match.source, match.source_negated);
  put_range(out, "dst-range", match.destination, match.destination_negated);
}

void put(Out out, const FragmentMatch& match, Family) {
  fmt::format_to(out, " -m frag{}{}{}", match.first ? " --fragfirst" : "", match.more ? " --fragmore" : "",
                 match.last ? " --fraglast" : "");
}

/// The names of /etc/protocols, as iptables-save prints them; without that file iptables has others of its
/// own.
void put(Out out, const Ipv6HeaderMatch& match, Family) {
  constexpr std::array<std::string_view, 8> names{"protocol",  "ipv6-nonxt", "esp",       "ah",
                                                  "ipv6-frag", "ipv6-route", "ipv6-opts", "hop-by-hop"};
  fmt::format_to(out, " -m ipv6header{} --header", sign(match.negated));
  std::string_view separator = " ";
  for (std::size_t bit = names.size(); bit-- > 0;)
    if (match.headers >> bit & 1)
      fmt::format_to(out, "{}{}", std::exchange(separator, ","), names[bit]);
  fmt::format_to(out, " --soft");
}

void put(Out out, const OpaqueMatch& match, Family) {
  fmt::format_to(out, " -m [{} rev {}, {} bytes]", match.name, match.revision, match.data.size());
}

void put(Out, NoTarget) {}
void put(Out out, Verdict verdict) {
  fmt::format_to(out, " -j {}", name(verdict));
}
void put(Out out, const Jump& jump) {
  fmt::format_to(out, " -{} {}", jump.go_to ? 'g' : 'j', jump.chain);
}
void put(Out out, const RejectTarget& target) {
  fmt::format_to(out, " -j REJECT --reject-with {}", target.with);
}
void put(Out out, const DscpTarget& target) {
  fmt::format_to(out, " -j DSCP --set-dscp {:#04x}", target.value);
}
void put(Out out, const MarkTarget& target) {
  fmt::format_to(out, " -j MARK --set-xmark {:#x}/{:#x}", target.value, target.mask);
}
void put(Out out, const NflogTarget& target) {
  fmt::format_to(out, " -j NFLOG");
  if (!target.prefix.empty())
    fmt::format_to(out, " --nflog-prefix {}", quoted(target.prefix));
  if (target.group != 0)
    fmt::format_to(out, " --nflog-group {}", target.group);
}
void put(Out out, const OpaqueTarget& target) {
  fmt::format_to(out, " -j [{} rev {}, {} bytes]", target.name, target.revision, target.data.size());
}

void put_prefix(Out out, char option, const std::optional<Prefix>& prefix, bool negated) {
  if (prefix && (prefix->length != 0 || negated))
    fmt::format_to(out, FMT_COMPILE("{} -{} {}"), sign(negated), option, to_string(*prefix));
}

void put_interface(Out out, char option, const std::string& interface, bool negated) {
  if (!interface.empty())
    fmt::format_to(out, "{} -{} {}", sign(negated), option, interface);
}

} // namespace

std::string to_string(const Rule& rule, Family family) {
  fmt::memory_buffer text;
  const Out out(text);
  put_prefix(out, 's', rule.source, rule.source_negated);
  put_prefix(out, 'd', rule.destination, rule.destination_negated);
  put_interface(out, 'i', rule.in_interface, rule.in_interface_negated);
  put_interface(out, 'o', rule.out_interface, rule.out_interface_negated);
  if (rule.protocol != 0)
    fmt::format_to(out, "{} -p {}", sign(rule.protocol_negated), protocol_text(rule.protocol));
  if (rule.later_fragments)
    fmt::format_to(out, "{} -f", sign(rule.later_fragments_negated));
  for (const Match& match : rule.matches)
    std::visit([&](const auto& m) { put(out, m, family); }, match);
  std::visit([&](const auto& t) { put(out, t); }, rule.target);
  if (!rule.unreadable.empty())
    fmt::format_to(out, " [unreadable: {}]", rule.unreadable);
  return text.size() == 0 ? "" : std::string(text.data() + 1, text.size() - 1); // without the first space
}

std::string quoted(std::string_view text) {
  constexpr std::string_view plain = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos)
    return std::string(text);
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '\'')
      result += '\\';
    result += c;
  }
  return result + '"';
}

} // namespace flowspec
