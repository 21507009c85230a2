// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_route.hpp"

#include "common/error.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <stdexcept>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

// The high halves of the extended communities, RFC 8955 section 7. BIRD adds what is written as (generic,
// high, low).
constexpr std::uint32_t traffic_rate = 0x80060000;
constexpr std::uint32_t traffic_action = 0x80070000;
constexpr std::uint32_t redirect_as2 = 0x80080000; // the AS number in the low 16 bits
constexpr std::uint32_t traffic_marking = 0x80090000;
constexpr std::uint32_t action_go_on = 1; // the T bit: later routes are looked at
constexpr std::uint32_t action_sample = 2;

constexpr std::uint16_t tcp_flag_bits = 0xfff;

std::string prefix_text(const Prefix& prefix) {
  const std::string text = fmt::format(FMT_COMPILE("{}/{}"), to_string(prefix.address), prefix.length);
  return prefix.offset == 0 ? text : fmt::format("{} offset {}", text, prefix.offset);
}

/// "80,443,8000..8080"
std::string values_text(const ValueSet& set) {
  if (set.empty())
    throw std::invalid_argument("BIRD has no words for a component without values");
  std::string text;
  for (const auto& [first, last] : set.intervals()) {
    if (!text.empty())
      text += ',';
    text += fmt::format_int(first).c_str();
    if (last != first)
      text.append("..").append(fmt::format_int(last).c_str());
  }
  return text;
}

void must_test_something(const BitTests& list) {
  if (list.tests.empty())
    throw std::invalid_argument("BIRD has no words for a list of no bit tests");
}

std::string_view joint(const BitTests& list, const BitTest& test) {
  return &test == list.tests.data() ? "" : test.and_with_previous ? " && " : " || ";
}

/// "0x2/0x2 && !0x10/0x10". BIRD writes V/M as the bits of V by match and those of M without V by not-any:
/// one of V and M without V is empty here, so that each test stays one pair.
std::string tcp_flags_text(const BitTests& list) {
  must_test_something(list);
  std::string text;
  for (const BitTest& test : list.tests) {
    if (test.value == 0 || test.value > tcp_flag_bits)
      throw std::invalid_argument(fmt::format("BIRD has no words for TCP flags {:#x}", test.value));
    const bool not_any_form = !test.match; // "0/M" is not-any, "!0/M" is any
    const bool negated = not_any_form != test.negated;
    text += fmt::format("{}{}{:#x}/{:#x}", joint(list, test), negated ? "!" : "",
                        not_any_form ? 0 : test.value, test.value);
  }
  return text;
}

/// "is_fragment && !first_fragment"
std::string fragment_text(const BitTests& list, Family family) {
  static constexpr std::array names{std::pair{fragment_bit::dont_fragment, "dont_fragment"},
                                    std::pair{fragment_bit::is_fragment, "is_fragment"},
                                    std::pair{fragment_bit::first_fragment, "first_fragment"},
                                    std::pair{fragment_bit::last_fragment, "last_fragment"}};
  must_test_something(list);
  std::string text;
  for (const BitTest& test : list.tests) {
    const char* word = nullptr;
    for (const auto& [bit, name] : names)
      if (test.value == bit && !(bit == fragment_bit::dont_fragment && family == Family::ipv6))
        word = name;
    if (!word)
      throw std::invalid_argument(fmt::format("BIRD has no words for fragment bits {:#x}", test.value));
    text += fmt::format("{}{}{}", joint(list, test), test.negated ? "!" : "", word);
  }
  return text;
}

std::string add_community(std::string_view kind, std::uint64_t high, std::uint64_t low) {
  return fmt::format(FMT_COMPILE("bgp_ext_community.add(({}, {}, {}));"), kind, high, low);
}

std::string add_generic(std::uint32_t high, std::uint32_t low) {
  return fmt::format(FMT_COMPILE("bgp_ext_community.add((generic, {:#x}, {:#x}));"), high, low);
}

