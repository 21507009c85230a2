// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/evaluate.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace flowspec {

namespace {

using Op = U32Match::Operator;
using Step = U32Match::Step;
using Steps = std::vector<Step>;

constexpr int max_steps = 1'000'000; // more is a loop of gotos

bool within(const PortRange& range, std::uint16_t port) {
  return range.first <= port && port <= range.last;
}

template <class Ports>
bool ports_hold(const Ports& match, const Packet& packet) {
  return within(match.source, *packet.source_port) != match.source_negated &&
         within(match.destination, *packet.destination_port) != match.destination_negated;
}

/// One match of a rule, and what it does beside holding or not.
struct MatchHolds {
  const Packet& packet;
  Evaluation& result;
  bool over_rate;

  bool operator()(const TcpMatch& match) const {
    if (!looks_at_header(protocol::tcp) || !packet.source_port || !packet.destination_port)
      return false;
    if (!ports_hold(match, packet) || match.option != 0)
      return false;
    if (match.flags_mask == 0)
      return (match.flags_set == 0) != match.flags_negated;
    return packet.tcp_flags &&
           ((*packet.tcp_flags & match.flags_mask) == match.flags_set) != match.flags_negated;
  }

  bool operator()(const UdpMatch& match) const {
    return looks_at_header(protocol::udp) && packet.source_port && packet.destination_port &&
           ports_hold(match, packet);
  }

  bool operator()(const IcmpMatch& match) const {
    if (!looks_at_header(protocol::icmp_of(packet.family())) || !packet.icmp_type || !packet.icmp_code)
      return false;
    const bool any = packet.family() == Family::ipv4 && match.type == IcmpMatch::any_type;
    const bool hit = any || (*packet.icmp_type == match.type && match.code_first <= *packet.icmp_code &&
                             *packet.icmp_code <= match.code_last);
    return hit != match.negated;
  }

  bool operator()(const MultiportMatch& match) const {
    // It also takes protocols whose headers a Packet does not have: they hold for none of them.
    if (packet.fragment_offset != 0 || !looks_at_header(packet.protocol) || !packet.source_port ||
        !packet.destination_port)
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
      return !over_rate;
    result.limited = true; // "above the rate" does not hold for a packet within it
    result.charged_twice = !result.buckets.insert(match.name).second || result.charged_twice;
    return over_rate;
  }

  bool operator()(const U32Match& match) const {
    const bool all = std::all_of(match.tests.begin(), match.tests.end(),
                                 [&](const U32Match::Test& test) { return test_holds(test); });
    return all != match.negated;
  }

  bool operator()(const LengthMatch& match) const {
    return (match.first <= packet.length && packet.length <= match.last) != match.negated;
  }

  bool operator()(const DscpMatch& match) const { return (dscp() == match.value) != match.negated; }

  bool operator()(const TosMatch& match) const {
    const unsigned octet = unsigned{dscp()} << 2;
    return ((octet & match.mask) == match.value) != match.negated;
  }

  bool operator()(const IprangeMatch& match) const {
    const auto outside = [](const std::optional<IprangeMatch::Range>& range, bool negated,
                            const Address& address) {
      return range && (range->first <= address && address <= range->last) == negated;
    };
    return !outside(match.source, match.source_negated, packet.source) &&
           !outside(match.destination, match.destination_negated, packet.destination);
  }

  bool operator()(const FragmentMatch& match) const {
    if (packet.fragment_hidden)
      return hotdrop();
    return packet.fragment_header && (!match.first || packet.fragment_offset == 0) &&
           (!match.more || packet.more_fragments) && (!match.last || !packet.more_fragments);
  }

  bool operator()(const Ipv6HeaderMatch& match) const {
    if (match.headers != Ipv6HeaderMatch::fragment)
      throw std::logic_error("the evaluator does not model this -m ipv6header");
    return (packet.fragment_header || packet.fragment_hidden) != match.negated;
  }

