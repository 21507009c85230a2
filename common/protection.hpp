// SPDX-License-Identifier: GPL-2.0-or-later
//
// Packets that routes may not harm, whatever a controller announces.
#pragma once

#include "common/prefix.hpp"

#include <optional>

namespace flowspec {

/// The packets with such a destination and such a source; at least one of the two is given, and both are of
/// one family and have no offset.
struct Protection {
  std::optional<Prefix> destination;
  std::optional<Prefix> source;
  /// No discard and no rate below so many bytes a second touches them; other entries do. None: no entry
  /// touches them at all.
  std::optional<double> rate_below;

  Family family() const { return destination ? destination->family() : source->family(); }
  bool operator==(const Protection&) const = default;
};

} // namespace flowspec
