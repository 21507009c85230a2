// SPDX-License-Identifier: GPL-2.0-or-later
//
// The options of one rule: "! --dport 80:90" is one, with one value.
#pragma once

#include "fetcher/save_line.hpp"

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// A part of a rule that no member of Rule holds, and why. Never leaves the reader of that rule.
class UnreadablePart : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct RuleOption {
  std::string name; ///< as iptables-save has it: "-p" for "--protocol"
  bool negated = false;
  std::vector<std::string> values;
  bool known = false; ///< false: the number of its values was guessed

  bool operator==(const RuleOption&) const = default;

  /// The first value. Throws UnreadablePart when the line ended before it.
  const std::string& value() const;
  /// Throws UnreadablePart when it is negated.
  void must_be_plain() const;
};

/// The options in `words`, in order. A word that belongs to none comes as an option of that name that is not
/// known.
std::vector<RuleOption> split_options(std::span<const SaveWord> words);

/// The name of the match that `option` belongs to when a rule did not load it by -m, as iptables itself finds
/// it from the protocol: "tcp" for --dport after -p tcp. Empty when there is none.
std::string_view implied_match(const RuleOption& option, std::uint8_t protocol);

/// True when `match`, a name behind -m, has an option of that name.
bool has_option(std::string_view match, std::string_view option);

/// `text` as a decimal or, with 0x, hexadecimal number of at most `max`. Throws UnreadablePart, naming
/// `what`.
std::uint64_t number(std::string_view text, std::uint64_t max, std::string_view what);

/// `text` with the letters of ASCII as capitals: iptables takes its own words in either.
std::string upper(std::string_view text);

/// `text` cut at every `separator`.
std::vector<std::string_view> split(std::string_view text, char separator);

} // namespace flowspec
