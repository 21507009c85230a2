// SPDX-License-Identifier: GPL-2.0-or-later
//
// One entry as iptables rules: exactly the packets that RFC 8955 names, or nothing.
#pragma once

#include "common/decide.hpp"
#include "common/entry.hpp"
#include "common/protection.hpp"
#include "common/rejected.hpp"
#include "common/ruleset.hpp"
#include "injector/segment.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flowspec {

/// How a list of entries stands in chains: one rule after another, or as a tree (tree.hpp); automatic: as a
/// tree where packets then meet less than half of the rules.
enum class Layout { automatic, linear, tree };

struct CompileOptions {
  std::string chain = "FLOWSPEC"; ///< ours; every further chain of ours begins with "<chain>-"
  std::vector<std::string> parents{
      "FORWARD"};                   ///< of table filter: chains that jump to ours in their first rule
  Verdict accept = Verdict::accept; ///< of a packet that an entry lets through; return_ hands it back to the
                                    ///< caller's chain
  Stateful stateful = Stateful::default_drop;
  std::uint32_t burst = 1;       ///< seconds whose worth of a rate may pass at once after a pause
  std::uint16_t nflog_group = 0; ///< where samples go
  std::map<std::string, MarkTarget> redirects =
      {};                                   ///< route target -> the mark that the routing policy knows
  std::vector<Prefix> protect = {};         ///< packets from or to these pass all entries by
  std::vector<Protection> protections = {}; ///< of the policy
  std::vector<Segment> segments = {};       ///< empty: every route is for all packets
  Untargeted untargeted = {};
  bool reassembled = false; ///< connection tracking puts fragments together before our chains see them
  Layout layout = Layout::automatic;
};

struct Compiled {
  std::vector<Rule> rules;       ///< for `chain`, in this order, without anything between them
  std::vector<Chain> chains;     ///< that those rules go to
  std::vector<Rejected> remarks; ///< used, but not quite as announced
};

/// The rules of table filter. Rejected when no packet can match, or when no rules say exactly a component or
/// an action, in whatever table.
std::variant<Compiled, Rejected> compile(const Entry& entry, const CompileOptions& options);

/// The same for one whose stable_id is known to be `id`. With `list`, its buckets and the chains in which
/// they are asked are that list's own: a packet that meets the entry in several lists is charged once in
/// each.
std::variant<Compiled, Rejected> compile(const Entry& entry, const std::string& id,
                                         const CompileOptions& options, std::string_view list = {});

/// True when packets of `entry` are to look different or to go elsewhere; what is discarded does neither.
bool asks_alteration(const Entry& entry);

/// What an entry does to a packet in table mangle.
enum class Alteration { dscp, mark };
/// None when `entry` asks for no such thing, or discards: then nobody sees it.
std::optional<Target> alteration(const Entry& entry, Alteration kind, const CompileOptions& options);

/// The rules of table mangle: they alter the packets of `entry`, or only keep them from what stands behind,
/// and end the chain for them either way. None when no rules say that.
std::optional<Compiled> compile_alteration(const Entry& entry, Alteration kind,
                                           const CompileOptions& options);

/// True when compile_alteration() gives rules, of whatever kind.
bool mangle_has_rules_for(const Entry& entry);

/// "flowspec <id>" and, with a sequence number that counts, " seq N": the comment of every rule of `entry`.
std::string comment_of(const Entry& entry);

/// The id in a comment_of, whatever else the rule says; none when it has no such comment.
std::optional<std::string> entry_id(const Rule& rule);

/// The rule that lets packets of tracked connections pass.
Rule established_rule(Verdict accept);

} // namespace flowspec
