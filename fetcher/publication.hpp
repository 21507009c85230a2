// SPDX-License-Identifier: GPL-2.0-or-later
//
// A firewall's chain, with the chains that it calls, as flowspec routes.
#pragma once

#include "common/entry.hpp"
#include "common/rejected.hpp"
#include "common/ruleset.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// A route, and the rule that it comes from: "FORWARD 3: -s 10.0.0.0/8 -j DROP" or "policy DROP".
struct Route {
  Entry entry;
  std::string origin;

  bool operator==(const Route&) const = default;
};

/// What happens to packets at the other end when a rule is not published.
enum class Gap : std::uint8_t {
  none,    ///< nothing: the rule has no verdict, or is published
  hole,    ///< what the rule drops may pass
  door,    ///< what the rule accepts may be dropped
  unclear, ///< the rule hands packets on; what becomes of them is not known here
};
std::string_view name(Gap gap);

/// How far a rule's routes decide as the rule does.
enum class Grade : std::uint8_t {
  exact,       ///< for every packet
  stateful,    ///< for packets of new connections; for others with the injector's rule for known connections
  unsupported, ///< flowspec has no words for it: no route
  not_needed,  ///< no route, and every packet is decided as with it
};
/// "exact", "equivalent-when-stateful", "unsupported", "not-needed".
std::string_view name(Grade grade);

struct Note {
  Reason reason{};
  std::string detail; ///< for a person

  bool operator==(const Note&) const = default;
};

/// What became of one rule, over all the ways that lead to it.
struct RuleReport {
  std::string chain;
  std::size_t index = 0; ///< in the chain, from 0
  std::string rule;      ///< how a person finds it; see PublishOptions::name_every_rule
  Grade grade{};
  std::size_t routes = 0;
  Gap gap{};               ///< none unless it is unsupported
  std::vector<Note> notes; ///< each once

  bool operator==(const RuleReport&) const = default;
};

struct Publication {
  Family family = Family::ipv4;
  std::vector<Route> routes;     ///< in the order in which they decide; the policy's last
  std::vector<RuleReport> rules; ///< every rule that the walk came to, in the order of its first visit

  /// How many rules are unsupported.
  std::size_t unsupported() const;
  bool operator==(const Publication&) const = default;
};

/// The route target that stands for one side of an interface: whoever receives it enforces the route there.
struct InterfaceTarget {
  enum class Side : std::uint8_t { in, out, either };
  std::string interface; ///< as the rules write it: "eth0", "eth+"
  Side side = Side::either;
  std::string route_target; ///< "ASN:N", ASN up to 65535

  bool operator==(const InterfaceTarget&) const = default;
};

struct PublishOptions {
  std::size_t max_routes = 10000;
  /// The injectors run with --stateful always: known connections pass before any route is looked at.
  bool stateful_always = false;
  /// No route's bytes begin another's: FRR 10.7 loses one of two such routes.
  bool no_common_beginning = false;
  bool optimize = false; ///< merge neighbours of the same verdict
  std::vector<InterfaceTarget> interfaces = {};
  /// The host tracks connections for another reason than these rules: it translates addresses, say.
  bool connections_tracked = false;
  bool name_every_rule = true; ///< else only those that are unsupported or have a note

  bool operator==(const PublishOptions&) const = default;
};

/// How a person finds the rule at `index` of `chain`; indices count from 0.
using RuleName = std::function<std::string(std::string_view chain, std::size_t index)>;

/// The built-in chain `chain` of `ruleset`: routes with the match and verdict of each rule, in it and in the
/// chains it calls, and one for the policy. The first route that matches a packet of a new connection decides
/// like the chain would. Sequence numbers count the rules in the order in which the walk meets them, from 1:
/// without calls a number is the rule's place, as `iptables -L --line-numbers` shows it. The policy has none.
/// No match comes twice, and every match is one that FRR takes. Throws Error when there is no such chain or
/// it has no policy, when chains call each other in a circle, and when it takes more than options.max_routes.
Publication publish(const Ruleset& ruleset, std::string_view chain, const RuleName& rule_name,
                    const PublishOptions& options = {});

} // namespace flowspec
