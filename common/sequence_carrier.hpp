// SPDX-License-Identifier: GPL-2.0-or-later
//
// Flowspec has no sequence numbers of its own; both tools agree on the community that carries one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

struct SequenceCarrier {
  enum class Kind : std::uint8_t {
    route_target, ///< the N of a route target ASN:N whose two-octet ASN is reserved for it: 32 bits
    marking,      ///< the traffic-marking community, as in the paper; FRR shows its last 8 bits
    none,
  };
  Kind kind = Kind::route_target;
  std::uint16_t asn = 65535;

  /// The largest number it can carry.
  std::uint64_t largest() const;
  bool operator==(const SequenceCarrier&) const = default;
};

/// "rt:65535", "marking" or "none"; nothing for any other text.
std::optional<SequenceCarrier> parse_sequence_carrier(std::string_view text);
std::string to_string(const SequenceCarrier& carrier);

} // namespace flowspec
