// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a walk finds, held against what flowspec has words for: connection states and interfaces have none.
#pragma once

#include "fetcher/chain_walk.hpp"
#include "fetcher/decided.hpp"
#include "fetcher/interface_targets.hpp"
#include "fetcher/piece.hpp"
#include "fetcher/publication.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace flowspec {

class Publisher : public WalkListener {
 public:
  /// The arguments must outlive this object.
  Publisher(const Ruleset& ruleset, const Chain& base, const RuleName& rule_name,
            const PublishOptions& options);

  struct Result {
    std::deque<Piece> pieces;      ///< in the order in which they decide
    std::vector<RuleReport> rules; ///< without their routes
    std::optional<std::string>
        closing_rule; ///< one that discards the rest, and is the policy in all but name
  };
  /// What was found; afterwards this object is used up.
  Result finish();

  void visit(const Visit& visit) override;
  void decide(const Visit& visit, std::span<const Box> packets, Verdict verdict) override;
  void limit(const Visit& visit, std::span<const Box> packets, const HashlimitMatch& limit) override;
  void leave_out(const Visit& visit, std::span<const Box> among, std::string why, Gap gap) override;
  void pass(const Visit& visit) override;
  void skip(const Visit& visit, Reason reason, std::string why) override;
  bool can_name(const Box& packets) const override;
  bool done() const override { return result_.closing_rule.has_value(); }

 private:
  RuleReport& report(const Visit& visit);
  std::size_t report_index(const Visit& visit) const;
  void raise(const Visit& visit, Grade grade);
  void remark(const Visit& visit, Reason reason, std::string detail);
  void refuse(const Visit& visit, const std::string& why, Gap gap);
  std::vector<const Box*> undecided(const Visit& visit, std::span<const Box> packets);
  void publish(const Visit& visit, const Box& packets, const Actions& actions);
  std::string why_states_matter(const Box& packets, bool limits) const;
  bool cuts_known_connections(const Box& packets);
  void pass_known_connections(const Visit& visit, const Box& packets);
  void explain_known_connections();
  void find_contradicted_accepts();
  void report_rules_never_reached();

  const Ruleset& ruleset_;
  const Chain& base_;
  const RuleName& rule_name_;
  const PublishOptions& options_;
  Result result_;
  std::unordered_map<const Chain*, std::vector<std::size_t>> reports_; ///< by index: place in rules, plus one
  std::map<std::size_t, std::vector<Note>>
      skipped_; ///< by place in rules; matters if nothing else came of it
  /// Packets of known connections that are accepted: no piece, but decided.
  struct Known {
    Box packets;
    std::size_t rule = 0;
    bool cut = false; ///< a drop behind it is for some of them
  };
  std::deque<Known> known_;
  Decided decided_;                            ///< refers to them and to the pieces
  bool known_connections_pass_ = false;        ///< a rule accepts all that are ESTABLISHED
  bool every_known_connection_passes_ = false; ///< and all that are RELATED
  std::optional<Visit> closed_by_;
  InterfaceTargets targets_;
};

} // namespace flowspec
