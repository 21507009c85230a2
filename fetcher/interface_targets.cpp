// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/interface_targets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

std::optional<std::string> InterfaceTargets::route_target(const Box& packets, std::string& why) const {
  const InterfaceCondition& in = packets.in;
  const InterfaceCondition& out = packets.out;
  if (in.any() && out.any())
    return "";
  if (!in.is_not.empty() || !out.is_not.empty()) {
    why = "every interface but one: flowspec has no word for that";
    return std::nullopt;
  }
  if (!in.any() && !out.any()) {
    why = "two interfaces: a route target stands for one";
    return std::nullopt;
  }
  using Side = InterfaceTarget::Side;
  const std::string& name = in.any() ? out.is : in.is;
  const Side side = in.any() ? Side::out : Side::in;
  for (const InterfaceTarget& target : targets_)
    if (target.interface == name && (target.side == side || target.side == Side::either))
      return target.route_target;
  why = fmt::format("no flowspec component says interface {}; --interface-rt {}=ASN:N names who gets it",
                    name, name);
  return std::nullopt;
}

std::optional<std::string> InterfaceTargets::claim(const Box& packets, std::string& why) {
  auto target = route_target(packets, why);
  if (!target || target->empty())
    return target;
  const bool out = packets.in.any();
  const std::pair here{out ? InterfaceTarget::Side::out : InterfaceTarget::Side::in,
                       out ? packets.out.is : packets.in.is};
  const auto [place, fresh] = places_.try_emplace(*target, here);
  if (place->second == here)
    return target;
  why = fmt::format("route target {} stands for what {} {} already", *target,
                    place->second.first == InterfaceTarget::Side::out ? "leaves by" : "comes in by",
                    place->second.second);
  return std::nullopt;
}

bool InterfaceTargets::share_packets(const std::string& a, const std::string& b) const {
  const Place& one = places_.at(a);
  const Place& other = places_.at(b);
  return one.first != other.first && one.second != other.second;
}

bool InterfaceTargets::shares_packets(const std::string& target) const {
  return std::ranges::any_of(places_,
                             [&](const auto& claimed) { return share_packets(target, claimed.first); });
}

} // namespace flowspec
