// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string>

namespace flowspec {

/// The lock that iptables-legacy takes around a read and its commit: an exclusive flock on /run/xtables.lock,
/// or on $XTABLES_LOCKFILE as iptables itself has it. Held while the object lives; the file stays.
class XtablesLock {
 public:
  /// Waits up to `wait` for it. Throws Error when the file cannot be opened or somebody else holds it for
  /// longer.
  explicit XtablesLock(std::chrono::milliseconds wait);
  ~XtablesLock();
  XtablesLock(const XtablesLock&) = delete;
  XtablesLock& operator=(const XtablesLock&) = delete;

  static std::string path();

 private:
  int fd_ = -1;
};

} // namespace flowspec
