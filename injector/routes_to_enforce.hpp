// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which routes a pass enforces: those that FRR shows, as far as they are feasible, and those that are held;
// or those that the operator gave. Families of which that cannot be told are not among them, and stay as they
// are.
#pragma once

#include "injector/feasible_routes.hpp"
#include "injector/hold.hpp"
#include "injector/options.hpp"
#include "injector/pass_memory.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace flowspec {

struct ToEnforce {
  std::vector<Family> families;
  RoutesRead routes;                        ///< of all of them
  std::vector<std::vector<HeldRoute>> held; ///< of each family that FRR was asked for
  RouteCounts held_counts;
  std::vector<Holding> holding; ///< families of which something is held
  std::optional<Instant> look_again;
};

/// What there is to decide by.
struct DecideBy {
  const Options& options;
  const std::string& source; ///< of the routes, for the state
  const std::function<Instant()>& now;
  /// Table filter of a family as the kernel has it; null when nobody looks.
  std::function<const Ruleset*(Family)> filter;
};

class RoutesToEnforce {
 public:
  /// `memory` learns what there is to know of the routes, and failures of single families.
  RoutesToEnforce(DecideBy by, Validator& validator, PassMemory& memory, StageTimes& times)
      : by_(std::move(by)), options_(by_.options), memory_(memory), state_(memory.now()), times_(times),
        feasible_(validator, by_.options.poll.reading.operator_table) {}

  /// The operator's own words: nobody's session has anything to do with them. `hashes` are those of the
  /// texts.
  ToEnforce of_given(std::vector<Shown> given, const std::map<Family, std::uint64_t>& hashes);

  /// `last_use`: nobody needs the routes behind this; of those that nobody shares, none are copied.
  ToEnforce of_shown(std::vector<std::shared_ptr<Shown>> shown, bool last_use);

 private:
  bool are_too_many(const Shown& shown) const;
  bool replaces_all(const std::vector<Shown>& given) const;
  void take_given(Shown given, std::uint64_t hash);

  bool can_be_judged(const Shown& shown);
  bool texts_wanted(const std::vector<std::shared_ptr<Shown>>& shown);
  bool is_as_left(const Ruleset& filter) const;
  std::set<std::string> ids_in(const Ruleset* filter) const;
  bool nothing_missed(const FamilyMemory& known, const Shown& shown) const;
  void leave_out_intruders(const FamilyMemory& known, const Ruleset& filter, const Shown& shown,
                           std::set<std::string>& installed) const;
  Kept keep_after(std::optional<FamilyMemory> known, const Shown& shown, const Ruleset* filter,
                  RoutesRead* spare);
  void take(Family family, Kept kept);

  DecideBy by_;
  const Options& options_;
  PassMemory& memory_;
  State& state_;
  StageTimes& times_;
  FeasibleRoutes feasible_;
  bool texts_loaded_ = false;
  ToEnforce decided_;
};

} // namespace flowspec
