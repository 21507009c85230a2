// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/conditions.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace flowspec {

namespace {

constexpr std::size_t readable_values = 4; ///< more values than this go into one u32 test
constexpr std::size_t max_u32_ranges = 10; // XT_U32_MAXSIZE

// ---- Ports

/// Port lists as multiport takes them: at most 15 slots each, a range in two of them.
std::vector<std::vector<PortRange>> port_lists(const ValueSet& ports) {
  std::vector<std::vector<PortRange>> lists(1);
  unsigned used = 0;
  for (const Interval& interval : ports.intervals()) {
    const unsigned slots = interval.first == interval.last ? 1 : 2;
    if (used + slots > MultiportMatch::slots) {
      lists.emplace_back();
      used = 0;
    }
    lists.back().push_back(
        {static_cast<std::uint16_t>(interval.first), static_cast<std::uint16_t>(interval.last)});
    used += slots;
  }
  return lists;
}

bool several(const std::optional<ValueSet>& ports) {
  return ports && ports->intervals().size() > 1;
}

/// One interval goes into the match of the protocol itself; without any it still asks for the header to be
/// there.
template <class Ports>
Ports port_match(const Components& match) {
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

/// Each condition once for every list of `ports`.
std::vector<Condition> with_multiport(std::vector<Condition> conditions, const ValueSet& ports,
                                      MultiportMatch::Side side) {
  std::vector<Condition> result;
  for (const Condition& condition : conditions)
    for (std::vector<PortRange>& list : port_lists(ports)) {
      result.push_back(condition);
      result.back().matches.emplace_back(MultiportMatch{side, std::move(list), false});
    }
  return result;
}

/// A port component means TCP or UDP, and a packet whose header is there (RFC 8955 section 4.2.2.4).
std::vector<Condition> port_conditions(const Components& match, const Condition& base) {
  std::vector<Condition> conditions;
  for (const std::uint8_t number : {protocol::tcp, protocol::udp}) {
    if (match.protocol && !match.protocol->contains(number))
      continue;
    Condition condition = base;
    condition.protocol = number;
    // multiport asks for the header itself, so that the protocol's own match is needed only for what it
    // narrows.
    const auto ports = port_match<TcpMatch>(match);
    if (!ports.source.every() || !ports.destination.every() ||
        (!several(match.source_port) && !several(match.destination_port) && !match.port)) {
      if (number == protocol::tcp)
        condition.matches.emplace_back(ports);
      else
        condition.matches.emplace_back(port_match<UdpMatch>(match));
    }
    conditions.push_back(std::move(condition));
  }
  using Side = MultiportMatch::Side;
  if (several(match.source_port))
    conditions = with_multiport(std::move(conditions), *match.source_port, Side::source);
  if (several(match.destination_port))
    conditions = with_multiport(std::move(conditions), *match.destination_port, Side::destination);
  if (match.port)
    conditions = with_multiport(std::move(conditions), *match.port, Side::either);
  return conditions;
}

// ---- What only u32 can say

/// Lists of at most as many ranges as one u32 test takes.
std::vector<std::vector<U32Match::Range>> u32_lists(const ValueSet& values) {
  std::vector<std::vector<U32Match::Range>> lists;
  for (const Interval& interval : values.intervals()) {
    if (lists.empty() || lists.back().size() == max_u32_ranges)
      lists.emplace_back();
    lists.back().push_back({interval.first, interval.last});
  }
  return lists;
}

/// Each condition once for every list, with the octet that `steps` lead to within it.
std::vector<Condition> with_u32(std::vector<Condition> conditions, const ValueSet& values,
                                const std::vector<U32Match::Step>& steps) {
  std::vector<Condition> result;
  for (const Condition& condition : conditions)
    for (std::vector<U32Match::Range>& list : u32_lists(values)) {
      result.push_back(condition);
      result.back().matches.emplace_back(U32Match{{{steps, std::move(list)}}, false});
    }
  return result;
}

/// The word at `offset` of the transport header, shifted and masked: "0>>22&0x3C@offset>>shift&mask".
std::vector<U32Match::Step> transport_word(std::vector<U32Match::Step> rest) {
  using Op = U32Match::Operator;
  std::vector<U32Match::Step> steps{
      {Op::bit_and, 0}, {Op::right_shift, 22}, {Op::bit_and, 0x3c}, {Op::at, 0}};
  steps.insert(steps.end(), rest.begin(), rest.end());
  return steps;
}

// ---- ICMP and protocols

std::vector<Condition> icmp_conditions(const Components& match, Condition base) {
  base.protocol = protocol::icmp;
  const ValueSet types = match.icmp_type.value_or(ValueSet::all(domain::icmp));
  const ValueSet codes = match.icmp_code.value_or(ValueSet::all(domain::icmp));
  // The kernel's match takes one type and reads 255 as any; iptables' notation has one code or all, and no
  // range between.
  const bool plain_codes =
      std::all_of(codes.intervals().begin(), codes.intervals().end(),
                  [&](const Interval& code) { return code.first == code.last || codes.full(); });
  const bool readable = plain_codes && !types.contains(IcmpMatch::any_type) &&
                        types.size() * codes.intervals().size() <= readable_values;
  std::vector<Condition> conditions;
  if (readable) {
    for (const Interval& interval : types.intervals())
      for (std::uint32_t type = interval.first; type <= interval.last; ++type)
        for (const Interval& code : codes.intervals()) {
          conditions.push_back(base);
          conditions.back().matches.emplace_back(IcmpMatch{static_cast<std::uint8_t>(type),
                                                           static_cast<std::uint8_t>(code.first),
                                                           static_cast<std::uint8_t>(code.last), false});
        }
    return conditions;
  }
  base.matches.emplace_back(IcmpMatch{}); // the header is there
  conditions.push_back(std::move(base));
  using Op = U32Match::Operator;
  if (!types.full())
    conditions = with_u32(std::move(conditions), types, transport_word({{Op::right_shift, 24}}));
  if (!codes.full())
    conditions =
        with_u32(std::move(conditions), codes, transport_word({{Op::right_shift, 16}, {Op::bit_and, 0xff}}));
  return conditions;
}

std::vector<Condition> protocol_conditions(const ValueSet& protocols, const Condition& base) {
  std::vector<Condition> conditions;
  const ValueSet others = protocols.complement();
  if (others.empty())
    return {base};
  // `-p 0` means any protocol, so that 0 itself needs u32.
  if (protocols.size() <= readable_values && !protocols.contains(0)) {
    for (const Interval& interval : protocols.intervals())
      for (std::uint32_t number = interval.first; number <= interval.last; ++number) {
        conditions.push_back(base);
        conditions.back().protocol = static_cast<std::uint8_t>(number);
      }
    return conditions;
  }
  if (others.size() == 1 && !others.contains(0)) {
    conditions.push_back(base);
    conditions.back().protocol = static_cast<std::uint8_t>(others.intervals()[0].first);
    conditions.back().protocol_negated = true;
    return conditions;
  }
  using Op = U32Match::Operator;
  return with_u32({base}, protocols, {{Op::bit_and, 6}, {Op::bit_and, 0xff}});
}

} // namespace

std::vector<Condition> conditions_of(const Components& match) {
  Condition base;
  if (match.destination && match.destination->length > 0)
    base.destination = match.destination;
  if (match.source && match.source->length > 0)
    base.source = match.source;
  if (match.port || match.destination_port || match.source_port)
    return port_conditions(match, base);
  if (match.icmp_type || match.icmp_code)
    return icmp_conditions(match, base);
  return match.protocol ? protocol_conditions(*match.protocol, base) : std::vector<Condition>{base};
}

} // namespace flowspec
