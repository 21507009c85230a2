// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/distinct.hpp"

#include "fetcher/frr_limits.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace flowspec {

namespace {

using Bytes = std::vector<std::uint8_t>;

bool begins(const Bytes& bytes, const Bytes& beginning) {
  return beginning.size() <= bytes.size() && std::equal(beginning.begin(), beginning.end(), bytes.begin());
}

void add_length(Components& match) {
  if (!match.packet_length)
    match.packet_length = ValueSet::all(domain::packet_length);
}

void add_dscp(Components& match) {
  if (!match.dscp)
    match.dscp = ValueSet::all(domain::dscp);
}

/// A later fragment, or none.
void add_fragment(Components& match) {
  if (!match.fragment)
    match.fragment = BitTests{{{.match = true, .value = fragment_bit::is_fragment},
                               {.negated = true, .match = false, .value = fragment_bit::is_fragment}}};
}

} // namespace

std::optional<Components> with_other_bytes(const Components& match,
                                           const std::function<bool(const Bytes&)>& acceptable) {
  constexpr std::array ways{&add_dscp, &add_length, &add_fragment};
  // Each set of ways, those of one component first. (No flow label: BIRD 2 sends 16 of its 20 bits.)
  for (const unsigned set : {1U, 2U, 4U, 3U, 5U, 6U, 7U}) {
    Components changed = match;
    for (std::size_t way = 0; way < ways.size(); ++way)
      if ((set >> way & 1U) != 0)
        ways[way](changed);
    if (changed != match && frr::takes(changed) && acceptable(canonical_nlri(changed)))
      return changed;
  }
  return std::nullopt;
}

void separate_beginnings(std::vector<Route>& routes) {
  std::set<Bytes> all;
  for (const Route& route : routes)
    all.insert(canonical_nlri(route.entry.match));
  // Whatever `bytes` begin comes right behind them in this order.
  const auto begin_another = [&all](const Bytes& bytes) {
    const auto next = all.upper_bound(bytes);
    return next != all.end() && begins(*next, bytes);
  };
  const auto begin_with_another = [&all](const Bytes& bytes) {
    for (std::size_t size = 1; size < bytes.size(); ++size)
      if (all.contains(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size))))
        return true;
    return false;
  };
  // The short ones first: they begin those that others become.
  std::vector<Route*> by_size;
  for (Route& route : routes)
    by_size.push_back(&route);
  std::ranges::stable_sort(by_size, {}, [](const Route* r) { return canonical_nlri(r->entry.match).size(); });
  for (Route* const pointer : by_size) {
    Route& route = *pointer;
    const Bytes bytes = canonical_nlri(route.entry.match);
    if (is_default_policy(route.entry.match) || !begin_another(bytes))
      continue;
    all.erase(bytes);
    auto other = with_other_bytes(route.entry.match, [&](const Bytes& changed) {
      return !all.contains(changed) && !begin_another(changed) && !begin_with_another(changed);
    });
    if (other)
      route.entry.match = std::move(*other);
    all.insert(canonical_nlri(route.entry.match));
  }
}

} // namespace flowspec
