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

using Bytes = std::vector<std::uint8_t>;

void append(Bytes& data, const Prefix& prefix) {
  data.push_back(prefix.length);
  if (prefix.family() == Family::ipv6)
    data.push_back(prefix.offset);
  // RFC 8956 section 3.1: the pattern starts at the offset and fills whole octets.
  const unsigned bits = prefix.length - prefix.offset;
  const auto& address = prefix.address.bytes;
  if (prefix.offset == 0) { // the bits behind the length are 0 already
    data.insert(data.end(), address.begin(), address.begin() + (bits + 7) / 8);
    return;
  }
  Bytes pattern((bits + 7) / 8);
  for (unsigned index = 0; index < bits; ++index)
    if (prefix.address.bit(prefix.offset + index))
      pattern[index / 8] = static_cast<std::uint8_t>(pattern[index / 8] | 0x80U >> index % 8);
  data.insert(data.end(), pattern.begin(), pattern.end());
}

void append(Bytes& data, const ValueSet& set) {
  std::size_t last_operator = 0;
  for (const Interval& interval : set.intervals()) {
    if (interval.first == interval.last) {
      last_operator = append_pair(data, equal, interval.first);
    } else {
      append_pair(data, greater | equal, interval.first);
      last_operator = append_pair(data, and_bit | less | equal, interval.last);
    }
  }
  if (set.empty())
    last_operator = append_pair(data, 0, 0); // "false"
  data[last_operator] |= end_of_list;
}

void append(Bytes& data, const BitTests& tests) {
  std::size_t last_operator = 0;
  for (const BitTest& test : tests.tests) {
    const bool joined = test.and_with_previous && &test != tests.tests.data();
    last_operator = append_pair(
        data, (joined ? and_bit : 0U) | (test.negated ? negated : 0U) | (test.match ? match_bit : 0U),
        test.value);
  }
  if (tests.tests.empty())
    last_operator = append_pair(data, 0, 0); // holds for nothing
  data[last_operator] |= end_of_list;
}

/// Hands `use` the type and the value of each component that is present.
template <typename Use>
void for_each_component(const Components& match, Use use) {
  const auto add = [&use](std::uint8_t type, const auto& component) {
    if (component)
      use(type, *component);
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
}

} // namespace

std::vector<NlriComponent> canonical_components(const Components& match) {
  std::vector<NlriComponent> components;
  for_each_component(match, [&components](std::uint8_t type, const auto& component) {
    append(components.emplace_back(NlriComponent{type, {}}).data, component);
  });
  return components;
}

std::vector<std::uint8_t> canonical_nlri(const Components& match) {
  constexpr std::size_t usual_size = 40;
  Bytes bytes;
  bytes.reserve(usual_size);
  for_each_component(match, [&bytes](std::uint8_t type, const auto& component) {
    bytes.push_back(type);
    append(bytes, component);
  });
  return bytes;
}

} // namespace flowspec
