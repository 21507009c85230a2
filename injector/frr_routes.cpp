// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_routes.hpp"

#include "injector/frr_actions.hpp"
#include "injector/frr_text.hpp"
#include "injector/frr_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

/// Of two entries for the same match, the one that is taken: one that discards; else one that asks for more
/// than a rate, since what it asks for must not be left out; else the lower rate. Then the one that is looked
/// at earlier, so that the outcome does not depend on FRR's order.
const Entry& stricter(const Entry& a, const Entry& b) {
  const auto key = [](const Entry& entry) {
    const Actions& actions = entry.actions;
    Actions only_rate;
    only_rate.rate = actions.rate;
    return std::tuple(!actions.discards(), actions == only_rate, actions.rate.value_or(HUGE_VAL),
                      !entry.sequence.has_value(), entry.sequence.value_or(0), to_string(actions),
                      entry.route_targets);
  };
  return key(b) < key(a) ? b : a;
}

void add_missing(std::vector<std::string>& to, const std::vector<std::string>& more) {
  for (const std::string& text : more)
    if (std::find(to.begin(), to.end(), text) == to.end())
      to.push_back(text);
  std::sort(to.begin(), to.end()); // whatever the order of the paths
}

/// What the paths of one match ask for together.
struct Merged {
  std::optional<Entry> entry;      ///< the strictest that can be told
  std::optional<Rejected> refused; ///< of a path whose actions cannot be told
  bool conflict = false;           ///< several, and not the same

  void add(const Entry& next) {
    if (!entry) {
      entry = next;
      return;
    }
    // One match is one entry, for all who are meant by any of its paths: who is meant by the milder one alone
    // must not lose it, and there is no second entry for them.
    conflict = conflict || entry->actions != next.actions || entry->sequence != next.sequence;
    Entry taken = stricter(*entry, next);
    const Entry& other = taken == next ? *entry : next;
    add_missing(taken.route_targets, other.route_targets);
    add_missing(taken.communities, other.communities);
    entry = std::move(taken);
  }
  void add(const Merged& other) {
    if (other.entry)
      add(*other.entry);
    conflict = conflict || other.conflict;
    if (other.refused)
      refused = other.refused;
  }
  /// A path that cannot be told could ask for anything, but for nothing stricter than to discard.
  bool usable() const { return entry && (!refused || entry->actions.discards()); }
};

/// The actions of all paths of one route. Remarks on single paths go to `into`.
Merged read_paths(const ShownRoute& route, const Components& match, const ReadingOptions& options,
                  RoutesRead& into) {
  const std::string subject = to_string(match);
  Merged merged;
  for (const ShownPath& path : route.paths) {
    std::variant<Asked, Rejected> read =
        read_actions(path.ecomlist.value_or(""), path.ecom6list.value_or(""), options.carrier);
    if (auto* rejected = std::get_if<Rejected>(&read)) {
      rejected->subject = subject;
      merged.refused = std::move(*rejected);
      continue;
    }
    auto& asked = std::get<Asked>(read);
    for (Rejected& remark : asked.remarks) {
      remark.subject = subject;
      into.remarks.push_back(std::move(remark));
    }
    merged.add({match, std::move(asked.actions), asked.sequence, std::move(asked.route_targets),
                std::move(asked.communities), path.age});
  }
  return merged;
}

/// A match as FRR shows it: once, or several times when different routes look alike (lost AND bits, duplicate
/// components).
struct ShownMatch {
  Merged merged;
  std::size_t routes = 0;
  std::size_t paths = 0;
};

/// Puts the entry, or the reason why there is none, where it belongs.
void conclude(ShownMatch shown, RoutesRead& into) {
  Merged& merged = shown.merged;
  if (!merged.usable()) {
    into.rejected.push_back(std::move(*merged.refused));
    return;
  }
  const std::string taken = fmt::format("{} is taken", to_string(merged.entry->actions));
  const bool conflict = merged.conflict || merged.refused;
  if (shown.routes > 1)
    into.remarks.push_back(
        {to_string(merged.entry->match), Reason::duplicate,
         fmt::format("FRR shows this match for {} routes{}", shown.routes,
                     conflict ? " with different actions: " + taken : " that ask for the same")});
  else if (conflict)
    into.remarks.push_back({to_string(merged.entry->match), Reason::conflicting_paths,
                            fmt::format("{} paths with different actions: {}", shown.paths, taken)});
  into.entries.push_back(std::move(*merged.entry));
}

} // namespace

bool ask_the_same(const Entry& a, const Entry& b) {
  return a.actions == b.actions && a.sequence == b.sequence && a.route_targets == b.route_targets &&
         a.communities == b.communities;
}

std::unordered_map<std::string, RouteText> route_texts(std::string_view text, Family family,
                                                       OperatorTable operators) {
  std::unordered_map<std::string, RouteText> texts;
  for (const ShownRoute& route : parse_flowspec_detail(text)) {
    const std::variant<Components, Rejected> read = read_components(route.paths.front(), family, operators);
    if (const auto* match = std::get_if<Components>(&read)) {
      RouteText& of_match = texts[stable_id(*match)];
      of_match.text += std::string(route.text) + "\n";
      of_match.paths += route.paths.size();
    }
  }
  return texts;
}

void RoutesRead::append(RoutesRead other) {
  routes.ipv4 += other.routes.ipv4;
  routes.ipv6 += other.routes.ipv6;
  paths += other.paths;
  if (entries.empty())
    entries = std::move(other.entries);
  else
    std::move(other.entries.begin(), other.entries.end(), std::back_inserter(entries));
  std::move(other.rejected.begin(), other.rejected.end(), std::back_inserter(rejected));
  std::move(other.remarks.begin(), other.remarks.end(), std::back_inserter(remarks));
}

RoutesRead read_frr_routes(std::string_view text, Family family, const ReadingOptions& options) {
  RoutesRead result;
  std::vector<ShownMatch> matches; // in FRR's order
  std::unordered_map<std::string, std::size_t> place;
  for (const ShownRoute& route : parse_flowspec_detail(text)) {
    ++result.routes.of(family);
    result.paths += route.paths.size();
    std::variant<Components, Rejected> read =
        read_components(route.paths.front(), family, options.operator_table);
    if (auto* rejected = std::get_if<Rejected>(&read)) {
      result.rejected.push_back(std::move(*rejected));
      continue;
    }
    const auto& match = std::get<Components>(read);
    const std::vector<std::uint8_t> nlri = canonical_nlri(match);
    const std::size_t at =
        place.try_emplace(std::string(nlri.begin(), nlri.end()), matches.size()).first->second;
    if (at == matches.size())
      matches.emplace_back();
    matches[at].merged.add(read_paths(route, match, options, result));
    ++matches[at].routes;
    matches[at].paths += route.paths.size();
  }
  for (ShownMatch& shown : matches)
    conclude(std::move(shown), result);
  return result;
}

} // namespace flowspec
