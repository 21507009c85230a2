// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bytes of a route's match, as a speaker would send them: what precedence and identity are computed from.
#pragma once

#include "common/entry.hpp"

#include <cstdint>
#include <vector>

namespace flowspec {

struct NlriComponent {
  std::uint8_t type = 0;
  std::vector<std::uint8_t> data; ///< without the type octet

  bool operator==(const NlriComponent&) const = default;
};

/// The components that are present, in ascending order of their types, in the form that canonical_nlri
/// describes.
std::vector<NlriComponent> canonical_components(const Components& match);

} // namespace flowspec
