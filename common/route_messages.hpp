// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kernel's messages about addresses and routes (rtnetlink), as far as they say what this machine is
// itself.
#pragma once

#include "common/descriptor.hpp"
#include "common/error.hpp"
#include "common/prefix.hpp"

#include <linux/netlink.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace flowspec {

/// The Error of whoever asked for addresses and routes in vain.
Error route_error(int code);

/// Speaks with the kernel of the network namespace where it is made; `groups` are those of RTMGRP_*, `flags`
/// of socket(2). Throws Error.
Descriptor route_socket(int flags, std::uint32_t groups);

/// What the kernel says at once.
class RouteDatagram {
 public:
  /// False, with errno, when there is none. Throws Error for one that is longer than any should be.
  bool receive(const Descriptor& from);
  /// True when `wanted` is of some message; those behind are not shown to it. Throws Error when the last
  /// message is cut off.
  bool any(const std::function<bool(const nlmsghdr&)>& wanted) const;

 private:
  alignas(nlmsghdr) std::array<char, 32768> bytes_{}; // more than the kernel puts into one
  int size_ = 0;
};

/// The error that a message of type NLMSG_ERROR or NLMSG_DONE carries; 0: none. Throws Error.
int carried_error(const nlmsghdr& message);

/// Of RTM_NEWADDR and RTM_DELADDR: the prefix on the link, and the address itself; where there is a peer, it
/// is the peer's prefix. A length of 0 leaves the address. None for another family than IPv4 and IPv6. Throws
/// Error when the message is none such.
std::vector<Prefix> address_prefixes(const nlmsghdr& message);

struct KernelRoute {
  Prefix prefix;
  bool own = false; ///< to the machine itself, or some hop of it is a link without a gateway

  bool operator==(const KernelRoute&) const = default;
};

/// Of RTM_NEWROUTE and RTM_DELROUTE: a route of tables main or local that is not a default route. Throws
/// Error when the message is none such.
std::optional<KernelRoute> kernel_route(const nlmsghdr& message);

} // namespace flowspec
