// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/nlri.hpp"

#include <optional>

namespace flowspec {

namespace {

// Operator octets, RFC 8955 section 4.2.1.
constexpr std::uint8_t end_of_list = 0x80;
constexpr std::uint8_t and_bit = 0x40;
constexpr std::uint8_t less = 0x04;
constexpr std::uint8_t greater = 0x02;
constexpr std::uint8_t equal = 0x01;
constexpr std::uint8_t negated = 0x02;
constexpr std::uint8_t match_bit = 0x01;

/// One {operator, value} pair with the value in the shortest of 1, 2 or 4 octets. Returns where the operator
/// stands.
std::size_t append_pair(std::vector<std::uint8_t>& data, unsigned op, std::uint32_t value) {
  const unsigned width_code = value <= 0xff ? 0 : value <= 0xffff ? 1 : 2;
  const std::size_t at = data.size();
  data.push_back(static_cast<std::uint8_t>(op | width_code << 4));
  for (unsigned octets = 1U << width_code; octets > 0; --octets)
    data.push_back(static_cast<std::uint8_t>(value >> (octets - 1) * 8));
  return at;
}

std::vector<std::uint8_t> encode(const Prefix& prefix) {
  std::vector<std::uint8_t> data{prefix.length};
  if (prefix.family() == Family::ipv6)
    data.push_back(prefix.offset);
  // RFC 8956 section 3.1: the pattern starts at the offset and fills whole octets.
  const unsigned bits = prefix.length - prefix.offset;
  std::vector<std::uint8_t> pattern((bits + 7) / 8);
  for (unsigned index = 0; index < bits; ++index)
    if (prefix.address.bit(prefix.offset + index))
      pattern[index / 8] = static_cast<std::uint8_t>(pattern[index / 8] | 0x80U >> index % 8);
  data.insert(data.end(), pattern.begin(), pattern.end());
  return data;
}

std::vector<std::uint8_t> encode(const ValueSet& set) {
  std::vector<std::uint8_t> data;
  std::size_t last_operator = 0;
  for (const Interval& interval : set.intervals()) {
    if (interval.first == interval.last) {
      last_operator = append_pair(data, equal, interval.first);
    } else {
      append_pair(data, greater | equal, interval.first);
      last_operator = append_pair(data, and_bit | less | equal, interval.last);
    }
  }
  if (data.empty())
    last_operator = append_pair(data, 0, 0); // "false"
  data[last_operator] |= end_of_list;
  return data;
}

std::vector<std::uint8_t> encode(const BitTests& tests) {
  std::vector<std::uint8_t> data;
  std::size_t last_operator = 0;
  for (const BitTest& test : tests.tests) {
    const bool joined = test.and_with_previous && !data.empty();
    last_operator = append_pair(
        data, (joined ? and_bit : 0U) | (test.negated ? negated : 0U) | (test.match ? match_bit : 0U),
        test.value);
  }
  if (data.empty())
    last_operator = append_pair(data, 0, 0); // holds for nothing
  data[last_operator] |= end_of_list;
  return data;
}

} // namespace

std::vector<NlriComponent> canonical_components(const Components& match) {
  std::vector<NlriComponent> components;
  const auto add = [&](std::uint8_t type, const auto& component) {
    if (component)
      components.push_back({type, encode(*component)});
  };
  add(1, match.destination);
  add(2, match.source);
  add(3, match.protocol);
  add(4, match.port);
  add(5, match.destination_port);
  add(6, match.source_port);
  add(7, match.icmp_type);
  add(8, match.icmp_code);
  add(9, match.tcp_flags);
  add(10, match.packet_length);
  add(11, match.dscp);
  add(12, match.fragment);
  add(13, match.flow_label);
  return components;
}

} // namespace flowspec
