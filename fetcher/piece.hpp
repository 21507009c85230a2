// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/entry.hpp"
#include "fetcher/packet_box.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace flowspec {

/// A set of packets and what is done with them, before it is cut into routes.
struct Piece {
  Box packets;
  Actions actions;
  std::string route_target;   ///< who is to have it; empty: everybody
  std::uint64_t sequence = 0; ///< lower ones decide first
  std::size_t rule = 0;       ///< in Publication::rules
  std::string origin;         ///< for a person
};

} // namespace flowspec