/// The halves of "ASN:N".
std::pair<std::uint32_t, std::uint32_t> route_target(const std::string& text) {
  std::pair<std::uint32_t, std::uint32_t> halves;
  const char* const end = text.data() + text.size();
  const auto asn = std::from_chars(text.data(), end, halves.first);
  const bool colon = asn.ec == std::errc{} && asn.ptr != end && *asn.ptr == ':';
  const auto value = colon ? std::from_chars(asn.ptr + 1, end, halves.second) : asn;
  if (!colon || value.ec != std::errc{} || value.ptr != end || halves.first > 0xffff)
    throw std::invalid_argument(fmt::format("\"{}\" is no route target of a two-octet AS number", text));
  return halves;
}

std::string sequence_community(std::uint64_t sequence, const SequenceCarrier& carrier) {
  using Kind = SequenceCarrier::Kind;
  if (carrier.kind == Kind::none)
    return {};
  if (sequence > carrier.largest())
    throw Error(fmt::format("sequence number {} is over {}, the largest that --sequence {} carries", sequence,
                            carrier.largest(), to_string(carrier)));
  if (carrier.kind == Kind::marking)
    return add_generic(traffic_marking, static_cast<std::uint32_t>(sequence));
  return add_community("rt", carrier.asn, sequence);
}

} // namespace

std::string bird_match(const Components& match) {
  const bool ipv4 = match.family == Family::ipv4;
  if (ipv4 && match.flow_label)
    throw std::invalid_argument("a flow label in IPv4");
  std::string text = ipv4 ? "flow4 {" : "flow6 {";
  const auto add = [&text](std::string_view word, const auto& component, auto to_text) {
    if (component)
      text.append(" ").append(word).append(" ").append(to_text(*component)).append(";");
  };
  add("dst", match.destination, prefix_text);
  add("src", match.source, prefix_text);
  add(ipv4 ? "proto" : "next header", match.protocol, values_text);
  add("port", match.port, values_text);
  add("dport", match.destination_port, values_text);
  add("sport", match.source_port, values_text);
  add("icmp type", match.icmp_type, values_text);
  add("icmp code", match.icmp_code, values_text);
  add("tcp flags", match.tcp_flags, tcp_flags_text);
  add("length", match.packet_length, values_text);
  add("dscp", match.dscp, values_text);
  add("fragment", match.fragment,
      [&match](const BitTests& list) { return fragment_text(list, match.family); });
  add("label", match.flow_label, values_text);
  return text + " }";
}

std::string bird_communities(const Entry& entry, const SequenceCarrier& carrier) {
  const Actions& actions = entry.actions;
  if (!actions.unknown.empty())
    throw std::invalid_argument(fmt::format("the action {} is not understood", actions.unknown.front()));
  std::vector<std::string> statements;
  if (actions.rate)
    statements.push_back(
        add_generic(traffic_rate, std::bit_cast<std::uint32_t>(static_cast<float>(*actions.rate))));
  if (actions.sample || !actions.terminal)
    statements.push_back(add_generic(traffic_action, (actions.sample ? action_sample : 0) |
                                                         (actions.terminal ? 0 : action_go_on)));
  if (actions.redirect) {
    const auto [asn, value] = route_target(*actions.redirect);
    statements.push_back(add_generic(redirect_as2 | asn, value));
  }
  if (actions.dscp_mark) {
    if (entry.sequence && carrier.kind == SequenceCarrier::Kind::marking)
      throw std::invalid_argument("a DSCP mark and a sequence number in one community");
    statements.push_back(add_generic(traffic_marking, *actions.dscp_mark));
  }
  for (const std::string_view target : entry.route_targets) {
    const auto [asn, value] = route_target(std::string(target));
    statements.push_back(add_community("rt", asn, value));
  }
  if (entry.sequence)
    if (std::string statement = sequence_community(*entry.sequence, carrier); !statement.empty())
      statements.push_back(std::move(statement));
  return fmt::format("{}", fmt::join(statements, " "));
}

std::string bird_route(const Entry& entry, const SequenceCarrier& carrier) {
  const std::string communities = bird_communities(entry, carrier);
  std::string text = "route " + bird_match(entry.match);
  if (!communities.empty())
    text.append(" { ").append(communities).append(" }");
  return text + ";";
}

} // namespace flowspec
