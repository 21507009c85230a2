// SPDX-License-Identifier: GPL-2.0-or-later
//
// How long ago something was, in FRR's words and in ours.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

/// "00:12:03", "1d02h03m", "01w2d03h", "01y02w3d": what FRR prints as a route's or a session's time
/// (peer_uptime in bgpd.c), to the precision that it has; a year is 365 days. None for "never" and for
/// anything else.
std::optional<std::chrono::seconds> parse_age(std::string_view text);

/// The same words for a length of time, which is not negative.
std::string age_text(std::chrono::seconds age);

} // namespace flowspec
