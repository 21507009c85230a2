// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace flowspec {

/// The number of an IP protocol by the name that iptables-save prints for it: iptables' own, then those of
/// Debian's /etc/protocols, held here so that a text means the same on every machine. "all" is 0.
std::optional<std::uint8_t> protocol_number(std::string_view name);

} // namespace flowspec
