// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/match_options.hpp"

#include "fetcher/icmp_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace flowspec {

namespace {

using Options = std::span<const RuleOption>;

/// "80", "80:90", ":90" or "80:": ports, and lengths too.
PortRange ports(std::string_view text, std::string_view option) {
  const auto port = [option](std::string_view digits) {
    return static_cast<std::uint16_t>(number(digits, 65535, option));
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return {port(text), port(text)};
  const std::string_view first = text.substr(0, colon);
  const std::string_view last = text.substr(colon + 1);
  const PortRange range{first.empty() ? std::uint16_t{0} : port(first),
                        last.empty() ? std::uint16_t{65535} : port(last)};
  if (range.first > range.last)
    throw UnreadablePart(fmt::format("{} {} ends before it begins", option, text));
  return range;
}

/// A comma list of names, each in capitals in `names`, as the sum of their bits.
template <typename Bits>
Bits flag_names(std::string_view text, std::string_view option,
                const std::map<std::string_view, Bits, std::less<>>& names) {
  unsigned sum = 0;
  for (const std::string_view word : split(text, ',')) {
    const auto found = names.find(upper(word));
    if (found == names.end())
      throw UnreadablePart(fmt::format("{} {}", option, word));
    sum |= found->second;
  }
  return static_cast<Bits>(sum);
}

template <typename PortMatch>
bool read_ports(PortMatch& match, const RuleOption& option) {
  if (option.name == "--sport") {
    match.source = ports(option.value(), option.name);
    match.source_negated = option.negated;
  } else if (option.name == "--dport") {
    match.destination = ports(option.value(), option.name);
    match.destination_negated = option.negated;
  } else {
    return false;
  }
  return true;
}

bool is_about_flags(const RuleOption& option) {
  return option.name == "--syn" || option.name == "--tcp-flags";
}

TcpMatch read_tcp(Options options) {
  static const std::map<std::string_view, std::uint8_t, std::less<>> names{
      {"FIN", 1},  {"SYN", 2},  {"RST", 4},   {"PSH", 8},  {"ACK", 16},
      {"URG", 32}, {"ECE", 64}, {"CWR", 128}, {"ALL", 63}, {"NONE", 0}};
  TcpMatch match;
  if (std::ranges::count_if(options, &is_about_flags) > 1)
    throw UnreadablePart("--syn and --tcp-flags");
  for (const RuleOption& option : options) {
    if (read_ports(match, option))
      continue;
    if (option.name == "--tcp-option") {
      match.option = static_cast<std::uint8_t>(number(option.value(), 255, option.name));
      if (match.option == 0)
        throw UnreadablePart("--tcp-option 0");
      match.option_negated = option.negated;
    } else if (option.name == "--syn") {
      match.flags_mask = 1 | 2 | 4 | 16;
      match.flags_set = 2;
      match.flags_negated = option.negated;
    } else {
      if (option.values.size() != 2)
        throw UnreadablePart("--tcp-flags without two values");
      match.flags_mask = flag_names(option.values[0], option.name, names);
      match.flags_set = flag_names(option.values[1], option.name, names);
      match.flags_negated = option.negated;
    }
  }
  return match;
}

UdpMatch read_udp(Options options) {
  UdpMatch match;
  for (const RuleOption& option : options)
    read_ports(match, option);
  return match;
}

IcmpMatch read_icmp(Options options, Family family) {
  if (options.empty())
    throw UnreadablePart("-m icmp without a type");
  const RuleOption& option = options.front();
  IcmpMatch match;
  match.negated = option.negated;
  if (option.value() == "any" && family == Family::ipv4)
    return match;
  const std::string_view named = icmp_numbers(option.value(), family);
  const auto parts = split(named.empty() ? std::string_view(option.value()) : named, '/');
  match.type = static_cast<std::uint8_t>(number(parts[0], 255, option.name));
  if (parts.size() > 2)
    throw UnreadablePart(fmt::format("{} {}", option.name, option.value()));
  if (parts.size() == 2) {
    // "3/4", and "3/4-7" as rule_text.hpp shows a range that the kernel holds and iptables has no words for.
    const auto codes = split(parts[1], '-');
    match.code_first = static_cast<std::uint8_t>(number(codes.front(), 255, option.name));
    match.code_last = static_cast<std::uint8_t>(number(codes.back(), 255, option.name));
    if (codes.size() > 2 || match.code_first > match.code_last)
      throw UnreadablePart(fmt::format("{} {}", option.name, option.value()));
  }
  return match;
}

MultiportMatch read_multiport(Options options) {
  if (options.size() != 1)
    throw UnreadablePart("-m multiport without exactly one list of ports");
  const RuleOption& option = options.front();
  using Side = MultiportMatch::Side;
  MultiportMatch match{.side = option.name == "--sports"   ? Side::source
                               : option.name == "--dports" ? Side::destination
                                                           : Side::either,
                       .ports = {},
                       .negated = option.negated};
  unsigned slots = 0;
  for (const std::string_view part : split(option.value(), ',')) {
    match.ports.push_back(ports(part, option.name));
    slots += part.find(':') == std::string_view::npos ? 1U : 2U;
  }
  if (slots > MultiportMatch::slots)
    throw UnreadablePart(fmt::format("{} with more than {} ports", option.name, MultiportMatch::slots));
  return match;
}

ConntrackMatch read_states(Options options) {
  static const std::map<std::string_view, std::uint16_t, std::less<>> names{
      {"INVALID", ConntrackMatch::invalid},     {"ESTABLISHED", ConntrackMatch::established},
      {"RELATED", ConntrackMatch::related},     {"NEW", ConntrackMatch::fresh},
      {"UNTRACKED", ConntrackMatch::untracked}, {"SNAT", ConntrackMatch::source_nat},
      {"DNAT", ConntrackMatch::destination_nat}};
  if (options.size() != 1)
    throw UnreadablePart("a connection state match without exactly one list of states");
  const RuleOption& option = options.front();
  const auto states = flag_names(option.value(), option.name, names);
  if (option.name == "--state" && (states & (ConntrackMatch::source_nat | ConntrackMatch::destination_nat)))
    throw UnreadablePart(fmt::format("--state {}", option.value())); // iptables has them in --ctstate only
  return {states, option.negated};
}

LengthMatch read_length(Options options) {
  if (options.empty())
    throw UnreadablePart("-m length without a length");
  const RuleOption& option = options.front();
  const PortRange range = ports(option.value(), option.name);
  return {.first = range.first, .last = range.last, .negated = option.negated};
}

CommentMatch read_comment(Options options) {
  if (options.empty())
    throw UnreadablePart("-m comment without a comment");
  options.front().must_be_plain();
  const std::string& text = options.front().value();
  if (text.size() > CommentMatch::max_bytes)
    throw UnreadablePart(fmt::format("a comment of more than {} bytes", CommentMatch::max_bytes));
  return {text};
}

} // namespace

Match read_match(std::string_view name, Options options, Family family) {
  static constexpr std::array known{"tcp",   "udp",     "icmp", "icmp6",     "multiport", "conntrack",
                                    "state", "comment", "u32",  "hashlimit", "length",    "dscp",
                                    "tos",   "iprange", "frag", "ipv6header"};
  if (std::ranges::find(known, name) == known.end())
    throw UnreadablePart(fmt::format("-m {}", name));
  std::set<std::string_view> seen;
  for (const RuleOption& option : options) {
    if (!has_option(name, option.name))
      throw UnreadablePart(fmt::format("{} of -m {}", option.name, name));
    if (!seen.insert(option.name).second)
      throw UnreadablePart(fmt::format("{} twice", option.name));
  }
  if (name == "tcp")
    return read_tcp(options);
  if (name == "udp")
    return read_udp(options);
  if (name == (family == Family::ipv4 ? "icmp" : "icmp6"))
    return read_icmp(options, family);
  if (name == "multiport")
    return read_multiport(options);
  if (name == "conntrack" || name == "state")
    return read_states(options);
  if (name == "comment")
    return read_comment(options);
  if (name == "u32")
    return read_u32(options);
  if (name == "hashlimit")
    return read_hashlimit(options, family);
  if (name == "length")
    return read_length(options);
  if (name == "dscp")
    return read_dscp(options);
  if (name == "tos")
    return read_tos(options);
  if (name == "iprange")
    return read_iprange(options, family);
  if (name == "frag" && family == Family::ipv6)
    return read_fragment(options);
  if (name == "ipv6header" && family == Family::ipv6)
    return read_ipv6_header(options);
  throw UnreadablePart(fmt::format("-m {} in {}", name, flowspec::name(family)));
}

} // namespace flowspec
