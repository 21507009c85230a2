// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/entry.hpp"

#include <optional>
#include <string>

namespace flowspec {

/// Why no packet can match: legal routes, and they must do nothing
/// (draft-loibl-bacher-idr-flowspec-clarification-00, section 7). None when some packet can, as far as the
/// components exclude each other.
std::optional<std::string> why_never_matches(const Components& match);

} // namespace flowspec
