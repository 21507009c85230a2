// SPDX-License-Identifier: GPL-2.0-or-later
//
// Only what iptables can be told and iptables-save tells again without loss. No jumps: they need a chain.
#include "tests/support/generate.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace flowspec::generate {

namespace {

template <class T, std::size_t N>
const T& one_of(Random& random, const std::array<T, N>& choices) {
  return choices[number(random, 0, N - 1)];
}

std::uint8_t octet(Random& random, std::uint32_t lo = 0, std::uint32_t hi = 255) {
  return static_cast<std::uint8_t>(number(random, lo, hi));
}

PortRange port_range(Random& random) {
  const auto first = static_cast<std::uint16_t>(number(random, 0, 65534));
  if (chance(random, 50))
    return {first, first};
  return {first, static_cast<std::uint16_t>(number(random, first + 1U, 65535))};
}

/// Sometimes every port, which cannot be negated.
void ports(Random& random, PortRange& range, bool& negated) {
  if (chance(random, 40))
    return;
  range = port_range(random);
  negated = !range.every() && chance(random, 25);
}

TcpMatch tcp(Random& random) {
  TcpMatch match;
  ports(random, match.source, match.source_negated);
  ports(random, match.destination, match.destination_negated);
  if (chance(random, 40)) {
    match.flags_mask = octet(random, 1, 0x3f);
    match.flags_set = octet(random) & match.flags_mask;
    match.flags_negated = chance(random, 30);
  }
  if (chance(random, 15)) {
    match.option = octet(random, 1);
    match.option_negated = chance(random, 30);
  }
  return match;
}

UdpMatch udp(Random& random) {
  UdpMatch match;
  ports(random, match.source, match.source_negated);
  ports(random, match.destination, match.destination_negated);
  return match;
}

IcmpMatch icmp(Random& random, Family family) {
  IcmpMatch match{.type = octet(random), .negated = chance(random, 25)};
  if (chance(random, 50) && !(family == Family::ipv4 && match.type == IcmpMatch::any_type))
    match.code_first = match.code_last = octet(random);
  return match;
}

MultiportMatch multiport(Random& random) {
  MultiportMatch match{
      .side = static_cast<MultiportMatch::Side>(number(random, 0, 2)), .ports = {}, .negated = false};
  match.negated = chance(random, 25);
  for (unsigned left = number(random, 1, MultiportMatch::slots); left > 0;) {
    PortRange range = port_range(random);
    if (left == 1)
      range.last = range.first;
    match.ports.push_back(range);
    left -= range.first == range.last ? 1 : 2;
  }
  return match;
}

ConntrackMatch conntrack(Random& random) {
  using M = ConntrackMatch;
  constexpr std::array<std::uint16_t, 7> states{M::invalid,   M::established, M::related,        M::fresh,
                                                M::untracked, M::source_nat,  M::destination_nat};
  ConntrackMatch match{.states = one_of(random, states), .negated = chance(random, 25)};
  for (const std::uint16_t state : states)
    if (chance(random, 30))
      match.states |= state;
  return match;
}

/// Of one line; now and then as long as it may be.
std::string text(Random& random, std::size_t max_bytes) {
  std::string result;
  const std::size_t length = chance(random, 5) ? max_bytes : number(random, 0, 40);
  while (result.size() < length)
    result += chance(random, 80) ? static_cast<char>(number(random, 'a', 'z'))
                                 : static_cast<char>(number(random, ' ', '~'));
  if (length >= 2 && chance(random, 10))
    result.replace(0, 2, "\u00fc");
  return result;
}

LengthMatch length(Random& random) {
  const PortRange range = port_range(random); // of the same numbers
  return {.first = range.first, .last = range.last, .negated = chance(random, 25)};
}

DscpMatch dscp(Random& random) {
  return {.value = octet(random, 0, 63), .negated = chance(random, 25)};
}

/// Now and then with bits outside of the mask: iptables takes them, and they are found in no packet.
TosMatch tos(Random& random) {
  TosMatch match{.value = octet(random), .negated = chance(random, 25)};
  if (chance(random, 50)) {
    match.mask = octet(random);
    if (chance(random, 80))
      match.value &= match.mask;
  }
  return match;
}

/// Of addresses that are near each other, or anywhere. Now and then it ends before it begins, for no address.
IprangeMatch::Range address_range(Random& random, Family family) {
  const auto anywhere = [&] {
    Address result{family, {}};
    for (unsigned i = 0; i < address_bits(family) / 8; ++i)
      result.bytes[i] = octet(random);
    return result;
  };
  const Address one = chance(random, 50) ? address(random, family) : anywhere();
  const Address other = chance(random, 50) ? address(random, family) : chance(random, 50) ? one : anywhere();
  const auto [first, last] = std::minmax(one, other);
  return chance(random, 90) ? IprangeMatch::Range{first, last} : IprangeMatch::Range{last, first};
}

IprangeMatch iprange(Random& random, Family family) {
  IprangeMatch match;
  const std::uint32_t sides = number(random, 1, 3);
  if (sides & 1) {
    match.source = address_range(random, family);
    match.source_negated = chance(random, 25);
  }
  if (sides & 2) {
    match.destination = address_range(random, family);
    match.destination_negated = chance(random, 25);
  }
  return match;
}

FragmentMatch fragment(Random& random) {
  const std::uint32_t following = number(random, 0, 2);
  return {.first = chance(random, 50), .more = following == 1, .last = following == 2};
}

/// Any of them: iptables-save names them as /etc/protocols does, and the tests have that file.
Ipv6HeaderMatch ipv6_header(Random& random) {
  return {.headers = chance(random, 50) ? Ipv6HeaderMatch::fragment : octet(random, 1),
          .negated = chance(random, 50)};
}

HashlimitMatch hashlimit(Random& random, Family family) {
  HashlimitMatch match{.name = "bucket-" + std::to_string(number(random, 0, 7)), .gc_interval = 1000};
  match.source_mask = match.destination_mask = static_cast<std::uint8_t>(address_bits(family));
  match.mode = number(random, 0, 15) * (chance(random, 50) ? 1 : 0);
  match.mode |= chance(random, 50) ? HashlimitMatch::mode_invert : 0;
  constexpr std::array<std::uint32_t, 4> packets_a_second{1, 5, 100, 10'000};
  if (chance(random, 70)) {
    match.mode |= HashlimitMatch::mode_bytes;
    const bool burst = chance(random, 30);
    const std::uint32_t rate = burst ? 1024 * number(random, 1, 16) : number(random, 16, 1'250'000'000);
    match.average = UINT32_MAX / (rate / 16 + 1);
    match.burst = burst ? number(random, 1, 8) : 0;
    match.expire = burst ? 60'000 : 15'000;
  } else {
    match.average = 1'000'000 / one_of(random, packets_a_second);
    match.burst = number(random, 1, 100);
    match.expire = 1000;
  }
  if (chance(random, 20)) {
    match.mode |= HashlimitMatch::mode_rate_match;
    match.name += "-measured"; // the kernel wants all rules of a bucket to agree on this
    match.interval = number(random, 1, 60);
  }
  if (chance(random, 20))
    match.size = number(random, 1, 64);
  if (chance(random, 20))
    match.max = number(random, 64, 128);
  if (chance(random, 20))
    match.gc_interval = number(random, 1, 5000);
  if (chance(random, 20))
    match.expire = number(random, 1, 5000);
  if (chance(random, 20))
    match.source_mask = octet(random, 0, address_bits(family));
  if (chance(random, 20))
    match.destination_mask = octet(random, 0, address_bits(family));
  return match;
}

/// Short enough for one argument of iptables-restore, which ends at 1023 bytes.
U32Match u32(Random& random) {
  U32Match match{.tests = {}, .negated = chance(random, 25)};
  const auto some_number = [&] {
    return chance(random, 50) ? number(random, 0, 64) : number(random, 0, UINT32_MAX);
  };
  for (std::uint32_t tests = number(random, 1, 3); tests > 0; --tests) {
    U32Match::Test test;
    for (std::uint32_t steps = number(random, 1, 5); steps > 0; --steps) {
      const auto op = static_cast<U32Match::Operator>(number(random, 0, 3));
      if (test.steps.empty())
        test.steps.push_back({U32Match::Operator::bit_and, some_number()});
      else
        test.steps.push_back(
            {op, op == U32Match::Operator::left_shift || op == U32Match::Operator::right_shift
                     ? number(random, 0, 31)
                     : some_number()});
    }
    for (std::uint32_t ranges = number(random, 1, 5); ranges > 0; --ranges) {
      const auto [first, last] = std::minmax({some_number(), some_number()});
      test.ranges.push_back({first, chance(random, 50) ? first : last});
    }
    match.tests.push_back(std::move(test));
  }
  return match;
}

void address(Random& random, Family family, std::optional<Prefix>& to, bool& negated) {
  if (chance(random, 50))
    return;
  Address address{family, {}};
  for (unsigned i = 0; i < address_bits(family) / 8; ++i)
    address.bytes[i] = octet(random);
  const Prefix wide = Prefix::masked(address, number(random, 1, address_bits(family)));
  to = chance(random, 50) ? wide : Prefix::masked(prefix(random, family).address, address_bits(family));
  negated = chance(random, 20);
}

void interface(Random& random, std::string& to, bool& negated) {
  static const std::array<std::string, 6> names{
      "lo", "eth0", "eth+", "br-lan.100", "fifteen-letters", "fourteen-and-+"};
  if (chance(random, 75))
    return;
  to = one_of(random, names);
  negated = chance(random, 30);
}

/// None, or one, or several in the same rule.
template <class Make>
void some(Random& random, unsigned percent, Rule& rule, Make make) {
  for (unsigned next = percent; chance(random, next); next = percent / 3)
    rule.matches.emplace_back(make());
}

/// Of those that iptables-save names the same with and without /etc/protocols.
void protocol_and_its_matches(Random& random, Family family, Rule& rule) {
  constexpr std::array<std::uint8_t, 8> others{50, 51, 132, 135, 136, 200, 233, 252};
  constexpr std::array<std::uint8_t, 4> with_ports{protocol::tcp, protocol::udp, 132, 136};
  const std::uint32_t kind = number(random, 0, 9);
  if (kind <= 2)
    rule.protocol = protocol::tcp;
  else if (kind <= 4)
    rule.protocol = protocol::udp;
  else if (kind == 5)
    rule.protocol = protocol::icmp_of(family);
  else if (kind == 6)
    rule.protocol = one_of(random, others);
  if (rule.protocol != 0 && chance(random, 10)) {
    rule.protocol_negated = true; // then no match of the protocol's own may follow
    return;
  }
  if (rule.protocol == protocol::tcp)
    some(random, 80, rule, [&] { return tcp(random); });
  if (rule.protocol == protocol::udp)
    some(random, 80, rule, [&] { return udp(random); });
  if (rule.protocol == protocol::icmp_of(family))
    some(random, 80, rule, [&] { return icmp(random, family); });
  if (std::ranges::find(with_ports, rule.protocol) != with_ports.end())
    some(random, 30, rule, [&] { return multiport(random); });
}

void matches_of_the_header(Random& random, Family family, Rule& rule) {
  some(random, 15, rule, [&] { return length(random); });
  some(random, 15, rule, [&] { return dscp(random); });
  some(random, 15, rule, [&] { return tos(random); });
  some(random, 15, rule, [&] { return iprange(random, family); });
  if (family == Family::ipv4)
    return;
  some(random, 15, rule, [&] { return fragment(random); });
  some(random, 15, rule, [&] { return ipv6_header(random); });
}

MarkTarget mark(Random& random) {
  MarkTarget target{.value = number(random, 0, UINT32_MAX)};
  if (chance(random, 50))
    target.mask = chance(random, 50) ? 0xff : number(random, 0, UINT32_MAX);
  return target;
}

Target target(Random& random, Family family, const Rule& rule) {
  static const std::array<std::string, 4> words_ipv4{"icmp-port-unreachable", "icmp-net-prohibited",
                                                     "icmp-admin-prohibited", "icmp-proto-unreachable"};
  static const std::array<std::string, 4> words_ipv6{"icmp6-no-route", "icmp6-adm-prohibited",
                                                     "icmp6-port-unreachable", "icmp6-addr-unreachable"};
  const std::uint32_t kind = number(random, 0, 8);
  if (kind <= 2)
    return static_cast<Verdict>(kind);
  if (kind == 3)
    return NoTarget{};
  if (kind == 4)
    return DscpTarget{octet(random, 0, 63)};
  if (kind == 5)
    return mark(random);
  if (kind == 6)
    return NflogTarget{.group = static_cast<std::uint16_t>(chance(random, 30) ? 0 : number(random, 0, 65535)),
                       .prefix = text(random, NflogTarget::max_prefix)};
  if (rule.protocol == protocol::tcp && !rule.protocol_negated && chance(random, 50))
    return RejectTarget{"tcp-reset"};
  return RejectTarget{one_of(random, family == Family::ipv4 ? words_ipv4 : words_ipv6)};
}

} // namespace

Rule rule(Random& random, Family family) {
  Rule result;
  address(random, family, result.source, result.source_negated);
  address(random, family, result.destination, result.destination_negated);
  interface(random, result.in_interface, result.in_interface_negated);
  interface(random, result.out_interface, result.out_interface_negated);
  if (family == Family::ipv4 && chance(random, 10)) {
    result.later_fragments = true;
    result.later_fragments_negated = chance(random, 50);
  }
  protocol_and_its_matches(random, family, result);
  matches_of_the_header(random, family, result);
  if (chance(random, 15))
    result.matches.emplace_back(conntrack(random));
  if (chance(random, 30))
    result.matches.emplace_back(CommentMatch{text(random, CommentMatch::max_bytes)});
  if (chance(random, 15))
    result.matches.emplace_back(hashlimit(random, family));
  some(random, 15, result, [&] { return u32(random); });
  std::shuffle(result.matches.begin(), result.matches.end(), random);
  result.target = target(random, family, result);
  return result;
}

} // namespace flowspec::generate
