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
/// for an opaque target, a chain's name that does not fit, and a word of --reject-with that `family` does not
/// have.
ExtensionBytes encode_target(const Target& target, Family family);

/// What libiptc calls "" or a verdict of ours; none for every other name.
std::optional<Target> decode_standard_target(std::string_view name);

/// An extension's target. Never fails: what is not REJECT with a word that we know is an OpaqueTarget.
Target decode_extension_target(std::string_view name, std::uint8_t revision, std::span<const std::byte> data,
                               Family family);

} // namespace flowspec::xtables
