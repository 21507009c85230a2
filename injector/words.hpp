// SPDX-License-Identifier: GPL-2.0-or-later
//
// Numbers as people say them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace flowspec {

/// "1 route", "12 routes".
std::string counted(std::uint64_t count, std::string_view noun);

/// "350 ms", "12 s", "3 min 12 s", "2 h 5 min", "3 d 4 h": two units, none below what matters.
std::string in_words(std::chrono::milliseconds time);

/// A Unix time as "2026-11-22 14:02:11 UTC". UTC, because a sentence is read elsewhere and long after.
std::string moment(std::int64_t unix_time);

} // namespace flowspec
