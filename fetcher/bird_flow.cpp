// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_flow.hpp"

#include "common/entry.hpp"

#include <algorithm>

namespace flowspec {

namespace {

constexpr std::uint8_t end_of_list = 0x80;
constexpr std::uint8_t two_octets = 0x10;

/// With the type in front.
std::vector<std::uint8_t> prefix_octets(std::uint8_t type, const Prefix& prefix) {
  Components match;
  match.family = prefix.family();
  (type == flow_type::destination ? match.destination : match.source) = prefix;
  return canonical_nlri(match);
}

void append_pairs(std::vector<std::uint8_t>& nlri, const FlowComponent& component) {
  nlri.push_back(component.type);
  for (const FlowPair& pair : component.pairs) {
    const bool last = &pair == &component.pairs.back();
    const std::size_t octets = announced_octets(*pair.value);
    nlri.push_back(
        static_cast<std::uint8_t>(pair.op | (last ? end_of_list : 0U) | (octets == 2 ? two_octets : 0U)));
    if (octets == 2)
      nlri.push_back(static_cast<std::uint8_t>(*pair.value >> 8));
    nlri.push_back(static_cast<std::uint8_t>(*pair.value));
  }
}

} // namespace

bool FlowComponent::told() const {
  return type <= flow_type::source
             ? prefix.has_value()
             : std::ranges::all_of(pairs, [](const FlowPair& pair) { return pair.value.has_value(); });
}

std::size_t announced_octets(std::uint32_t value) {
  return (value & 0xff00) != 0 ? 2 : 1;
}

std::uint32_t announced_value(std::uint32_t value) {
  return value & 0xffff;
}

std::optional<std::vector<std::uint8_t>> announced_nlri(const BirdFlow& flow) {
  std::vector<std::uint8_t> nlri;
  for (const FlowComponent& component : flow.components) {
    if (flow.garbled || !component.told())
      return std::nullopt;
    if (component.prefix && component.prefix->offset % 8 != 0)
      return std::nullopt; // BIRD before 2.16 does not shift the bits, as RFC 8956 section 3.1 does
    if (component.prefix) {
      const auto octets = prefix_octets(component.type, *component.prefix);
      nlri.insert(nlri.end(), octets.begin(), octets.end());
    } else {
      append_pairs(nlri, component);
    }
  }
  return nlri;
}

} // namespace flowspec
