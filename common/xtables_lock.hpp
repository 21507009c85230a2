// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/file_lock.hpp"

#include <chrono>
#include <string>

namespace flowspec {

/// The lock that iptables-legacy takes around a read and its commit: on /run/xtables.lock, or on
/// $XTABLES_LOCKFILE as iptables itself has it.
class XtablesLock : public FileLock {
 public:
  explicit XtablesLock(std::chrono::milliseconds wait);

  static std::string path();
};

} // namespace flowspec
