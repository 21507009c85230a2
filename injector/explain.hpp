// SPDX-License-Identifier: GPL-2.0-or-later
//
// Why a packet fares as it does: the entry that decides, those that might, those that came close.
#pragma once

#include "common/decide.hpp"
#include "common/entry.hpp"
#include "injector/question.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// An entry in the order; it lives as long as the entries that were explained.
struct Place {
  std::size_t number = 0; ///< from 1, among the entries of the question's family; 0 with no entry
  const Entry* entry = nullptr;

  bool operator==(const Place&) const = default;
};

/// An earlier entry that decides or not by what the question does not say.
struct Dependence {
  Place place;
  std::vector<std::string_view> options;          ///< what would have to be said: "--length"; each once
  Decision::What what = Decision::What::no_entry; ///< if it matches

  bool operator==(const Dependence&) const = default;
};

/// An earlier entry of which one component fails and all others hold.
struct NearMiss {
  Place place;
  std::string_view component; ///< "destination_port"
  std::string asks;           ///< "80,443"
  std::string has;            ///< "81"

  bool operator==(const NearMiss&) const = default;
};

struct Explanation {
  /// What happens to the packet, and by which entry, if none of `depends` matches. Never `unreadable`: a
  /// question has no words for a header that is cut off.
  Decision::What what = Decision::What::no_entry;
  Place place;
  /// The answer is for a packet that connection tracking does not know; nothing is said of that, and a packet
  /// of a tracked connection passes.
  bool tracked_passes = false;
  std::vector<Dependence> depends; ///< in the order of the entries
  /// No entry touches the packet, since it is from or to this prefix.
  std::optional<Prefix> protected_by;
  std::vector<NearMiss> near; ///< the one closest before `place` first

  /// Every packet that the question describes fares so.
  bool told() const { return depends.empty(); }
};

/// `entries` are in their order (sort_by_precedence; Wanted::installed is). Those of the other family have no
/// part in it; those that no packet can match are neither a dependence nor a near miss. When the question
/// says everything, `what` and `place` are what decide() says. At most `near` near misses are kept.
Explanation explain(std::span<const Entry> entries, const Question& question, Stateful stateful,
                    std::size_t near = 5);

} // namespace flowspec
