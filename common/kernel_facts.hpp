// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel says of this network namespace in /proc.
#pragma once

#include "common/family.hpp"

#include <string>

namespace flowspec {

/// True when somebody uses the legacy table `table` here: reading one that nobody uses would make it. Throws
/// Error when that cannot be found out.
bool table_in_use(Family family, const std::string& table);

/// True when connection tracking may be on: the kernel has it, and does not say for which networks. Where it
/// is on, it also puts fragments together before FORWARD sees them.
bool may_track_connections();

} // namespace flowspec
