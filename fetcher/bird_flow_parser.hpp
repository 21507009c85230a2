// SPDX-License-Identifier: GPL-2.0-or-later
//
// The words of a `flow4 { ... }` (BIRD's conf/flowspec.Y, the same in 2.0 and 3).
#pragma once

#include "fetcher/bird_flow.hpp"
#include "fetcher/bird_lexer.hpp"
#include "fetcher/bird_values.hpp"
#include "fetcher/lint_finding.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace flowspec {

struct ParsedFlow {
  std::optional<BirdFlow> flow; ///< none when BIRD refuses it
  /// misread: words that BIRD leaves out; unknown: values that are not known; refused_by_bird: why there is
  /// no flow.
  std::vector<Complaint> complaints;
  std::size_t end = 0; ///< the token behind the closing brace, or the one that BIRD refuses
};

/// True when `tokens` begin with "flow4 {" or "flow6 {".
bool begins_flow(std::span<const BirdToken> tokens);

/// Reads from "flow4" or "flow6" to the closing brace.
ParsedFlow parse_flow(std::span<const BirdToken> tokens, const BirdConstants& constants);

} // namespace flowspec
