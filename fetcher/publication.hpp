// SPDX-License-Identifier: GPL-2.0-or-later
//
// A chain of a firewall as flowspec routes.
#pragma once

#include "common/entry.hpp"
#include "common/rejected.hpp"
#include "common/rule.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// A route, and the rule that it comes from: "3: -s 10.0.0.0/8 -j DROP" or "policy DROP".
struct Route {
  Entry entry;
  std::string origin;

  bool operator==(const Route&) const = default;
};

/// What happens to packets at the other end when a rule is not published.
enum class Gap : std::uint8_t {
  hole,    ///< what the rule drops may pass
  door,    ///< what the rule accepts may be dropped
  unclear, ///< the rule hands packets on; what becomes of them is not known here
  none,    ///< the rule has no verdict
};

std::string_view name(Gap gap);

/// A rule that cannot be published.
struct Problem {
  Rejected rejected;
  Gap gap{};

  bool operator==(const Problem&) const = default;
};

struct Publication {
  std::vector<Route> routes;
  std::vector<Problem> problems;
  std::vector<Rejected> remarks; ///< about rules that need no route, or have one of the same effect

  bool operator==(const Publication&) const = default;
};

/// How a person finds the rule at `index` of the chain; indices count from 0.
using RuleName = std::function<std::string(std::size_t index)>;

/// The built-in chain `chain` of `ruleset`: for each rule the routes with its match and verdict, and one for
/// the policy. The first route that matches a packet decides like the chain would, for packets of new
/// connections. A sequence number is a rule's place in the chain, counted from 1: what `iptables -L
/// --line-numbers` shows, so that a route is found again in the firewall. The policy has none. No match comes
/// twice: a later rule of the same match could decide nothing. Every match is one that FRR takes. Throws
/// Error when there is no such chain or it has no policy.
Publication publish(const Ruleset& ruleset, std::string_view chain, const RuleName& rule_name);

} // namespace flowspec
