// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/u32_tests.hpp"

#include <stdexcept>

namespace flowspec {

namespace {

using Op = U32Match::Operator;
using Steps = std::vector<U32Match::Step>;

constexpr std::size_t max_ranges = 10; // XT_U32_MAXSIZE

/// The word at `offset` of what is behind the IPv4 header: "0>>22&0x3C@offset".
Steps transport_word(std::uint32_t offset) {
  return {{Op::bit_and, 0}, {Op::right_shift, 22}, {Op::bit_and, 0x3c}, {Op::at, offset}};
}

Steps with(Steps steps, const Steps& more) {
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}

Steps steps_to(Field field, Family family) {
  const bool v4 = family == Family::ipv4;
  switch (field) {
  case Field::protocol:
    return {{Op::bit_and, 6}, {Op::bit_and, 0xff}};
  case Field::packet_length:
    return {{Op::bit_and, v4 ? 0U : 2U}, {Op::bit_and, 0xffff}};
  case Field::dscp:
    return {{Op::bit_and, 0}, {Op::right_shift, v4 ? 18U : 22U}, {Op::bit_and, 0x3f}};
  case Field::fragment:
    return {{Op::bit_and, 4}, {Op::bit_and, 0x7fff}};
  case Field::icmp_type:
    return with(transport_word(0), {{Op::right_shift, 24}});
  case Field::icmp_code:
    return with(transport_word(0), {{Op::right_shift, 16}, {Op::bit_and, 0xff}});
  case Field::flow_label:
    return {{Op::bit_and, 0}, {Op::bit_and, 0xfffff}};
  }
  throw std::logic_error("a field without a place");
}

} // namespace

std::vector<U32Match::Test> u32_tests(Field field, Family family, const ValueSet& values) {
  std::vector<U32Match::Test> tests;
  for (const Interval& interval : values.intervals()) {
    if (tests.empty() || tests.back().ranges.size() == max_ranges)
      tests.push_back({steps_to(field, family), {}});
    tests.back().ranges.push_back({interval.first, interval.last});
  }
  return tests;
}

U32Match::Test u32_tcp_flags(std::uint16_t mask, std::uint16_t first, std::uint16_t last) {
  return {with(transport_word(12), {{Op::right_shift, 16}, {Op::bit_and, mask}}), {{first, last}}};
}

} // namespace flowspec
