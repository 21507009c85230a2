// SPDX-License-Identifier: GPL-2.0-or-later
//
// The flowspec routes in BIRD's configuration, whatever else is in it.
#pragma once

#include "fetcher/bird_flow_parser.hpp"
#include "fetcher/bird_lexer.hpp"
#include "fetcher/bird_values.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace flowspec {

/// `route flow4 { ... } [{ ... }];`, or `route NAME` of a constant.
struct BirdRoute {
  std::size_t line = 0;
  std::string text; ///< to the end of the match, in one line and without comments
  ParsedFlow parsed;
};

/// What is done with each; both are called in the order of the text.
struct BirdStatements {
  std::function<void(BirdRoute route)> route;
  std::function<void(std::string_view path, std::size_t line)> include;
};

/// Walks through the tokens of one file. Constants are known from their definition on, and stay in
/// `constants`, which points into the tokens. Throws Error, naming `file` and the line, when the text ends
/// inside of a route.
void read_statements(std::span<const BirdToken> tokens, std::string_view file, BirdConstants& constants,
                     const BirdStatements& statements);

} // namespace flowspec
