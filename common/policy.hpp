// SPDX-License-Identifier: GPL-2.0-or-later
//
// An operator's policy: which routes are taken, and with which actions. The clarification draft
// (draft-loibl-bacher-idr-flowspec-clarification, section 10) asks for it: add, modify and delete filtering
// actions, and filter by actions and components, for what comes in and for what goes out. RFC 8955 section 7
// asks for a mapping from arbitrary communities to actions: a term that matches one and sets the other.
#pragma once

#include "common/entry.hpp"
#include "common/prefix_set.hpp"
#include "common/protection.hpp"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// What is asked of a destination or source. A route without that component is for every address of its
/// family: it is within nothing but /0, and overlaps everything.
struct PrefixTest {
  std::optional<PrefixSet> within;      ///< every address of the route's prefix is in it
  std::optional<PrefixSet> overlapping; ///< some address is
  std::optional<unsigned> shortest;     ///< bounds of the prefix's length; without the component it is 0
  std::optional<unsigned> longest;

  bool operator==(const PrefixTest&) const = default;
};

/// What is asked of a numeric component. A route without it is for every value.
struct ValueTest {
  std::optional<ValueSet> within;
  std::optional<ValueSet> overlapping;

  bool operator==(const ValueTest&) const = default;
};

/// Actions by name: "accept" (no rate), "discard" (rate 0), "rate" (a rate above 0), "sample", "dscp",
/// "redirect", "unknown".
enum class ActionKind : std::uint8_t { accept, discard, rate, sample, dscp, redirect, unknown };

/// All that is given must hold; nothing given matches every route.
struct TermMatch {
  std::optional<Family> family;
  std::optional<PrefixTest> destination;
  std::optional<PrefixTest> source;
  std::bitset<14> present; ///< components that must be there, by their type number
  std::bitset<14> absent;  ///< components that must not
  std::optional<ValueTest> protocol;
  std::optional<ValueTest> port; ///< component 4
  std::optional<ValueTest> destination_port;
  std::optional<ValueTest> source_port;
  std::vector<ActionKind> actions;  ///< every one of them
  std::optional<double> rate_above; ///< bytes a second, both not included; a route without a rate has none
  std::optional<double> rate_below;
  std::vector<std::string> route_targets; ///< one of them; empty: not asked
  std::vector<std::string> communities;   ///< one of them, as FRR prints it
  std::optional<std::uint64_t> first_sequence;
  std::optional<std::uint64_t> last_sequence; ///< a route without a sequence number is in no range
  std::optional<bool> has_sequence;

  bool operator==(const TermMatch&) const = default;
};

/// What is done to the actions. A deletion comes before an addition of the same.
struct TermChange {
  std::optional<double> rate; ///< bytes a second
  std::optional<std::uint8_t> dscp;
  std::optional<std::string> redirect; ///< route target
  std::optional<std::uint64_t> sequence;
  bool sample = false;
  bool delete_rate = false;
  bool delete_dscp = false;
  bool delete_redirect = false;
  bool delete_sample = false;
  bool delete_sequence = false;
  bool delete_unknown = false; ///< actions that were not understood, which else keep the route out

  bool operator==(const TermChange&) const = default;
};

struct Term {
  enum class Then : std::uint8_t { accept, reject, change };
  std::string name;
  TermMatch match;
  Then then = Then::accept;
  TermChange change; ///< of Then::change: what comes after is done too
  std::string file;  ///< that it stands in

  bool operator==(const Term&) const = default;
};

struct Policy {
  std::vector<Protection> protect;
  std::vector<Term> terms; ///< in their order
  bool accept_by_default = true;
  std::vector<std::string> unused_lists; ///< prefix lists of the document that none of it asks for

  bool operator==(const Policy&) const = default;
};

/// Gives the content of a file that the document includes; throws Error.
using ReadInclude = std::function<std::string(const std::string& path)>;

/// Reads the JSON document of `file`: packaging/policy.schema.json says what stands in one. Included files
/// are named from the folder of the one that includes them, and are like it but have no default; their
/// protections and terms come before its own. A file that is named twice is included where it is named first.
/// Prefix lists are good in all of the files. Throws UsageError that names the file, the path in the document
/// ("/terms/2/match/rate/above") and what was expected there, whatever the bytes.
Policy parse_policy(std::string_view document, const std::string& file, const ReadInclude& read);

/// What a policy says of one route.
struct PolicyVerdict {
  bool accepted = true;
  /// The term that decided, by its place in Policy::terms; none: the default.
  std::optional<std::size_t> term;
};

/// True when `entry`, as it is now, meets every condition.
bool matches(const TermMatch& match, const Entry& entry);

/// Applies the terms in order; what is changed in `entry` counts for the terms behind. `seen`, when given, is
/// told of every term that matched, with what it did in words: "rate 0 B/s -> 125000 B/s", "accepted".
using TermSeen = std::function<void(std::size_t term, const std::string& what)>;
PolicyVerdict apply(const Policy& policy, Entry& entry, const TermSeen& seen = nullptr);

/// "term no-redirect", or "the default".
std::string name_of(const Policy& policy, const PolicyVerdict& verdict);

/// The policy in words, a line for each protection, each term and the default.
std::string policy_text(const Policy& policy);

/// Terms that no route can ever match, and protections and lists without effect, in words that name them and
/// say why: conditions that contradict each other, or an earlier term that decides whatever they match. Only
/// what is certain.
std::vector<std::string> policy_warnings(const Policy& policy);

} // namespace flowspec