  bool operator()(const OpaqueMatch& match) const {
    throw std::logic_error("the evaluator does not model -m " + match.name);
  }

 private:
  /// The packet is dropped at once, whatever the rule's target.
  bool hotdrop() const {
    result.unreadable = true;
    return false;
  }

  /// True when the header of `protocol` is in this packet. When it should be and is not whole, netfilter's
  /// matches drop the packet.
  bool looks_at_header(std::uint8_t protocol) const {
    if (packet.protocol != protocol)
      return false;
    // The one later fragment that is cut is the one that -m tcp drops in IPv4.
    if (packet.header_cut && (packet.fragment_offset == 0 || protocol == protocol::tcp))
      return hotdrop();
    return packet.fragment_offset == 0;
  }

  std::uint8_t dscp() const { return result.dscp_mark.value_or(packet.dscp); }

  bool test_holds(const U32Match::Test& test) const {
    const std::optional<std::uint32_t> value =
        packet.family() == Family::ipv4 ? ipv4_word(test.steps) : ipv6_word(test.steps);
    return value && std::any_of(test.ranges.begin(), test.ranges.end(), [&](const U32Match::Range& r) {
             return r.first <= *value && *value <= r.last;
           });
  }

  /// What the steps of an injector's u32 test read; nothing when that is in a header which is not there. A
  /// packet here has no bytes, so the steps themselves are what is known.
  std::optional<std::uint32_t> ipv4_word(const Steps& steps) const {
    if (steps == Steps{{Op::bit_and, 6}, {Op::bit_and, 0xff}})
      return packet.protocol;
    if (steps == Steps{{Op::bit_and, 0}, {Op::bit_and, 0xffff}})
      return packet.length;
    if (steps == Steps{{Op::bit_and, 0}, {Op::right_shift, 18}, {Op::bit_and, 0x3f}})
      return dscp();
    if (steps == Steps{{Op::bit_and, 4}, {Op::bit_and, 0x7fff}})
      return (packet.dont_fragment ? 0x4000U : 0U) | (packet.more_fragments ? 0x2000U : 0U) |
             packet.fragment_offset;

    const Steps transport{{Op::bit_and, 0}, {Op::right_shift, 22}, {Op::bit_and, 0x3c}};
    if (steps.size() <= transport.size() || !std::equal(transport.begin(), transport.end(), steps.begin()))
      return unknown_word();
    const Steps rest(steps.begin() + static_cast<std::ptrdiff_t>(transport.size()), steps.end());
    if (rest == Steps{{Op::at, 0}, {Op::right_shift, 24}})
      return packet.icmp_type;
    if (rest == Steps{{Op::at, 0}, {Op::right_shift, 16}, {Op::bit_and, 0xff}})
      return packet.icmp_code;
    constexpr std::uint32_t flag_bits = 0xfff; // the four before them are the header's length
    if (rest.size() == 3 && rest[0] == Step{Op::at, 12} && rest[1] == Step{Op::right_shift, 16} &&
        rest[2].op == Op::bit_and && rest[2].number <= flag_bits)
      return packet.tcp_flags ? std::optional(*packet.tcp_flags & rest[2].number) : std::nullopt;
    return unknown_word();
  }

  std::optional<std::uint32_t> ipv6_word(const Steps& steps) const {
    constexpr std::uint32_t header_length = 40; // which the payload's length leaves out
    if (steps == Steps{{Op::bit_and, 2}, {Op::bit_and, 0xffff}})
      return packet.length - header_length;
    if (steps == Steps{{Op::bit_and, 0}, {Op::right_shift, 22}, {Op::bit_and, 0x3f}})
      return dscp();
    if (steps == Steps{{Op::bit_and, 0}, {Op::bit_and, 0xfffff}})
      return packet.flow_label;
    return unknown_word();
  }

