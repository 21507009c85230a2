// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/transport_matches.hpp"

#include "injector/tcp_flag_matches.hpp"
#include "injector/u32_tests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace flowspec {

namespace {

constexpr std::size_t readable_values = 2; ///< more values than this go into one u32 test, where there is one
constexpr std::size_t most_icmp_rules = 512;

using Alternatives = std::vector<std::vector<Match>>;

// ---- Ports

/// As multiport takes them: at most 15 slots each, a range in two of them.
std::vector<MultiportMatch> multiport(const ValueSet& ports, MultiportMatch::Side side) {
  std::vector<MultiportMatch> matches;
  unsigned used = MultiportMatch::slots;
  for (const Interval& interval : ports.intervals()) {
    const unsigned slots = interval.first == interval.last ? 1 : 2;
    if (used + slots > MultiportMatch::slots) {
      matches.push_back({side, {}, false});
      used = 0;
    }
    matches.back().ports.push_back(
        {static_cast<std::uint16_t>(interval.first), static_cast<std::uint16_t>(interval.last)});
    used += slots;
  }
  return matches;
}

bool several(const std::optional<ValueSet>& ports) {
  return ports && ports->intervals().size() > 1;
}

/// One interval goes into the match of the protocol itself.
template <class Ports>
Ports header_match(const Components& match) {
  const auto range = [](const std::optional<ValueSet>& ports) -> PortRange {
    if (!ports || several(ports))
      return {};
    const Interval& only = ports->intervals().front();
    return {static_cast<std::uint16_t>(only.first), static_cast<std::uint16_t>(only.last)};
  };
  Ports result;
  result.source = range(match.source_port);
  result.destination = range(match.destination_port);
  return result;
}

std::vector<std::vector<MultiportMatch>> port_lists(const Components& match) {
  using Side = MultiportMatch::Side;
  std::vector<std::vector<MultiportMatch>> lists;
  if (several(match.source_port))
    lists.push_back(multiport(*match.source_port, Side::source));
  if (several(match.destination_port))
    lists.push_back(multiport(*match.destination_port, Side::destination));
  if (match.port)
    lists.push_back(multiport(*match.port, Side::either));
  return lists;
}

// ---- TCP and UDP

std::optional<Transport> tcp(const Components& match) {
  Transport transport{protocol::tcp, {}, port_lists(match)};
  const auto header = header_match<TcpMatch>(match);
  if (!match.tcp_flags) {
    transport.alternatives.emplace_back().emplace_back(header);
    return transport;
  }
  const auto groups = tcp_flag_groups(*match.tcp_flags, match.family);
  if (!groups)
    return std::nullopt;
  for (const TcpFlagGroup& group : *groups) {
    TcpMatch with_flags = header;
    with_flags.flags_mask = group.mask;
    with_flags.flags_set = group.set;
    transport.alternatives.push_back({with_flags});
    auto& all = transport.alternatives.back();
    all.insert(all.end(), group.more.begin(), group.more.end());
  }
  return transport;
}

Transport udp(const Components& match) {
  Transport transport{protocol::udp, {}, port_lists(match)};
  transport.alternatives.emplace_back().emplace_back(header_match<UdpMatch>(match));
  return transport;
}

// ---- ICMP

IcmpMatch icmp(std::uint32_t type, const Interval& code) {
  return {static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(code.first),
          static_cast<std::uint8_t>(code.last), false};
}

/// The kernel's match has one type; iptables' notation has one code or all of them.
std::vector<Interval> sayable_codes(const ValueSet& codes) {
  if (codes.full())
    return {codes.intervals().begin(), codes.intervals().end()};
  std::vector<Interval> single;
  for (const Interval& interval : codes.intervals())
    for (std::uint32_t code = interval.first; code <= interval.last; ++code)
      single.push_back({code, code});
  return single;
}

Alternatives each_type_and_code(const ValueSet& types, const std::vector<Interval>& codes) {
  Alternatives result;
  for (const Interval& interval : types.intervals())
    for (std::uint32_t type = interval.first; type <= interval.last; ++type)
      for (const Interval& code : codes)
        result.push_back({icmp(type, code)});
  return result;
}

/// Some test of `types` and some test of `codes`; none of one kind: it is not asked for.
Alternatives icmp_by_u32(const ValueSet& types, const ValueSet& codes) {
  const auto tests_of = [](Field field, const ValueSet& values) {
    std::vector<std::vector<U32Match::Test>> choices;
    if (values.full())
      choices.emplace_back();
    else
      for (U32Match::Test& test : u32_tests(field, Family::ipv4, values))
        choices.push_back({std::move(test)});
    return choices;
  };
  Alternatives result;
  for (const auto& type : tests_of(Field::icmp_type, types))
    for (const auto& code : tests_of(Field::icmp_code, codes)) {
      std::vector<U32Match::Test> both = type;
      both.insert(both.end(), code.begin(), code.end());
      result.push_back({IcmpMatch{}}); // the header is there
      if (!both.empty())
        result.back().emplace_back(U32Match{std::move(both), false});
    }
  return result;
}

Alternatives icmpv4_alternatives(const ValueSet& types, const ValueSet& codes) {
  const std::vector<Interval> single_codes = sayable_codes(codes);
  // The kernel's match reads type 255 as any.
  const bool readable =
      !types.contains(IcmpMatch::any_type) && types.size() * single_codes.size() <= readable_values;
  return readable ? each_type_and_code(types, single_codes) : icmp_by_u32(types, codes);
}

/// What is behind extension headers is out of u32's reach, so each type and code needs its own match.
std::optional<Alternatives> icmpv6_alternatives(const ValueSet& types, const ValueSet& codes) {
  const Interval every_code{0, domain::icmp};
  if (codes.full()) {
    const ValueSet others = types.complement();
    if (others.size() <= 1) { // of none: type 0 or another, so that the header is there
      IcmpMatch other = icmp(others.empty() ? 0 : others.intervals().front().first, every_code);
      other.negated = true;
      Alternatives result{{other}};
      if (others.empty())
        result.push_back({icmp(0, every_code)});
      return result;
    }
  }
  const std::vector<Interval> single_codes = sayable_codes(codes);
  if (types.size() * single_codes.size() > most_icmp_rules)
    return std::nullopt;
  return each_type_and_code(types, single_codes);
}

} // namespace

