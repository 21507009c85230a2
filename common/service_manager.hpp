// SPDX-License-Identifier: GPL-2.0-or-later
//
// What systemd hears of this program, and wants to hear. The only file that calls libsystemd.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace flowspec {

/// Tells the service manager ($NOTIFY_SOCKET) `lines` as sd_notify(3) has them: "READY=1\nSTATUS=...". To a
/// RELOADING=1 the time is added that systemd wants with it. Nothing happens where there is no service
/// manager; throws Error when there is one and it cannot be told.
void tell_service_manager(const std::string& lines);

/// How long the service manager waits for a "WATCHDOG=1" of this process before it ends it; none when it does
/// not watch. Say it in half of that.
std::optional<std::chrono::microseconds> watchdog_period();

} // namespace flowspec
