// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/connection_tracking.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

namespace flowspec {

namespace {

// What calls nf_ct_netns_get() in the kernel. (`-j CT --notrack` does not, and is taken for one that does: it
// is there because something else tracks connections.)
constexpr std::array<std::string_view, 8> matches{"cluster",   "connbytes", "connlabel", "connlimit",
                                                  "conntrack", "connmark",  "helper",    "state"};
constexpr std::array<std::string_view, 9> targets{"CONNMARK", "CONNSECMARK", "CT",   "DNAT",    "MASQUERADE",
                                                  "NETMAP",   "REDIRECT",    "SNAT", "SYNPROXY"};

template <class Names>
bool among(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool tracks_connections(const Match& match) {
  const auto* opaque = std::get_if<OpaqueMatch>(&match);
  return std::holds_alternative<ConntrackMatch>(match) || (opaque && among(matches, opaque->name));
}

} // namespace

bool tracks_connections(const Rule& rule) {
  const auto* target = std::get_if<OpaqueTarget>(&rule.target);
  return (target && among(targets, target->name)) ||
         std::ranges::any_of(rule.matches, [](const Match& match) { return tracks_connections(match); });
}

bool tracks_connections(const Ruleset& table) {
  for (const Chain& chain : table.chains)
    for (const Rule& rule : chain.rules)
      if (tracks_connections(rule))
        return true;
  return false;
}

} // namespace flowspec
