// SPDX-License-Identifier: GPL-2.0-or-later
//
// One pass: from what FRR says to what the kernel does.
#pragma once

#include "injector/judge.hpp"
#include "injector/opened_tables.hpp"
#include "injector/options.hpp"
#include "injector/pass_memory.hpp"
#include "injector/pass_outcome.hpp"
#include "injector/poller.hpp"
#include "injector/sync.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

/// Everything that a pass does to the world.
struct PassWorld {
  AskFrr ask;
  /// The routes that the operator gave, a family each; empty: FRR is asked.
  std::function<std::vector<Shown>(const AboutToRead&)> given;
  std::string source; ///< "FRR (vtysh)", or the names of the files
  std::function<Instant()> now;
  std::function<std::int64_t()> unix_time;

  TableAccess tables; ///< `look` and `open` may be called on another thread
  std::function<bool()> tracks_connections;
  /// The prefixes that are this machine's own, as the kernel has them now. Throws Error.
  std::function<std::vector<Prefix>()> own_prefixes;
  std::function<std::chrono::milliseconds()> lock_waited; ///< since it was last asked

  StateAccess disk;
};

/// How far a pass goes: to what is wanted, to the difference from what is, or all the way.
enum class Doing { arrange, plan, sync };

class Passes {
 public:
  Passes(Options options, PassWorld world);

  /// Throws PassFailed when nothing could be done for any family, or when a table could not be changed; then
  /// that one is as it was. Only Doing::sync changes anything, and remembers.
  PassOutcome run(Depth depth, Doing doing);

  /// A pass that never began, for the totals of the next one that does.
  void missed(Cause cause) { ++off_disk_.missed[std::string(name(cause))]; }

 private:
  class Run;

  /// What rules were made of, beside the routes.
  struct MadeOf {
    std::vector<Family> families;
    std::vector<std::vector<HeldRoute>> held;
    std::map<Family, Infeasible> infeasible;
    PrefixSet own;
    bool reassembled = false;

    bool operator==(const MadeOf&) const = default;
  };

  /// What was last arranged: the usual pass finds nothing new.
  struct Arranged {
    MadeOf of;
    RoutesRead findings; ///< without entries
    Judged judged;       ///< without entries
    Wanted wanted;
  };

  Options options_;
  PassWorld world_;
  Poller poller_;
  Validator validator_;
  std::optional<Arranged> arranged_;
  OffDisk off_disk_;
};

} // namespace flowspec
