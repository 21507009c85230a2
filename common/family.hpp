// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

namespace flowspec {

enum class Family : std::uint8_t { ipv4, ipv6 };

/// Bits in an address of `family`: 32 or 128.
constexpr unsigned address_bits(Family family) {
  return family == Family::ipv4 ? 32 : 128;
}

/// "ipv4" or "ipv6", as FRR writes it in its commands.
constexpr std::string_view name(Family family) {
  return family == Family::ipv4 ? "ipv4" : "ipv6";
}

} // namespace flowspec
