// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which of the routes that FRR shows are feasible (RFC 8955 section 6), in one pass. What is not counts as
// not shown, now and before: it is not held, and neither takes the place of a route that is nor alters it.
#pragma once

#include "injector/hold.hpp"
#include "injector/pass_outcome.hpp"
#include "injector/validation.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace flowspec {

class FeasibleRoutes {
 public:
  FeasibleRoutes(Validator& validator, OperatorTable operators)
      : validator_(validator), operators_(operators) {}

  /// Judges the routes of `shown`; why they cannot be judged, else none. `known` is what was known of them,
  /// `installed` the ids of the entries that the kernel holds.
  std::optional<Failure> judge(const Shown& shown, const FamilyMemory* known,
                               std::set<std::string> installed);

  /// Other routes are feasible than `state` has it.
  bool any_news(const State& state) const;

  /// What `decide` makes of what was known and is shown (hold.hpp), given the feasible part of both. The
  /// other routes that are shown are appended to its routes, to be set aside by name. Requires that `shown`
  /// was judged.
  Kept keep(std::optional<FamilyMemory> known, const Shown& shown,
            const std::function<Kept(std::optional<FamilyMemory>, const Shown&)>& decide);

 private:
  std::string without(std::string_view text, Family family, const Infeasible& infeasible) const;
  Shown without(const Shown& shown, const Infeasible& infeasible) const;

  Validator& validator_;
  OperatorTable operators_;
  std::map<Family, Infeasible> infeasible_; ///< of what is shown
};

} // namespace flowspec
