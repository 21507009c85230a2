// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/rule_packets.hpp"

#include "common/entry.hpp"
#include "fetcher/address_range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace flowspec {

namespace {

ValueSet set_of(const std::vector<PortRange>& ranges) {
  std::vector<Interval> intervals;
  for (const PortRange& range : ranges)
    if (range.first <= range.last) // the kernel takes the others too, for no port
      intervals.push_back({range.first, range.last});
  return {domain::port, std::move(intervals)};
}

FlagPatterns flag_patterns(std::uint8_t mask, std::uint8_t set, bool negated) {
  FlagPatterns patterns;
  for (unsigned value = 0; value < patterns.size(); ++value)
    patterns[value] = ((value & mask) == set) != negated;
  return patterns;
}

/// The part of a box's IP header octet that DSCP is: a TOS condition that asks for the two bits below it
/// (ECN) has no such set.
std::optional<ValueSet> dscp_of(const TosMatch& match) {
  constexpr unsigned ecn = 3;
  if ((match.mask & ecn) != 0)
    return std::nullopt;
  std::vector<Interval> hits;
  for (std::uint32_t value = 0; value <= domain::dscp; ++value)
    if (((value << 2 & match.mask) == match.value) != match.negated)
      hits.push_back({value, value});
  return ValueSet(domain::dscp, std::move(hits));
}

/// Narrows the boxes by one condition of the rule after the other.
class RuleReader {
 public:
  RuleReader(const Rule& rule, Family family, bool reassembled, std::size_t most_boxes)
      : rule_(rule), family_(family), reassembled_(reassembled), most_boxes_(most_boxes) {
    result_.boxes.emplace_back(family);
  }

  RulePackets read() {
    if (!rule_.unreadable.empty())
      unsayable(fmt::format("not understood: {}", rule_.unreadable));
    addresses(&Box::source, rule_.source, rule_.source_negated);
    addresses(&Box::destination, rule_.destination, rule_.destination_negated);
    interface(&Box::in, rule_.in_interface, rule_.in_interface_negated);
    interface(&Box::out, rule_.out_interface, rule_.out_interface_negated);
    if (rule_.protocol != 0)
      numbers(&Box::protocol, ValueSet::single(domain::protocol, rule_.protocol), rule_.protocol_negated);
    if (rule_.later_fragments)
      positions(rule_.later_fragments_negated ? position::header : position::later);
    for (const Match& match : rule_.matches)
      std::visit(*this, match);
    return std::move(result_);
  }

  void operator()(const TcpMatch& match) {
    if (match.option != 0)
      unsayable("TCP options have no flowspec component");
    if (!header_of({protocol::tcp}, "ports"))
      return;
    port_range(&Box::source_port, match.source, match.source_negated);
    port_range(&Box::destination_port, match.destination, match.destination_negated);
    const FlagPatterns patterns = flag_patterns(match.flags_mask, match.flags_set, match.flags_negated);
    if (!patterns.all())
      narrow([&patterns](Box& box) {
        box.tcp_flags = box.tcp_flags ? *box.tcp_flags & patterns : patterns;
        return box.tcp_flags->any();
      });
  }

  void operator()(const UdpMatch& match) {
    if (!header_of({protocol::udp}, "ports"))
      return;
    port_range(&Box::source_port, match.source, match.source_negated);
    port_range(&Box::destination_port, match.destination, match.destination_negated);
  }

  void operator()(const IcmpMatch& match) {
    if (!header_of({protocol::icmp_of(family_)}, "ICMP types"))
      return;
    // Type 255 asks only for an ICMP header to be there, which later fragments do not have.
    if (family_ == Family::ipv4 && match.type == IcmpMatch::any_type) {
      if (match.negated)
        result_.boxes.clear();
      return;
    }
    const ValueSet type = ValueSet::single(domain::icmp, match.type);
    ValueSet code(domain::icmp);
    if (match.code_first <= match.code_last)
      code = {domain::icmp, {{match.code_first, match.code_last}}};
    if (!match.negated) {
      numbers(&Box::icmp_type, type, false);
      numbers(&Box::icmp_code, code, false);
      return;
    }
    std::vector<Box> other_codes = result_.boxes;
    numbers(&Box::icmp_type, type, true);
    std::vector<Box> other_types = std::exchange(result_.boxes, std::move(other_codes));
    numbers(&Box::icmp_type, type, false);
    numbers(&Box::icmp_code, code, true);
    std::ranges::move(other_types, std::back_inserter(result_.boxes));
  }

  void operator()(const MultiportMatch& match) {
    if (!header_of({protocol::tcp, protocol::udp}, "ports"))
      return;
    const ValueSet ports = set_of(match.ports);
    using Side = MultiportMatch::Side;
    if (match.side != Side::either) {
      numbers(match.side == Side::source ? &Box::source_port : &Box::destination_port, ports, match.negated);
    } else if (match.negated) { // neither of them
      numbers(&Box::source_port, ports, true);
      numbers(&Box::destination_port, ports, true);
    } else {
      Box either(family_);
      if (!ports.full())
        either.ports.push_back(ports);
      narrow_to(either, ports.empty());
    }
  }

  void operator()(const ConntrackMatch& match) {
    const ConnectionStates states = connection::in(match.states);
    const ConnectionStates wanted = match.negated ? connection::every & ~states : states;
    narrow([wanted](Box& box) { return (box.states &= wanted) != 0; });
  }

  void operator()(const CommentMatch&) {}

  void operator()(const HashlimitMatch& match) {
    using M = HashlimitMatch;
    if (match.mode != (M::mode_bytes | M::mode_invert) || match.interval != 0 || match.average == 0)
      unsayable(
          "of the rate limits flowspec has only one: bytes a second, of all packets together, above it");
    else if (result_.above_rate != nullptr)
      unsayable("two rate limits in one rule");
    else
      result_.above_rate = &match;
  }

