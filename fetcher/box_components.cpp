// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/box_components.hpp"

#include "fetcher/frr_limits.hpp"
#include "fetcher/tcp_flag_tests.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace flowspec {

namespace {

ValueSet tcp_and_udp() {
  return {domain::protocol, {{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}}};
}

/// Makes `component` the conjunction of both; false when nothing is left.
bool narrow(std::optional<ValueSet>& component, const ValueSet& values) {
  component = component ? *component & values : values;
  return !component->empty();
}

/// A route has one set of ports for either side. The source in A or the destination in A, and the source in B
/// or the destination in B: that is each way to choose a side for each.
std::vector<Box> with_one_set_of_ports(const Box& box, std::size_t most) {
  std::vector<Box> result{box};
  if (box.ports.size() < 2)
    return result;
  result.front().ports.clear();
  for (const ValueSet& set : box.ports) {
    std::vector<Box> chosen;
    for (const Box& one : result)
      for (const auto side : {&Box::source_port, &Box::destination_port}) {
        Box other = one;
        if (narrow(other.*side, set))
          chosen.push_back(std::move(other));
      }
    result = std::move(chosen);
    if (result.size() > most)
      throw std::length_error(
          fmt::format("{} sets of ports take more than {} routes", box.ports.size(), most));
  }
  return result;
}

bool asks_for_header(const Components& match) {
  return match.port || match.destination_port || match.source_port || match.icmp_type || match.icmp_code ||
         match.tcp_flags;
}

/// The position as a component. A component about the transport header holds at offset 0 only and says that
/// much already; without one, every port or every type says it for the protocols that have them. (Where
/// fragments are put together before the rules see them, an injector takes those and no fragment component.)
void add_position(Components& match, std::uint8_t positions) {
  if (asks_for_header(match) && (positions & position::header) == position::header)
    return;
  if (positions == position::header && match.protocol) {
    if ((*match.protocol & tcp_and_udp()) == *match.protocol) {
      match.destination_port = ValueSet::all(domain::port);
      return;
    }
    if (*match.protocol == ValueSet::single(domain::protocol, protocol::icmp_of(match.family))) {
      match.icmp_type = ValueSet::all(domain::icmp);
      return;
    }
  }
  if (positions != position::every)
    match.fragment = fragment_tests(positions);
}

Components plain_components(const Box& box) {
  Components match;
  match.family = box.family();
  if (box.destination.length != 0)
    match.destination = box.destination;
  if (box.source.length != 0)
    match.source = box.source;
  match.protocol = box.protocol;
  if (!box.ports.empty())
    match.port = box.ports.front();
  match.destination_port = box.destination_port;
  match.source_port = box.source_port;
  match.icmp_type = box.icmp_type;
  match.icmp_code = box.icmp_code;
  match.packet_length = box.packet_length;
  match.dscp = box.dscp;
  return match;
}

} // namespace

std::vector<Components> components_of(const Box& box, std::size_t most) {
  std::vector<Components> result;
  const auto add = [&result, &box, most](Components match) {
    add_position(match, box.positions);
    Components none;
    none.family = match.family;
    if (match == none)
      match.destination = Prefix::any(match.family);
    if (frr::takes(match)) {
      result.push_back(std::move(match));
      return;
    }
    for (Components& part : frr::split(match, most))
      result.push_back(std::move(part));
  };
  for (const Box& one : with_one_set_of_ports(box, most)) {
    Components match = plain_components(one);
    if (!box.tcp_flags) {
      add(std::move(match));
      continue;
    }
    for (BitTests& tests : tcp_flag_tests(*box.tcp_flags)) {
      match.tcp_flags = std::move(tests);
      add(match);
    }
  }
  return result;
}

} // namespace flowspec
