// SPDX-License-Identifier: GPL-2.0-or-later
//
// A private network for a test: its own iptables, its own interfaces.
#pragma once

#include <string>

namespace flowspec::test {

/// Moves the calling thread into a new network namespace with its loopback interface up, and back when it
/// ends. iptables programs started in it take a lock of their own ($XTABLES_LOCKFILE). Throws Error when that
/// is not allowed: not root.
class NetworkNamespace {
 public:
  NetworkNamespace();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

 private:
  int outside_ = -1;
  std::string lock_;
};

} // namespace flowspec::test