  void operator()(const U32Match&) { unsayable("u32 tests have no flowspec component"); }

  void operator()(const LengthMatch& match) {
    ValueSet lengths(domain::packet_length);
    if (match.first <= match.last)
      lengths = {domain::packet_length, {{match.first, match.last}}};
    numbers(&Box::packet_length, lengths, match.negated);
  }

  void operator()(const DscpMatch& match) {
    numbers(&Box::dscp, ValueSet::single(domain::dscp, match.value), match.negated);
  }

  void operator()(const TosMatch& match) {
    if (const auto values = dscp_of(match))
      numbers(&Box::dscp, *values, false);
    else
      unsayable("flowspec has DSCP, and no component for the other two bits of TOS");
  }

  void operator()(const IprangeMatch& match) {
    const auto side = [this](Prefix Box::*address, const auto& range, bool negated) {
      if (range)
        prefixes(address, negated ? prefixes_outside(*range) : prefixes_of(*range));
    };
    side(&Box::source, match.source, match.source_negated);
    side(&Box::destination, match.destination, match.destination_negated);
  }

  /// Every flag asked for must hold of a fragment header. A datagram in one piece may have such a header, and
  /// flowspec does not see it: only conditions that exclude it can be said.
  void operator()(const FragmentMatch& match) {
    if (!match.more)
      unsayable("flowspec cannot tell a datagram in one piece with a fragment header from one without");
    else if (match.last)
      result_.boxes.clear();
    else
      positions(match.first ? position::first : position::first | position::middle);
  }

  void operator()(const Ipv6HeaderMatch&) { unsayable("extension headers have no flowspec component"); }

  void operator()(const OpaqueMatch& match) { unsayable(fmt::format("not understood: -m {}", match.name)); }

 private:
  void unsayable(std::string why) {
    if (result_.unsayable.empty())
      result_.unsayable = std::move(why);
  }

  /// Applies `condition` to every box; those for which it returns false hold nothing.
  template <typename Condition>
  void narrow(Condition condition) {
    std::erase_if(result_.boxes, [&condition](Box& box) { return !condition(box); });
  }

  void narrow_to(const Box& other, bool nothing) {
    if (nothing)
      result_.boxes.clear();
    else
      result_.boxes = intersection(result_.boxes, std::vector{other});
  }

  void numbers(std::optional<ValueSet> Box::*condition, const ValueSet& set, bool negated) {
    const ValueSet wanted = negated ? set.complement() : set;
    if (wanted.full())
      return;
    narrow([&](Box& box) {
      auto& values = box.*condition;
      values = values ? *values & wanted : wanted;
      return !values->empty();
    });
  }

  void port_range(std::optional<ValueSet> Box::*side, const PortRange& range, bool negated) {
    if (negated || !range.every())
      numbers(side, set_of({range}), negated);
  }

  void positions(std::uint8_t wanted) {
    if (reassembled_) {
      if ((wanted & position::whole) == 0) {
        result_.boxes.clear();
        result_.never = "connection tracking, which other rules ask for, puts fragments together before";
      }
      return;
    }
    narrow([wanted](Box& box) { return (box.positions &= wanted) != 0; });
  }

  void prefixes(Prefix Box::*address, const std::vector<Prefix>& wanted) {
    std::vector<Box> result;
    for (const Box& box : result_.boxes)
      for (const Prefix& prefix : wanted) {
        if (result.size() > most_boxes_) {
          result_.too_many = true;
          break;
        }
        if ((box.*address).contains(prefix) || prefix.contains(box.*address)) {
          result.push_back(box);
          if ((box.*address).contains(prefix))
            result.back().*address = prefix;
        }
      }
    result_.boxes = std::move(result);
  }

  void addresses(Prefix Box::*address, const std::optional<Prefix>& prefix, bool negated) {
    if (prefix && negated)
      prefixes(address, prefixes_outside(*prefix));
    else if (prefix)
      narrow([&](Box& box) {
        box.*address = *prefix;
        return true;
      });
  }

  /// What is forwarded has not come from the loopback interface, and does not go there.
  void interface(InterfaceCondition Box::*side, const std::string& name, bool negated) {
    if (name.empty() || name == "+") {
      if (negated)
        result_.boxes.clear();
    } else if (name == "lo") {
      if (negated)
        return;
      result_.boxes.clear();
      result_.never = "nothing is forwarded from or to the loopback interface";
    } else {
      narrow([&](Box& box) {
        (box.*side) = negated ? InterfaceCondition{"", {name}} : InterfaceCondition{name, {}};
        return true;
      });
    }
  }

  /// Asks for a transport header of one of these protocols. Flowspec's ports are those of TCP and UDP only
  /// (RFC 8955 section 4.2.2.4); the kernel has matches of some of them for SCTP, DCCP and UDP-Lite too.
  bool header_of(std::initializer_list<std::uint8_t> protocols, std::string_view what) {
    if (rule_.protocol_negated || std::ranges::find(protocols, rule_.protocol) == protocols.end()) {
      unsayable(fmt::format("flowspec has no {} of protocol {}", what, rule_.protocol));
      return false;
    }
    positions(position::header);
    return true;
  }

  const Rule& rule_;
  Family family_;
  bool reassembled_;
  std::size_t most_boxes_;
  RulePackets result_;
};

} // namespace

RulePackets packets_of(const Rule& rule, Family family, bool reassembled, std::size_t most_boxes) {
  return RuleReader(rule, family, reassembled, most_boxes).read();
}

} // namespace flowspec
