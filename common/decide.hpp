// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reference matcher: what RFC 8955 says of a packet, written to be plainly right and not to be fast.
// Everything that is compiled is held against it.
#pragma once

#include "common/entry.hpp"
#include "common/packet.hpp"

#include <span>

namespace flowspec {

/// What a match says of a packet.
enum class Outcome : std::uint8_t {
  no,
  yes,
  /// What can be told holds, and the rest cannot be looked at: the header that it is about is cut off, or
  /// hidden behind extension headers that cannot be followed. Netfilter's matches discard such a packet
  /// rather than guess (so do RFC 1858 and RFC 3128), and so does everything here.
  unreadable,
};

/// Holds `packet` against every component that is present. Those about the packet's addresses, its upper
/// layer, its IP header, its fragment and its transport header are looked at in this order.
Outcome examine(const Components& match, const Packet& packet);

/// True when every component that is present holds for the packet.
bool matches(const Components& match, const Packet& packet);

/// The numbers of IPv6 extension headers, which never are an upper layer (RFC 8956 section 3.2): hop-by-hop
/// options, routing, fragment, authentication and destination options. ESP and 59 end the chain as one.
ValueSet extension_headers();

enum class Stateful : std::uint8_t {
  default_drop, ///< a tracked connection's packets pass the default policy's drop, and only that
  never,
  always, ///< a tracked connection's packets pass before any entry is looked at
};

struct Decision {
  enum class What : std::uint8_t {
    no_entry,
    accept,
    discard,
    rate_limit,
    established,
    unreadable, ///< discarded: `entry` would have to look at what is not there
  };
  What what = What::no_entry;
  const Entry* entry =
      nullptr; ///< the one that decided; none for no_entry, and for `established` under `always`

  bool operator==(const Decision&) const = default;
};

/// What happens to `packet` under `entries`, given in any order: the first one in the order of precedence.hpp
/// that matches, or cannot be told, decides.
Decision decide(std::span<const Entry> entries, const Packet& packet,
                Stateful stateful = Stateful::default_drop);

} // namespace flowspec
