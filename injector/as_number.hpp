// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace flowspec {

/// Reads "65002", or "1.10" as FRR writes it after `bgp asnotation dot` (RFC 5396): 1 * 65536 + 10. None when
/// `text` is anything else.
std::optional<std::uint32_t> parse_as_number(std::string_view text);

/// The member `key` of an object, a number or such a text; 0 when there is none.
std::uint32_t as_number(const nlohmann::json& object, const char* key);

} // namespace flowspec
