// SPDX-License-Identifier: GPL-2.0-or-later
//
// What connection tracking can say of a packet, as sets: a packet has one state, and its connection was
// translated at its source, at its destination, at both or not at all.
#pragma once

#include "common/rule.hpp"

#include <array>
#include <cstdint>

namespace flowspec {

/// Bit STATE + 5 * (source translated) + 10 * (destination translated), for the states in the order of
/// connection::states.
using ConnectionStates = std::uint32_t;

namespace connection {
constexpr std::array<std::uint16_t, 5> states{ConntrackMatch::fresh, ConntrackMatch::established,
                                              ConntrackMatch::related, ConntrackMatch::invalid,
                                              ConntrackMatch::untracked};
constexpr ConnectionStates every = (1U << 4 * states.size()) - 1;

/// Those for which a match of `mask`, bits of ConntrackMatch, holds: one of its states, or one of its
/// translations.
constexpr ConnectionStates in(std::uint16_t mask) {
  ConnectionStates result = 0;
  for (unsigned translated = 0; translated < 4; ++translated)
    for (unsigned state = 0; state < states.size(); ++state) {
      const bool source = (translated & 1) != 0 && (mask & ConntrackMatch::source_nat) != 0;
      const bool destination = (translated & 2) != 0 && (mask & ConntrackMatch::destination_nat) != 0;
      if ((mask & states[state]) != 0 || source || destination)
        result |= 1U << (state + translated * states.size());
    }
  return result;
}

/// The first packets of connections.
constexpr ConnectionStates fresh = in(ConntrackMatch::fresh);
/// Those of connections that are known: ESTABLISHED, RELATED.
constexpr ConnectionStates established = in(ConntrackMatch::established);
constexpr ConnectionStates known = in(ConntrackMatch::established | ConntrackMatch::related);
} // namespace connection

} // namespace flowspec
