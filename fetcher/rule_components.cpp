// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/rule_components.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace flowspec {

namespace {

/// Ends the reading of a rule.
struct Stop {
  Unsayable unsayable;
};

[[noreturn]] void stop(std::string why) {
  throw Stop{{std::move(why)}};
}

ValueSet ports_of(const std::vector<PortRange>& ranges) {
  std::vector<Interval> intervals;
  for (const PortRange& range : ranges)
    if (range.first <= range.last) // the kernel takes the others too, for no port
      intervals.push_back({range.first, range.last});
  return {domain::port, std::move(intervals)};
}

/// All of several conditions on one component.
void narrow(std::optional<ValueSet>& component, const ValueSet& values) {
  component = component ? *component & values : values;
}

/// Adds what each match asks for to the components.
class MatchReader {
 public:
  MatchReader(Components& components, std::uint8_t protocol) : components_(components), protocol_(protocol) {}

  void operator()(const TcpMatch& match) {
    if (match.flags_mask != 0 || match.flags_set != 0 || match.flags_negated)
      stop("TCP flags are not published yet");
    if (match.option != 0)
      stop("TCP options have no flowspec component");
    read_ports(match, protocol::tcp);
  }

  void operator()(const UdpMatch& match) { read_ports(match, protocol::udp); }

  void operator()(const IcmpMatch& match) {
    if (match.negated)
      stop("negated ICMP types are not published yet");
    require({protocol::icmp_of(components_.family)}, "ICMP types");
    // Type 255 asks only for an ICMP header to be there, which later fragments do not have.
    if (components_.family == Family::ipv4 && match.type == IcmpMatch::any_type) {
      narrow(components_.icmp_type, ValueSet::all(domain::icmp));
      return;
    }
    narrow(components_.icmp_type, ValueSet::single(domain::icmp, match.type));
    if (match.code_first > match.code_last)
      narrow(components_.icmp_code, ValueSet(domain::icmp));
    else if (match.code_first != 0 || match.code_last != domain::icmp)
      narrow(components_.icmp_code, {domain::icmp, {{match.code_first, match.code_last}}});
  }

  void operator()(const MultiportMatch& match) {
    if (match.negated)
      stop("negated ports are not published yet");
    require({protocol::tcp, protocol::udp}, "ports");
    const ValueSet ports = ports_of(match.ports);
    using Side = MultiportMatch::Side;
    if (match.side == Side::source)
      narrow(components_.source_port, ports);
    else if (match.side == Side::destination)
      narrow(components_.destination_port, ports);
    else
      narrow_either(ports);
  }

  void operator()(const ConntrackMatch&) { stop("a connection's state has no flowspec component"); }
  void operator()(const CommentMatch&) {}
  void operator()(const HashlimitMatch&) { stop("rate limits are not published yet"); }
  void operator()(const U32Match&) { stop("u32 tests have no flowspec component"); }
  void operator()(const LengthMatch& match) {
    ValueSet lengths(domain::packet_length);
    if (match.first <= match.last)
      lengths = {domain::packet_length, {{match.first, match.last}}};
    narrow(components_.packet_length, match.negated ? lengths.complement() : lengths);
  }

  void operator()(const DscpMatch& match) {
    const ValueSet value = ValueSet::single(domain::dscp, match.value);
    narrow(components_.dscp, match.negated ? value.complement() : value);
  }

  void operator()(const FragmentMatch&) { stop("fragment headers are not published yet"); }
  void operator()(const Ipv6HeaderMatch&) { stop("extension headers are not published yet"); }
  void operator()(const OpaqueMatch& match) { stop(fmt::format("not understood: -m {}", match.name)); }

 private:
  template <typename Ports>
  void read_ports(const Ports& match, std::uint8_t protocol) {
    if (match.source_negated || match.destination_negated)
      stop("negated ports are not published yet");
    require({protocol}, "ports");
    if (!match.source.every())
      narrow(components_.source_port, ports_of({match.source}));
    // Without any port it still asks for the header to be there, which later fragments do not have: every
    // port says that.
    if (!match.destination.every() || match.source.every())
      narrow(components_.destination_port, ports_of({match.destination}));
  }

  /// Flowspec's ports are those of TCP and UDP only (RFC 8955 section 4.2.2.4); the kernel has matches of
  /// some of them for SCTP, DCCP and UDP-Lite too.
  void require(std::initializer_list<std::uint8_t> protocols, std::string_view what) const {
    if (std::find(protocols.begin(), protocols.end(), protocol_) == protocols.end())
      stop(fmt::format("flowspec has no {} of protocol {}", what, protocol_));
  }

  /// Source or destination in A, and source or destination in B, is not the same as either in both: the
  /// source may be in A and the destination in B. Only when one set holds the other is it.
  void narrow_either(const ValueSet& ports) {
    if (components_.port && (*components_.port & ports) != *components_.port &&
        (*components_.port & ports) != ports)
      stop("two lists of ports for either side cannot be said in one route");
    narrow(components_.port, ports);
  }

  Components& components_;
  std::uint8_t protocol_;
};

Components read(const Rule& rule, Family family) {
  if (!rule.unreadable.empty())
    stop(fmt::format("not understood: {}", rule.unreadable));
  if (rule.source_negated || rule.destination_negated || rule.protocol_negated)
    stop("negated addresses and protocols are not published yet");
  if (!rule.in_interface.empty() || !rule.out_interface.empty())
    stop("interfaces have no flowspec component");
  if (rule.later_fragments)
    stop("fragments are not published yet");

  Components components;
  components.family = family;
  if (rule.source && rule.source->length != 0)
    components.source = rule.source;
  if (rule.destination && rule.destination->length != 0)
    components.destination = rule.destination;
  if (rule.protocol != 0)
    components.protocol = ValueSet::single(domain::protocol, rule.protocol);
  MatchReader reader(components, rule.protocol);
  for (const Match& match : rule.matches)
    std::visit(reader, match);

  Components none;
  none.family = family;
  if (components == none)
    components.destination = Prefix::any(family);
  return components;
}

} // namespace

std::variant<Components, Unsayable> components_of(const Rule& rule, Family family) {
  try {
    return read(rule, family);
  } catch (const Stop& stopped) {
    return stopped.unsayable;
  }
}

bool matches_nothing(const Components& match) {
  const auto empty = [](const std::optional<ValueSet>& set) { return set && set->empty(); };
  return empty(match.protocol) || empty(match.port) || empty(match.destination_port) ||
         empty(match.source_port) || empty(match.icmp_type) || empty(match.icmp_code) ||
         empty(match.packet_length) || empty(match.dscp) || empty(match.flow_label);
}

bool accepts_known_connections(const Rule& rule) {
  constexpr unsigned known = ConntrackMatch::established | ConntrackMatch::related;
  Rule rest = rule;
  std::erase_if(rest.matches, [](const Match& match) { return std::holds_alternative<CommentMatch>(match); });
  if (rest.matches.size() != 1)
    return false;
  const auto* state = std::get_if<ConntrackMatch>(&rest.matches.front());
  if (!state || state->negated || state->states == 0 || (state->states & ~known) != 0)
    return false;
  rest.matches.clear();
  Rule accept;
  accept.target = Verdict::accept;
  return rest == accept;
}

} // namespace flowspec
