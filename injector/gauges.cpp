// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/gauges.hpp"

#include "injector/exposition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

constexpr Gauge routes{
    "flowspec_routes",
    "Routes with rules: active (FRR shows them), stale (held: the session that brought them ended), "
    "unconfirmed (held: so many went at once that a second look comes first)."};
constexpr Gauge routes_shown{"flowspec_routes_shown", "Routes that FRR shows, with rules or without."};
constexpr Gauge rejected_routes{"flowspec_rejected_routes", "Routes without rules, by the reason why."};
constexpr Gauge routes_aside{"flowspec_routes_set_aside",
                             "Routes left out because the configuration says so, by what left them out."};
constexpr Gauge rejected_by_term{"flowspec_policy_rejected_routes",
                                 "Routes that the policy rejects, by the term that does."};
constexpr Gauge route_remarks{"flowspec_route_remarks",
                              "Routes with rules of which there is something to be said, by what it is."};
constexpr Gauge rules{"flowspec_rules", "Rules in our chains."};
constexpr Gauge peer_up{"flowspec_peer_up", "1 when the flowspec peer is Established, 0 when it is not."};
constexpr Gauge peer_routes{"flowspec_peer_routes_received",
                            "Flowspec routes that FRR received of the peer."};
constexpr Gauge stage_seconds{
    "flowspec_pass_stage_duration_seconds",
    "How long each stage of the last good pass took: ask (FRR), read (its text), compile (to "
    "rules), kernel (to read its tables), commit, lock (to wait for the xtables lock)."};
constexpr std::array measured{routes,        routes_shown, rejected_routes, routes_aside, rejected_by_term,
                              route_remarks, rules,        peer_up,         peer_routes,  stage_seconds};

// Every label value that is known exists from the start, as 0: what does not exist cannot rise.
constexpr Reason why_rejected[] = {
    Reason::empty_match,           Reason::ambiguous_operators, Reason::value_out_of_range,
    Reason::unsupported_component, Reason::unsupported_action,  Reason::unreadable_action,
    Reason::no_redirect_target,    Reason::never_matches,       Reason::not_enforceable,
    Reason::fragments_reassembled, Reason::ambiguous_sequence,  Reason::duplicate};
constexpr Reason why_aside[] = {Reason::rejected_by_policy, Reason::not_feasible, Reason::not_local,
                                Reason::no_segment};
constexpr Reason why_remarked[] = {Reason::conflicting_paths, Reason::conflicting_actions, Reason::lost_route,
                                   Reason::hidden_action_bits, Reason::rate_rounded};

/// Of one pass.
class Measuring {
 public:
  explicit Measuring(const PassOutcome& outcome) : outcome_(outcome) {}

  std::map<std::string, double> all() && {
    keep_failed_families();
    for (const WantedTable& table : outcome_.pass.tables) {
      count_rules(table);
      if (table.table == "filter")
        count_routes(table.family);
    }
    count_reasons(rejected_routes, outcome_.pass.rejected, why_rejected);
    if (!kept_for_both(routes_aside))
      count_reasons(routes_aside, outcome_.pass.aside, why_aside);
    if (!kept_for_both(rejected_by_term))
      for (const auto& [term, count] : outcome_.pass.rejected_by_term)
        gauge(rejected_by_term, {{"term", term}}) = static_cast<double>(count);
    count_reasons(route_remarks, outcome_.pass.remarks, why_remarked);
    look_at_peers();
    take_times();
    return std::move(gauges_);
  }

 private:
  double& gauge(const Gauge& which, const Labels& labels) { return gauges_[sample_name(which.name, labels)]; }

  /// The label of the family is always the first.
  void keep_failed_families() {
    for (const Failure& failure : outcome_.failures)
      if (failure.family)
        for (const auto& [sample, value] : outcome_.state.gauges)
          if (sample.find(fmt::format("{{family=\"{}\"", name(*failure.family))) != std::string::npos)
            gauges_.emplace(sample, value);
  }

  /// What counts both families in one sample stays as it was when one of them failed.
  bool kept_for_both(const Gauge& which) {
    const auto& failures = outcome_.failures;
    if (std::none_of(failures.begin(), failures.end(), [](const Failure& failure) { return failure.family; }))
      return false;
    const std::string begin = fmt::format("{}{{", which.name);
    const std::map<std::string, double>& before = outcome_.state.gauges;
    const auto first = before.lower_bound(begin);
    auto last = first;
    while (last != before.end() && last->first.starts_with(begin))
      gauges_.insert(*last++);
    return last != first;
  }

  void count_rules(const WantedTable& table) {
    double& count = gauge(rules, {{"family", name(table.family)}, {"table", table.table}});
    count = 0;
    for (const Chain& chain : table.chains)
      count += static_cast<double>(chain.rules.size());
  }

  void count_routes(Family family) {
    std::map<std::string_view, bool> stale; // of what is held, by id
    if (const auto known = outcome_.state.families.find(family); known != outcome_.state.families.end())
      for (const HeldRoute& held : known->second.held)
        stale.emplace(held.id, !held.peers.empty());
    std::map<std::string_view, std::size_t> counts{{"stale", 0}, {"unconfirmed", 0}};
    if (!stale.empty())
      for (const Entry& entry : outcome_.pass.installed)
        if (entry.match.family == family)
          if (const auto held = stale.find(stable_id(entry.match)); held != stale.end())
            ++counts[held->second ? "stale" : "unconfirmed"];
    counts["active"] = outcome_.pass.enforced.of(family) - counts["stale"] - counts["unconfirmed"];
    for (const auto& [state, count] : counts)
      gauge(routes, {{"family", name(family)}, {"state", state}}) = static_cast<double>(count);
    gauge(routes_shown, {{"family", name(family)}}) = static_cast<double>(outcome_.pass.routes.of(family));
  }

  void count_reasons(const Gauge& which, const std::vector<Rejected>& findings,
                     std::span<const Reason> known) {
    for (const Reason reason : known)
      gauge(which, {{"reason", name(reason)}}) = 0;
    for (const Rejected& finding : findings)
      ++gauge(which, {{"reason", name(finding.reason)}});
  }

  void look_at_peers() {
    for (const auto& [family, peers] : outcome_.peers)
      for (const KnownPeer& peer : peers) {
        const Labels labels{{"family", name(family)}, {"peer", peer.address}};
        gauge(peer_up, labels) = peer.established() ? 1 : 0;
        gauge(peer_routes, labels) = peer.established() ? static_cast<double>(peer.prefixes_received) : 0;
      }
  }

  void take_times() {
    const StageTimes& times = outcome_.times;
    const std::pair<std::string_view, StageTimes::Seconds> stages[] = {
        {"ask", times.ask},       {"read", times.read},     {"compile", times.compile},
        {"kernel", times.kernel}, {"commit", times.commit}, {"lock", times.lock}};
    for (const auto& [stage, took] : stages)
      gauge(stage_seconds, {{"stage", stage}}) = took.count();
  }

  const PassOutcome& outcome_;
  std::map<std::string, double> gauges_;
};

} // namespace

std::span<const Gauge> measured_gauges() {
  return measured;
}

std::map<std::string, double> gauges_of(const PassOutcome& outcome) {
  return Measuring(outcome).all();
}

} // namespace flowspec
