// SPDX-License-Identifier: GPL-2.0-or-later
//
// The part of xtables_codec that knows the structure of each match.
#pragma once

#include "common/rule.hpp"
#include "common/xtables_bytes.hpp"

namespace flowspec::xtables {

/// Throws std::invalid_argument for an opaque match and for a value that no structure of the kernel's, or no
/// word of iptables', can hold.
void append_match(const Match& match, Family family, Writer& to);

/// The same by itself.
ExtensionBytes encode_match(const Match& match, Family family);

/// Never fails: whatever is not a structure that says the same as one of our matches is an OpaqueMatch.
Match decode_match(std::string_view name, std::uint8_t revision, std::span<const std::byte> data,
                   Family family);

} // namespace flowspec::xtables
