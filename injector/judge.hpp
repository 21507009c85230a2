// SPDX-License-Identifier: GPL-2.0-or-later
//
// Between what FRR shows and what is compiled: feasible, wished for, and of this machine.
#pragma once

#include "common/policy.hpp"
#include "common/prefix_set.hpp"
#include "common/rejected.hpp"
#include "injector/validation.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

struct JudgeOptions {
  const Policy* policy = nullptr; ///< null: everything is taken as it is
  const PrefixSet* own = nullptr; ///< null: every route is of this machine
  bool explain = false;           ///< keeps what each term did
};

/// What the policy did to one route.
struct PolicyTrace {
  std::string route;              ///< its match in words
  std::vector<std::string> steps; ///< "term floor: rate 10 B/s -> 125000 B/s"
};

struct Judged {
  std::vector<Entry> entries;  ///< to be compiled, as the policy changed them
  std::vector<Rejected> aside; ///< the others: not-feasible, rejected-by-policy, not-local
  /// Routes that each term rejected, by its name; every term that rejects is there, and "default".
  std::map<std::string, std::size_t> rejected_by_term;
  std::vector<PolicyTrace> traces; ///< in the order of the entries
};

/// First feasibility, which is about the route as announced; then the policy; then the scope, which is about
/// what is left.
Judged judge(std::vector<Entry> entries, const std::map<Family, Infeasible>& infeasible,
             const JudgeOptions& options);

} // namespace flowspec
