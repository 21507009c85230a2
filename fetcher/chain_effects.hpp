// SPDX-License-Identifier: GPL-2.0-or-later
//
// What chains do, looked at without packets: whether they decide anything.
#pragma once

#include "common/ruleset.hpp"
#include "fetcher/publication.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// The name of the rule's target when that gives no verdict and changes nothing that a later rule could see
/// and flowspec could say: LOG, NFLOG, MARK, or "a rule without target". Empty for any other.
std::string_view target_without_verdict(const Rule& rule);

class ChainEffects {
 public:
  /// Looks at `base` and every chain that can be reached from it. Throws Error when chains call each other in
  /// a circle, or more than 200 deep.
  ChainEffects(const Ruleset& ruleset, const Chain& base);

  /// False when no rule that can be reached in `chain` has a verdict. True for a chain that is missing.
  bool decides(std::string_view chain) const;
  /// How many rules from `from` on have a verdict; a call counts as all that its chain has.
  std::size_t deciding_rules(const Chain& chain, std::size_t from) const;
  /// What happens to packets when the rule is left out.
  Gap gap_without(const Rule& rule) const;
  /// How many rules of the table, in any chain, name the hashlimit bucket.
  std::size_t users_of_bucket(const std::string& name) const;
  /// How many ways of calls lead to `chain` from the base chain; many are told as 2.
  std::size_t ways_to(const Chain& chain) const;

 private:
  struct Effect {
    std::vector<std::size_t> deciding; ///< by index: rules with a verdict from there on
    bool drops = false;
    bool accepts = false;
    bool unclear = false;
    bool in_progress = false;
  };

  void look_at(const Match& match);
  const Effect& look_at(const Chain& chain, std::size_t depth);
  static Gap gap(bool drops, bool accepts, bool unclear);

  const Ruleset& ruleset_;
  std::map<std::string, Effect, std::less<>> effects_;
  void count_ways(const Chain& base);

  std::map<std::string, std::size_t, std::less<>> ways_;
  std::map<std::string, std::size_t, std::less<>> buckets_;
};

} // namespace flowspec
