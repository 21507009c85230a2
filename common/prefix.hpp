// SPDX-License-Identifier: GPL-2.0-or-later
//
// IP addresses and prefixes of both families: RFC 8955 section 4.2.2.1 and, for the offset, RFC 8956
// section 3.1.
#pragma once

#include "common/family.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

/// An IP address in network byte order. IPv4 uses the first four bytes; the rest are 0.
struct Address {
  Family family = Family::ipv4;
  std::array<std::uint8_t, 16> bytes{};

  /// The bit at `index`, counted from the most significant one; index < address_bits(family).
  bool bit(unsigned index) const { return (bytes[index / 8] >> (7 - index % 8) & 1) != 0; }

  auto operator<=>(const Address&) const = default;
};

/// Reads dotted-quad or IPv6 text, nothing else around it; none when it is not an address.
std::optional<Address> parse_address(std::string_view text);
std::string to_string(const Address& address);

/// All addresses that share the bits [offset, length) of `address`. The other bits of `address` are always 0,
/// so that equal sets of addresses compare equal. `offset` is 0 except for RFC 8956 patterns.
struct Prefix {
  Address address;
  std::uint8_t length = 0;
  std::uint8_t offset = 0;

  /// Clears the bits outside [offset, length). Requires offset <= length <= address_bits(address.family).
  static Prefix masked(const Address& address, unsigned length, unsigned offset = 0);
  /// Every address of `family`.
  static Prefix any(Family family);

  Family family() const { return address.family; }
  bool contains(const Address& other) const;
  /// True when every address of `other` is one of this prefix; both offsets must be 0.
  bool contains(const Prefix& other) const;

  auto operator<=>(const Prefix&) const = default;
};

/// Reads "ADDRESS/LENGTH"; host bits are cleared. None when the text is anything else.
std::optional<Prefix> parse_prefix(std::string_view text);
/// "ADDRESS/LENGTH", and "ADDRESS/LENGTH/off OFFSET", as FRR prints it, when the offset is not 0.
std::string to_string(const Prefix& prefix);

} // namespace flowspec
