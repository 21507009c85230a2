// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/judge.hpp"

#include "injector/relevance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace flowspec {

namespace {

/// The routes that may be enforced as far as unicast routing goes.
std::vector<Entry> feasible(std::vector<Entry> entries, const std::map<Family, Infeasible>& infeasible,
                            std::vector<Rejected>& aside) {
  if (std::all_of(infeasible.begin(), infeasible.end(),
                  [](const auto& family) { return family.second.empty(); }))
    return entries;
  std::vector<Entry> left;
  left.reserve(entries.size());
  for (Entry& entry : entries) {
    const auto family = infeasible.find(entry.match.family);
    if (family != infeasible.end() && !family->second.empty()) {
      const auto found = family->second.find(stable_id(entry.match));
      if (found != family->second.end()) {
        aside.push_back({to_string(entry.match), Reason::not_feasible, found->second});
        continue;
      }
    }
    left.push_back(std::move(entry));
  }
  return left;
}

/// What a policy leaves of the routes.
class PolicyPass {
 public:
  PolicyPass(const Policy& policy, bool explain, Judged& judged)
      : policy_(policy), explain_(explain), judged_(judged), rejected_(policy.terms.size()) {}

  std::vector<Entry> run(std::vector<Entry> entries) {
    std::vector<Entry> left;
    left.reserve(entries.size());
    for (Entry& entry : entries)
      if (takes(entry))
        left.push_back(std::move(entry));
    count();
    return left;
  }

 private:
  bool takes(Entry& entry) {
    PolicyTrace trace;
    TermSeen seen;
    if (explain_) {
      trace.route = fmt::format("{}: {}", to_string(entry.match), to_string(entry.actions));
      seen = [&](std::size_t term, const std::string& what) {
        trace.steps.push_back(fmt::format("term {}: {}", policy_.terms[term].name, what));
      };
    }
    const PolicyVerdict verdict = apply(policy_, entry, seen);
    if (explain_) {
      if (!verdict.term)
        trace.steps.push_back(fmt::format("the default: {}", verdict.accepted ? "accepted" : "rejected"));
      judged_.traces.push_back(std::move(trace));
    }
    if (!verdict.accepted)
      reject(entry, verdict);
    return verdict.accepted;
  }

  void reject(const Entry& entry, const PolicyVerdict& verdict) {
    ++(verdict.term ? rejected_[*verdict.term] : rejected_by_default_);
    judged_.aside.push_back({to_string(entry.match), Reason::rejected_by_policy, name_of(policy_, verdict)});
  }

  /// Terms that rejected nothing are there too: what does not exist cannot rise.
  void count() {
    for (std::size_t at = 0; at < policy_.terms.size(); ++at)
      if (policy_.terms[at].then == Term::Then::reject)
        judged_.rejected_by_term[policy_.terms[at].name] = rejected_[at];
    if (!policy_.accept_by_default)
      judged_.rejected_by_term["default"] += rejected_by_default_; // a term may have that name
  }

  const Policy& policy_;
  bool explain_;
  Judged& judged_;
  std::vector<std::size_t> rejected_;
  std::size_t rejected_by_default_ = 0;
};

} // namespace

Judged judge(std::vector<Entry> entries, const std::map<Family, Infeasible>& infeasible,
             const JudgeOptions& options) {
  Judged judged;
  judged.entries = feasible(std::move(entries), infeasible, judged.aside);
  if (options.policy != nullptr)
    judged.entries = PolicyPass(*options.policy, options.explain, judged).run(std::move(judged.entries));
  if (options.own != nullptr) {
    Relevant local = relevant(std::move(judged.entries), *options.own);
    judged.entries = std::move(local.entries);
    std::move(local.aside.begin(), local.aside.end(), std::back_inserter(judged.aside));
  }
  return judged;
}

} // namespace flowspec
