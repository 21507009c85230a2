// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel says of itself and of this network namespace.
#pragma once

#include "common/family.hpp"

#include <string>

namespace flowspec {

/// True when somebody uses the legacy table `table` here: reading one that nobody uses would make it. True
/// also for who may not know. Throws Error when that cannot be found out.
bool table_in_use(Family family, const std::string& table);
/// The same; but who may not know gets an Error.
bool table_surely_in_use(Family family, const std::string& table);

/// True when connection tracking may be on: the kernel has it, and does not say for which networks. Where it
/// is on, it also puts fragments together before FORWARD sees them.
bool may_track_connections();

/// Different after each start of the machine; "unknown" when the kernel does not say.
std::string boot_id();

/// A number that no other network namespace has, as long as the machine runs (SO_NETNS_COOKIE, Linux 5.14;
/// before that the namespace's inode, which may come again). Throws Error when neither can be found out.
std::string network_id();

} // namespace flowspec
