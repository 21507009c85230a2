// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reference matcher: what RFC 8955 says of a packet, written to be plainly right and not to be fast.
// Everything that is compiled is held against it.
#pragma once

#include "common/entry.hpp"
#include "common/packet.hpp"

#include <span>

namespace flowspec {

/// True when every component that is present holds for the packet.
bool matches(const Components& match, const Packet& packet);

enum class Stateful : std::uint8_t {
  default_drop, ///< a tracked connection's packets pass the default policy's drop, and only that
  never,
  always, ///< a tracked connection's packets pass before any entry is looked at
};

struct Decision {
  enum class What : std::uint8_t { no_entry, accept, discard, rate_limit, established };
  What what = What::no_entry;
  const Entry* entry =
      nullptr; ///< the one that decided; none for no_entry, and for `established` under `always`

  bool operator==(const Decision&) const = default;
};

/// What happens to `packet` under `entries`, given in any order: the first one that matches in the order of
/// precedence.hpp decides.
Decision decide(std::span<const Entry> entries, const Packet& packet,
                Stateful stateful = Stateful::default_drop);

} // namespace flowspec
