// SPDX-License-Identifier: GPL-2.0-or-later
//
// What this network namespace is itself, by netlink: the prefixes of its addresses, and of routes that lead
// straight to a link. What lies behind a gateway is somebody else's.
#pragma once

#include "common/descriptor.hpp"
#include "common/prefix.hpp"

#include <vector>

namespace flowspec {

/// Sorted, each once; without loopback, link-local and multicast prefixes and without default routes. Throws
/// Error when the kernel cannot be asked.
///
/// Of an address the prefix on its link; of a point-to-point one, itself and the peer's. Of the routes of the
/// tables main and local, those to the machine itself and those with a hop that is a link and no gateway;
/// other tables are for packets that somebody's rule picks out, and may lead whole networks to a proxy here.
/// A next-hop object that the kernel does not spell out (net.ipv4.nexthop_compat_mode=0) is taken for a
/// gateway.
std::vector<Prefix> own_prefixes();

/// Tells whether addresses, routes or links may have changed, without reading them all. It is of the network
/// namespace where it was made. To miss nothing, ask it before own_prefixes() is called.
class AddressMonitor {
 public:
  /// Throws Error.
  AddressMonitor();
  /// True when something was said since the last call, or may have been lost; true the first time. Routes by
  /// gateways do not count, so that those of BGP may come and go, unless they replaced another one that was
  /// among `known`, what own_prefixes() gave last; null: any of those counts. Throws Error.
  bool changed(const std::vector<Prefix>* known = nullptr);

 private:
  Descriptor socket_;
  bool untold_ = true; ///< something may have changed of which no call has told
};

} // namespace flowspec
