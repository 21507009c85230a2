// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/xtables_lock.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace flowspec {

std::string XtablesLock::path() {
  const char* named = std::getenv("XTABLES_LOCKFILE");
  return named && *named ? named : "/run/xtables.lock";
}

XtablesLock::XtablesLock(std::chrono::milliseconds wait)
    : FileLock(
          path(), wait,
          fmt::format(" that changes iptables (iptables, docker, kube-proxy, a second injector; fuser -v {} "
                      "names it): stop it, or wait longer (--wait)",
                      path())) {}

} // namespace flowspec
