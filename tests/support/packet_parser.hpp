// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bytes of an IP packet as what the reference matcher sees: after the RFCs, and not after what the kernel
// does.
#pragma once

#include "common/packet.hpp"

#include <cstdint>
#include <span>

namespace flowspec::test {

/// What `bytes`, one whole IP packet, are. Of several fragment headers the first one tells which fragment
/// this is, and none may have an offset for the transport header to be here. Throws std::invalid_argument
/// when the IP header is not whole, or its length is not that of `bytes`.
Packet parse(std::span<const std::uint8_t> bytes);

} // namespace flowspec::test
