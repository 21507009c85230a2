// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fail static: which routes that FRR shows no more stay installed. FRR drops every flowspec route with the
// session that brought it; that is no withdrawal.
#pragma once

#include "injector/frr_source.hpp"
#include "injector/pass_outcome.hpp"
#include "injector/state.hpp"

#include <optional>
#include <set>
#include <string>

namespace flowspec {

struct HoldOptions {
  std::optional<std::chrono::milliseconds> hold_time; ///< none: for ever
  std::size_t max_routes = 250'000;                   ///< of one family
  double max_withdraw = 0.5; ///< the part of the installed routes that may go without a second look
  std::chrono::milliseconds confirm_after{10'000};
};

struct Kept {
  RoutesRead routes;                  ///< what was shown, and what is held
  std::optional<FamilyMemory> memory; ///< none: what was known stays so
  Holding holding;
  std::optional<Instant> look_again;
  /// Why nothing may change now.
  std::optional<std::string> refused;
};

/// What to enforce of `shown`, after what was known (none: nothing is). `installed` are the ids of the
/// entries that the kernel holds now.
///
/// A route that is installed or was held, and is not shown, goes when a controller that is there withdrew it.
/// It stays as stale when a session ended since it was last shown, until all those peers are back and have
/// said all they have, or until the hold time is over; one that is back and unheard has said nothing. So does
/// a route that lost a path in that way: it keeps what all of its paths asked for together. A table that
/// shows nothing is believed only of a peer that has said all. When many routes go at once, a second look
/// comes first.
///
/// Refused: more than max_routes; no peer is Established, and none was known to be; or a route is installed
/// that nothing is known of, it is not shown, and there is a peer that has not said all it has.
///
/// `spare`: the routes of `shown` when nobody else needs them any more; they are taken instead of copied.
/// Throws Error when the texts of `known` are damaged; then nothing was taken.
Kept keep(const Shown& shown, const std::optional<FamilyMemory>& known,
          const std::set<std::string>& installed, const ReadingOptions& reading, const HoldOptions& options,
          Instant now, RoutesRead* spare = nullptr);

/// What `memory` says should be enforced: `shown` and held routes. Throws Error when its texts are damaged.
RoutesRead remembered(const FamilyMemory& memory, Family family, const ReadingOptions& reading);

} // namespace flowspec
