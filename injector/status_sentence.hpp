// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the daemon fares in one sentence, for people who ask the service manager.
#pragma once

#include "injector/pass_outcome.hpp"

#include <optional>
#include <string>

namespace flowspec {

/// "FRR cannot be asked", "changes are refused" ...; "passes fail" for none.
std::string_view in_words(std::optional<Cause> cause);

/// "12 routes in 15 rules": of all families and tables.
std::string extent(const Pass& pass);

/// Remembers what passes said. The sentences are printable ASCII, on one line, not longer than a service
/// manager takes, and the same as long as there is nothing new.
class StatusSentence {
 public:
  /// After a pass that succeeded and ended at `now`: "12 routes in 15 rules, 3 held for 192.0.2.1 (Active);
  /// last change 2026-11-22 14:02:11 UTC".
  std::string succeeded(const PassOutcome& outcome, Instant now);

  /// After one that did not, as none has since `since`: "FRR cannot be asked since 2026-11-22 14:02:11 UTC:
  /// WHY; 12 routes in 15 rules stay".
  std::string failed(std::optional<Cause> cause, const std::string& why, Instant since) const;

  /// What is enforced, as far as it is known: "12 routes in 15 rules", "the rules".
  const std::string& enforced() const { return enforced_; }

 private:
  /// A pass says what time it is; nobody asks a clock for it.
  struct Seen {
    Instant at{0};
    std::int64_t unix_time = 0;
  };
  std::optional<Seen> seen_;
  std::int64_t last_change_ = 0; ///< Unix time; 0: none since the start
  std::string enforced_ = "the rules";
};

} // namespace flowspec
