// SPDX-License-Identifier: GPL-2.0-or-later
//
// All that is to be said of one pass: for logs, metrics and people.
#pragma once

#include "common/error.hpp"
#include "injector/report.hpp"
#include "injector/state.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// What a pass failed of. The names are stable: they are metric labels.
enum class Cause {
  no_answer,  ///< FRR could not be asked
  bad_answer, ///< FRR answered, and that cannot be believed
  refused,    ///< a guard rail: too many routes, or nobody knows whose routes are gone
  kernel,     ///< the table could not be read or changed
  lock,       ///< somebody else held a lock for too long
  state,      ///< the state could not be read or written
  resources,  ///< no memory, no file descriptors
};
constexpr Cause every_cause[] = {Cause::no_answer, Cause::bad_answer, Cause::refused,  Cause::kernel,
                                 Cause::lock,      Cause::state,      Cause::resources};
std::string_view name(Cause cause);

/// A pass, or the part of it that is about one family, that failed; the rules are as they were.
struct Failure {
  std::optional<Family> family; ///< none: all of it
  Cause cause{};
  std::string why;
};

/// The pass as a whole failed.
class PassFailed : public Error {
 public:
  PassFailed(Cause cause, const std::string& why) : Error(why), cause_(cause) {}
  Cause cause() const { return cause_; }

 private:
  Cause cause_;
};

/// Somebody else changed what is ours since the last pass.
struct Tampering {
  Family family = Family::ipv4;
  std::string table;
  std::string kind; ///< stable: "chain-gone", "jump-gone", "jump-moved", "rules-changed"
  std::string what; ///< in words: "the jump from FORWARD to FLOWSPEC was gone"
};

/// What is held of one family, and for whom.
struct Holding {
  Family family = Family::ipv4;
  std::size_t stale = 0;          ///< of sessions that ended
  std::size_t unconfirmed = 0;    ///< withdrawn, and waiting for a second look
  std::vector<std::string> peers; ///< for whom: "192.0.2.1 (Active)"
};

/// Seconds that the stages of a pass took.
struct StageTimes {
  using Seconds = std::chrono::duration<double>;
  Seconds ask{0};     ///< FRR
  Seconds read{0};    ///< its text, and what is held
  Seconds compile{0}; ///< to rules
  Seconds kernel{0};  ///< to read the tables and find the difference
  Seconds commit{0};
  Seconds lock{0}; ///< to wait for the xtables lock
};

struct PassOutcome {
  Pass pass;
  std::vector<Failure> failures; ///< of single families, and of the state
  std::vector<Tampering> tampering;
  std::vector<Holding> holding; ///< families of which something is held
  std::map<Family, std::vector<KnownPeer>> peers;
  StageTimes times;
  bool in_full = true; ///< FRR's routes were read, and not only its summary
  /// When there is something to look at again, at the latest: withdrawals to confirm, a hold time that ends.
  std::optional<Instant> look_again;
  State state; ///< as the pass left it, without the routes' texts
};

} // namespace flowspec
