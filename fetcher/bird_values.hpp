// SPDX-License-Identifier: GPL-2.0-or-later
//
// The signs, numbers and prefixes in a flow's words.
#pragma once

#include "common/prefix.hpp"
#include "fetcher/bird_lexer.hpp"
#include "fetcher/lint_finding.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowspec {

/// The value of each `define`. The tokens point into the text that they come from.
using BirdConstants = std::map<std::string, std::span<const BirdToken>, std::less<>>;

/// Reads tokens one after the other. Where a member is `false`, BIRD refuses what comes next, and the last
/// complaint says why.
class BirdValues {
 public:
  BirdValues(std::span<const BirdToken> tokens, const BirdConstants& constants,
             std::vector<Complaint>& complaints)
      : tokens_(tokens), constants_(constants), complaints_(complaints) {}

  std::size_t position() const { return position_; }
  /// Behind the last one there are only `end`s.
  BirdToken peek(std::size_t ahead = 0) const;
  void skip(std::size_t count) { position_ += count; }
  /// True when the next token is the word or sign; then it is taken.
  bool accept(std::string_view wanted);
  bool expect(std::string_view wanted);

  void complain(LintKind kind, std::string reason) { complaints_.push_back({kind, std::move(reason)}); }
  bool refuse(std::string reason);
  /// Refuses the next token.
  bool unexpected();

  /// A number up to `max`, a constant or an expression; `value` stays empty, with a complaint, when it cannot
  /// be told.
  bool number(std::uint32_t max, std::optional<std::uint32_t>& value);
  /// A prefix, in IPv6 with an offset behind it, or a constant.
  bool prefix(Family family, std::optional<Prefix>& prefix);

 private:
  bool literal_prefix(Family family, std::span<const BirdToken> tokens, std::optional<Prefix>& prefix);
  bool offset(std::optional<Prefix>& prefix);
  /// A name or an expression in brackets: the tokens that it stands for, or none, with a complaint.
  bool constant(std::span<const BirdToken>& meant);
  /// The value of a constant; none, with a complaint, when there is no such.
  std::span<const BirdToken> defined(std::string_view name);
  void not_worked_out(std::string_view what, const BirdToken& token);

  std::span<const BirdToken> tokens_;
  const BirdConstants& constants_;
  std::vector<Complaint>& complaints_;
  std::size_t position_ = 0;
};

} // namespace flowspec
