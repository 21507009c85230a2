// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/service_manager.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>

namespace flowspec {

namespace {

/// systemd takes a RELOADING=1 for the answer to its own request only when it is not older than that, to the
/// microsecond.
std::string with_time(const std::string& lines) {
  if (lines.find("RELOADING=1") == std::string::npos)
    return lines;
  const auto now = std::chrono::steady_clock::now().time_since_epoch(); // CLOCK_MONOTONIC
  return fmt::format("{}\nMONOTONIC_USEC={}", lines,
                     std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

} // namespace

void tell_service_manager(const std::string& lines) {
  const int told = sd_notify(0, with_time(lines).c_str());
  if (told < 0) {
    const char* socket = std::getenv("NOTIFY_SOCKET");
    throw Error(
        with_errno(fmt::format("tell the service manager at {}", socket == nullptr ? "" : socket), -told));
  }
}

std::optional<std::chrono::microseconds> watchdog_period() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0)
    return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

} // namespace flowspec
