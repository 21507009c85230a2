// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is wrong with a route.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace flowspec {

enum class LintKind : std::uint8_t {
  reset,           ///< FRR answers the route with a NOTIFICATION: the session ends, all routes are withdrawn
  lost,            ///< it does not arrive beside another of the routes
  misread,         ///< what arrives, or what FRR shows, can be taken for something else than is written
  refused_by_bird, ///< BIRD does not take the configuration
  unknown,         ///< it depends on something that was not read
};

/// "reset", "lost", "misread", "refused-by-bird", "unknown".
std::string_view name(LintKind kind);

/// One thing that is wrong.
struct Complaint {
  LintKind kind{};
  std::string reason;

  bool operator==(const Complaint&) const = default;
};

/// A complaint, and about what.
struct Finding {
  std::string file;
  std::size_t line = 0;
  Complaint complaint;
  std::string route; ///< in one line

  bool operator==(const Finding&) const = default;
};

} // namespace flowspec
