// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/generate_firewall.hpp"

#include "common/entry.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace flowspec::generate {

namespace {

PortRange ports(Random& random) {
  const auto first = static_cast<std::uint16_t>(number(random, 0, 12));
  if (chance(random, 10))
    return {first, 65535};
  return {first, static_cast<std::uint16_t>(first + (chance(random, 50) ? 0 : number(random, 0, 4)))};
}

template <typename M>
M port_match(Random& random) {
  M match;
  if (chance(random, 40)) {
    match.source = ports(random);
    match.source_negated = chance(random, 20);
  }
  if (chance(random, 60)) {
    match.destination = ports(random);
    match.destination_negated = chance(random, 20);
  }
  return match;
}

/// Of the six flags that iptables-save can print: it crashes over the two others.
TcpMatch tcp(Random& random) {
  auto match = port_match<TcpMatch>(random);
  if (chance(random, 30)) {
    match.flags_mask = static_cast<std::uint8_t>(chance(random, 50) ? 0x17 : number(random, 0, 63));
    match.flags_set =
        static_cast<std::uint8_t>(match.flags_mask & (chance(random, 50) ? 2 : number(random, 0, 255)));
    match.flags_negated = chance(random, 30);
  }
  return match;
}

MultiportMatch multiport(Random& random) {
  MultiportMatch match;
  match.side = static_cast<MultiportMatch::Side>(number(random, 0, 2));
  for (std::uint32_t left = number(random, 1, 7); left > 0; --left)
    match.ports.push_back(ports(random));
  match.negated = chance(random, 20);
  return match;
}

IcmpMatch icmp(Random& random) {
  IcmpMatch match;
  match.type = static_cast<std::uint8_t>(chance(random, 20) ? 255 : number(random, 0, 12));
  if (chance(random, 40))
    match.code_first = match.code_last = static_cast<std::uint8_t>(number(random, 0, 5));
  match.negated = chance(random, 20);
  return match;
}

IprangeMatch address_range(Random& random, Family family) {
  IprangeMatch match;
  const auto range = [&] {
    const auto [first, last] = std::minmax({address(random, family), address(random, family)});
    return IprangeMatch::Range{first, last};
  };
  if (chance(random, 50)) {
    match.source = range();
    match.source_negated = chance(random, 20);
  } else {
    match.destination = range();
    match.destination_negated = chance(random, 20);
  }
  return match;
}

void addresses(Random& random, Family family, Rule& rule) {
  if (chance(random, 40)) {
    rule.source = prefix(random, family);
    rule.source_negated = chance(random, 10);
  }
  if (chance(random, 40)) {
    rule.destination = prefix(random, family);
    rule.destination_negated = chance(random, 10);
  }
  if (chance(random, 5))
    rule.matches.emplace_back(address_range(random, family));
}

void transport(Random& random, Family family, Rule& rule) {
  const std::uint8_t protocols[] = {0, protocol::tcp, protocol::udp, protocol::icmp_of(family), 47};
  rule.protocol = protocols[number(random, 0, 4)];
  rule.protocol_negated = rule.protocol != 0 && chance(random, 8);
  if (rule.protocol_negated)
    return;
  if (rule.protocol == protocol::tcp && chance(random, 60))
    rule.matches.emplace_back(tcp(random));
  if (rule.protocol == protocol::udp && chance(random, 60))
    rule.matches.emplace_back(port_match<UdpMatch>(random));
  for (int times = 0; times < 2; ++times)
    if ((rule.protocol == protocol::tcp || rule.protocol == protocol::udp) && chance(random, 25))
      rule.matches.emplace_back(multiport(random));
  for (int times = 0; times < 2; ++times)
    if (rule.protocol == protocol::icmp_of(family) && chance(random, 60))
      rule.matches.emplace_back(icmp(random));
}

void header(Random& random, Family family, Rule& rule) {
  if (chance(random, 10)) {
    const auto first = static_cast<std::uint16_t>(number(random, 20, 100));
    rule.matches.emplace_back(
        LengthMatch{first, static_cast<std::uint16_t>(first + number(random, 0, 100)), chance(random, 30)});
  }
  if (chance(random, 8))
    rule.matches.emplace_back(
        DscpMatch{static_cast<std::uint8_t>(number(random, 0, 63)), chance(random, 30)});
  if (chance(random, 8)) {
    const auto mask = static_cast<std::uint8_t>(number(random, 0, 63) << 2);
    rule.matches.emplace_back(
        TosMatch{static_cast<std::uint8_t>(number(random, 0, 255) & mask), mask, chance(random, 30)});
  }
  if (family == Family::ipv4 && chance(random, 8)) {
    rule.later_fragments = true;
    rule.later_fragments_negated = chance(random, 50);
  }
  if (family == Family::ipv6 && chance(random, 4))
    rule.matches.emplace_back(FragmentMatch{.first = chance(random, 50), .more = true, .last = false});
}

Rule known_connections() {
  Rule result;
  result.matches.emplace_back(ConntrackMatch{ConntrackMatch::established | ConntrackMatch::related, false});
  result.target = Verdict::accept;
  return result;
}

Rule rule(Random& random, Family family, const std::vector<std::string>& callable, bool base) {
  Rule result;
  if (!chance(random, 2)) { // else every packet
    addresses(random, family, result);
    transport(random, family, result);
    header(random, family, result);
  }
  if (chance(random, 20))
    result.matches.emplace_back(CommentMatch{"a comment"});
  const std::uint32_t target = number(random, 0, 9);
  if (target < 3 && !callable.empty())
    result.target = Jump{callable[number(random, 0, static_cast<std::uint32_t>(callable.size() - 1))],
                         chance(random, 25)};
  else if (target < 5)
    result.target = Verdict::drop;
  else if (target == 5)
    result.target = RejectTarget{family == Family::ipv4 ? "icmp-port-unreachable" : "icmp6-port-unreachable"};
  else if (target == 6 && (!base || chance(random, 20)))
    result.target = Verdict::return_;
  else if (target == 7 && chance(random, 30))
    result.target = NflogTarget{};
  else
    result.target = Verdict::accept;
  return result;
}

} // namespace

Ruleset firewall(Random& random, Family family, const FirewallShape& shape) {
  Ruleset result;
  result.family = family;
  result.chains = {{"FORWARD", chance(random, 50) ? Verdict::drop : Verdict::accept, {}}};
  for (std::uint32_t left = number(random, 0, shape.chains); left > 0; --left)
    result.chains.push_back({"chain-" + std::to_string(left), std::nullopt, {}});
  std::vector<std::uint32_t> sizes(result.chains.size(), 0);
  for (std::uint32_t left = number(random, 1, shape.rules); left > 0; --left)
    ++sizes[chance(random, 50) ? 0 : number(random, 0, static_cast<std::uint32_t>(sizes.size() - 1))];
  for (std::size_t index = 0; index < result.chains.size(); ++index) {
    std::vector<std::string> callable;
    for (std::size_t other = index + 1; other < result.chains.size(); ++other)
      callable.push_back(result.chains[other].name);
    auto& rules = result.chains[index].rules;
    while (rules.size() < sizes[index]) {
      Rule next = rule(random, family, callable, index == 0);
      if (shape.states && next.target == Target(Verdict::accept) && chance(random, 40))
        next.matches.emplace_back(ConntrackMatch{ConntrackMatch::fresh, false});
      rules.push_back(next);
    }
  }
  if (shape.states)
    result.chains[0].rules.insert(result.chains[0].rules.begin(), known_connections());
  return result;
}

} // namespace flowspec::generate
