// SPDX-License-Identifier: GPL-2.0-or-later
//
// The part of xtables_codec that knows the structure of each target.
#pragma once

#include "common/rule.hpp"
#include "common/xtables_bytes.hpp"

#include <optional>
#include <string>

namespace flowspec::xtables {

/// A verdict or a chain is its name, for which libiptc puts the kernel's number. Throws std::invalid_argument
/// for an opaque target, a chain's name that does not fit, and a value that no structure of the kernel's, or
/// no word of iptables', can hold.
void append_target(const Target& target, Family family, Writer& to);

/// The same by itself.
ExtensionBytes encode_target(const Target& target, Family family);

/// True for a target that a module of the kernel's carries out, which may be missing there.
bool is_extension(const Target& target);

/// What libiptc calls "" or a verdict of ours; none for every other name.
std::optional<Target> decode_standard_target(std::string_view name);

/// An extension's target. Never fails: whatever is not a structure that says the same as one of our targets
/// is an OpaqueTarget.
Target decode_extension_target(std::string_view name, std::uint8_t revision, std::span<const std::byte> data,
                               Family family);

} // namespace flowspec::xtables