std::variant<std::vector<Transport>, std::string> transports_of(const Components& match) {
  const auto allowed = [&](std::uint8_t number) {
    return !match.protocol || match.protocol->contains(number);
  };
  std::vector<Transport> transports;
  if (match.icmp_type || match.icmp_code) {
    const ValueSet types = match.icmp_type.value_or(ValueSet::all(domain::icmp));
    const ValueSet codes = match.icmp_code.value_or(ValueSet::all(domain::icmp));
    std::optional<Alternatives> alternatives =
        match.family == Family::ipv4 ? icmpv4_alternatives(types, codes) : icmpv6_alternatives(types, codes);
    if (!alternatives)
      return fmt::format("{} pairs of an ICMPv6 type and code: ip6tables takes one pair a rule, and {} rules "
                         "are the limit",
                         types.size() * codes.size(), most_icmp_rules);
    transports.push_back({protocol::icmp_of(match.family), std::move(*alternatives), {}});
    return transports;
  }
  const bool ports = match.port || match.destination_port || match.source_port;
  if ((ports || match.tcp_flags) && allowed(protocol::tcp)) {
    std::optional<Transport> transport = tcp(match);
    if (!transport)
      return "TCP flags beyond FIN, SYN, RST, PSH, ACK and URG: ip6tables has no notation for them";
    transports.push_back(std::move(*transport));
  }
  if (ports && !match.tcp_flags && allowed(protocol::udp))
    transports.push_back(udp(match));
  return transports;
}

} // namespace flowspec