  [[noreturn]] static std::optional<std::uint32_t> unknown_word() {
    throw std::logic_error("the evaluator does not know this u32 test");
  }
};

/// A packet that a match drops at once sets `result.unreadable`; no match behind that one is looked at.
bool holds(const Rule& rule, const Packet& packet, bool over_rate, Evaluation& result) {
  if (!rule.unreadable.empty() || !rule.in_interface.empty() || !rule.out_interface.empty())
    throw std::logic_error("the evaluator does not model this rule");
  if (rule.source && rule.source->contains(packet.source) == rule.source_negated)
    return false;
  if (rule.destination && rule.destination->contains(packet.destination) == rule.destination_negated)
    return false;
  if (rule.protocol != 0 && packet.upper_layer_hidden) {
    result.unreadable = true;
    return false;
  }
  if (rule.protocol != 0 && (rule.protocol == packet.protocol) == rule.protocol_negated)
    return false;
  if (rule.later_fragments && (packet.fragment_offset != 0) == rule.later_fragments_negated)
    return false;
  return std::all_of(rule.matches.begin(), rule.matches.end(), [&](const Match& match) {
    return std::visit(MatchHolds{packet, result, over_rate}, match);
  });
}

using Rules = std::shared_ptr<const std::vector<Rule>>;

/// Of a list that is walked again and again, once.
Rules unpacked(const RuleList& list) {
  constexpr std::size_t many = 5'000;
  struct Known {
    RuleList list; // so that nobody else gets its identity
    Rules rules;
  };
  thread_local std::unordered_map<const void*, Known> known;
  if (known.size() > many)
    known.clear();
  Known& of = known[list.identity()];
  if (!of.rules)
    of = {list, std::make_shared<const std::vector<Rule>>(list.begin(), list.end())};
  return of.rules;
}

/// Does what a target does that lets the packet go on to the next rule.
struct CarryOut {
  Evaluation& result;

  void operator()(const NoTarget&) const {}
  void operator()(const DscpTarget& target) const { result.dscp_mark = target.value; }
  void operator()(const MarkTarget& target) const {
    result.mark = (result.mark.value_or(0) & ~target.mask) ^ target.value;
  }
  void operator()(const NflogTarget&) const { result.sampled = true; }
  template <class Other>
  void operator()(const Other&) const {
    throw std::logic_error("the evaluator does not model this target");
  }
};

struct Position {
  const Chain* chain;
  std::size_t next;
};

} // namespace

std::vector<ChainCounters> no_counters(const Ruleset& ruleset) {
  std::vector<ChainCounters> counters;
  for (const Chain& chain : ruleset.chains)
    counters.push_back({chain.name, std::vector<Counters>(chain.rules.size())});
  return counters;
}

Evaluation evaluate(const Ruleset& ruleset, const std::string& chain, const Packet& packet,
                    const Walk& walk) {
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
    const std::size_t index = here.next++;
    const Rules rules = unpacked(here.chain->rules);
    const Rule& rule = (*rules)[index];
    const bool hit = holds(rule, packet, walk.over_rate, result);
    if (result.unreadable) {
      result.what = Evaluation::What::drop;
      return result;
    }
    if (!hit)
      continue;
    if (walk.counters != nullptr) {
      const auto at = static_cast<std::size_t>(here.chain - ruleset.chains.data());
      Counters& counters = walk.counters->at(at).rules.at(index);
      ++counters.packets;
      counters.bytes += packet.length;
    }
    if (const auto* verdict = std::get_if<Verdict>(&rule.target)) {
      if (*verdict == Verdict::return_) {
        stack.pop_back();
        if (stack.empty())
          result.rule = std::shared_ptr<const Rule>(rules, &rule);
        continue;
      }
      result.what = *verdict == Verdict::accept ? Evaluation::What::accept : Evaluation::What::drop;
      result.rule = std::shared_ptr<const Rule>(rules, &rule);
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
      result.rule = std::shared_ptr<const Rule>(rules, &rule);
      return result;
    }
    std::visit(CarryOut{result}, rule.target);
  }
  return result;
}

} // namespace flowspec
