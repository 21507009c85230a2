// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether routes are feasible: RFC 8955 section 6, and RFC 9117. FRR does not validate flowspec routes; what
// it knows of unicast routes is asked of it.
//
// Who announced a route FRR's text does not tell either, in no version that this one asks safely (`json
// detail` does from 10.4.4, 10.5.4 and 10.6.0 on, and crashes older ones). It is known when one external peer
// alone has announced routes of the family. It is not
// - when several have;
// - when that peer is internal, or of our confederation: the ORIGINATOR_ID and the AS_PATH of its routes, on
//   which all depends then, are not shown. Such routes are validated where they come in.
// Then nothing is judged, and whoever asks is told so.
#pragma once

#include "injector/feasibility.hpp"
#include "injector/frr_source.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

namespace flowspec {

/// What FRR shows does not tell who announced a route, so that nothing can be said of it.
class CannotValidate : public Error {
 public:
  using Error::Error;
};

/// Why routes are not feasible, by stable_id. What is not here is.
using Infeasible = std::map<std::string, std::string>;

/// Remembers the unicast routes of each family as long as FRR's table version, and every session, stays.
class Validator {
 public:
  /// `settle` as in PollOptions: a peer without an End-of-RIB that is up for so long has said all it has.
  Validator(AskFrr ask, Validate mode, std::chrono::milliseconds settle = std::chrono::seconds(30));
  ~Validator();
  Validator(Validator&&) noexcept;
  Validator& operator=(Validator&&) noexcept;

  /// Of `entries`, which `shown` has or `held` names, those that are not feasible.
  ///
  /// What was said before stays
  /// - for `held`, which FRR does not show;
  /// - while the peer that announces is not there, or has not said all it has, of flowspec routes
  ///   (ShownPeer::said_all) and of the unicast routes that count for them: a session that was lost and comes
  ///   back opens nothing, and closes nothing;
  /// - while FRR has chosen no unicast route at all from those it has.
  /// `before` are those that were not feasible, `installed` the ids of entries that the kernel holds, which
  /// were; a route in neither is judged by what is there.
  ///
  /// Asks FRR for the summary of its unicast routes, and for the routes only when it tells of a change; not
  /// at all when there is nothing to judge. Throws CannotValidate; Error when FRR's answer cannot be
  /// believed; NoAnswer.
  Infeasible judge(const Shown& shown, std::span<const Entry> entries, const std::set<std::string>& held,
                   const Infeasible& before, const std::set<std::string>& installed = {});

 private:
  struct Known;
  Known& look(Family family);
  bool said_all(const Known& known, const ShownPeer& peer) const;
  Announcer announcer(Family family, Known& known, const ShownPeer& peer) const;

  AskFrr ask_;
  Validate mode_;
  std::chrono::milliseconds settle_;
  std::map<Family, std::unique_ptr<Known>> known_;
};

} // namespace flowspec
