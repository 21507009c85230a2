// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/evaluate.hpp"

#include <algorithm>
#include <stdexcept>

namespace flowspec {

namespace {

constexpr int max_steps = 1'000'000; // more is a loop of gotos

bool within(const PortRange& range, std::uint16_t port) {
  return range.first <= port && port <= range.last;
}

/// -m tcp and -m udp: the ports are there exactly when the header is.
template <class Ports>
bool ports_hold(const Ports& match, const Packet& packet, std::uint8_t protocol) {
  if (packet.protocol != protocol || !packet.source_port || !packet.destination_port)
    return false;
  return within(match.source, *packet.source_port) != match.source_negated &&
         within(match.destination, *packet.destination_port) != match.destination_negated;
}

struct MatchHolds {
  const Packet& packet;
  bool& limited;

  bool operator()(const TcpMatch& match) const {
    if (!ports_hold(match, packet, protocol::tcp) || match.option != 0)
      return false;
    if (match.flags_mask == 0)
      return true;
    return packet.tcp_flags &&
           ((*packet.tcp_flags & match.flags_mask) == match.flags_set) != match.flags_negated;
  }

  bool operator()(const UdpMatch& match) const { return ports_hold(match, packet, protocol::udp); }

  bool operator()(const IcmpMatch& match) const {
    if (packet.protocol != protocol::icmp_of(packet.family()) || !packet.icmp_type || !packet.icmp_code)
      return false;
    const bool any = packet.family() == Family::ipv4 && match.type == IcmpMatch::any_type;
    const bool hit = any || (*packet.icmp_type == match.type && match.code_first <= *packet.icmp_code &&
                             *packet.icmp_code <= match.code_last);
    return hit != match.negated;
  }

  bool operator()(const MultiportMatch& match) const {
    if (!packet.source_port || !packet.destination_port)
      return false;
    const auto listed = [&](std::uint16_t port) {
      return std::any_of(match.ports.begin(), match.ports.end(),
                         [&](const PortRange& r) { return within(r, port); });
    };
    using Side = MultiportMatch::Side;
    const bool hit = (match.side != Side::destination && listed(*packet.source_port)) ||
                     (match.side != Side::source && listed(*packet.destination_port));
    return hit != match.negated;
  }

  bool operator()(const ConntrackMatch& match) const {
    const unsigned state = packet.established ? ConntrackMatch::established : ConntrackMatch::fresh;
    return ((match.states & state) != 0) != match.negated;
  }

  bool operator()(const CommentMatch&) const { return true; }

  bool operator()(const HashlimitMatch& match) const {
    if ((match.mode & HashlimitMatch::mode_invert) == 0)
      return true;
    limited = true; // "above the rate" does not hold for a packet within it
    return false;
  }

  bool operator()(const U32Match& match) const {
    const bool all = std::all_of(match.tests.begin(), match.tests.end(),
                                 [&](const U32Match::Test& test) { return test_holds(test); });
    return all != match.negated;
  }

  bool operator()(const OpaqueMatch& match) const {
    throw std::logic_error("the evaluator does not model -m " + match.name);
  }

 private:
  /// The 32-bit words that the injector's own u32 tests read. A packet here has no bytes, so they are known
  /// by their steps.
  bool test_holds(const U32Match::Test& test) const {
    using Op = U32Match::Operator;
    using Step = U32Match::Step;
    const std::vector<Step> protocol_octet{{Op::bit_and, 6}, {Op::bit_and, 0xff}};
    const std::vector<Step> transport{
        {Op::bit_and, 0}, {Op::right_shift, 22}, {Op::bit_and, 0x3c}, {Op::at, 0}};
    const auto after_transport = [&](std::vector<Step> rest) {
      std::vector<Step> steps = transport;
      steps.insert(steps.end(), rest.begin(), rest.end());
      return steps;
    };
    std::uint32_t value = 0;
    if (test.steps == protocol_octet) {
      value = packet.protocol;
    } else if (test.steps == after_transport({{Op::right_shift, 24}})) {
      if (!packet.icmp_type)
        return false;
      value = *packet.icmp_type;
    } else if (test.steps == after_transport({{Op::right_shift, 16}, {Op::bit_and, 0xff}})) {
      if (!packet.icmp_code)
        return false;
      value = *packet.icmp_code;
    } else {
      throw std::logic_error("the evaluator does not know this u32 test");
    }
    return std::any_of(test.ranges.begin(), test.ranges.end(),
                       [&](const U32Match::Range& r) { return r.first <= value && value <= r.last; });
  }
};

bool holds(const Rule& rule, const Packet& packet, bool& limited) {
  if (!rule.unreadable.empty() || !rule.in_interface.empty() || !rule.out_interface.empty())
    throw std::logic_error("the evaluator does not model this rule");
  if (rule.source && rule.source->contains(packet.source) == rule.source_negated)
    return false;
  if (rule.destination && rule.destination->contains(packet.destination) == rule.destination_negated)
    return false;
  if (rule.protocol != 0 && (rule.protocol == packet.protocol) == rule.protocol_negated)
    return false;
  if (rule.later_fragments && (packet.fragment_offset != 0) == rule.later_fragments_negated)
    return false;
  return std::all_of(rule.matches.begin(), rule.matches.end(), [&](const Match& match) {
    return std::visit(MatchHolds{packet, limited}, match);
  });
}

struct Position {
  const Chain* chain;
  std::size_t next;
};

} // namespace

Evaluation evaluate(const Ruleset& ruleset, const std::string& chain, const Packet& packet) {
  const auto enter = [&](const std::string& name) -> Position {
    const Chain* found = ruleset.find(name);
    if (found == nullptr)
      throw std::logic_error("no chain " + name);
    return {found, 0};
  };
  Evaluation result;
  std::vector<Position> stack{enter(chain)};
  for (int steps = 0; !stack.empty(); ++steps) {
    if (steps > max_steps)
      throw std::logic_error("the walk does not end");
    Position& here = stack.back();
    if (here.next == here.chain->rules.size()) {
      stack.pop_back();
      continue;
    }
    const Rule& rule = here.chain->rules[here.next++];
    if (!holds(rule, packet, result.limited))
      continue;
    if (const auto* verdict = std::get_if<Verdict>(&rule.target)) {
      if (*verdict == Verdict::return_) {
        stack.pop_back();
        if (stack.empty())
          result.rule = &rule;
        continue;
      }
      result.what = *verdict == Verdict::accept ? Evaluation::What::accept : Evaluation::What::drop;
      result.rule = &rule;
      return result;
    }
    if (const auto* jump = std::get_if<Jump>(&rule.target)) {
      const Position target = enter(jump->chain);
      if (jump->go_to)
        stack.back() = target;
      else
        stack.push_back(target);
      continue;
    }
    if (std::holds_alternative<RejectTarget>(rule.target)) {
      result.what = Evaluation::What::drop;
      result.rule = &rule;
      return result;
    }
    if (!std::holds_alternative<NoTarget>(rule.target))
      throw std::logic_error("the evaluator does not model this target");
  }
  return result;
}

} // namespace flowspec
