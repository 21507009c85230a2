// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the tests of the compiler share: matches in few words, and their rules as text.
#pragma once

#include "common/rule_text.hpp"
#include "injector/compile.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flowspec::test {

inline Components ipv4(const char* destination = nullptr) {
  Components match;
  if (destination != nullptr)
    match.destination = parse_prefix(destination);
  return match;
}

inline ValueSet ports(std::vector<Interval> intervals) {
  return {domain::port, std::move(intervals)};
}
inline ValueSet octets(std::vector<Interval> intervals) {
  return {255, std::move(intervals)};
}

inline Entry with(Components match, std::optional<double> rate = 0) {
  Entry entry;
  entry.match = std::move(match);
  entry.actions.rate = rate;
  return entry;
}

/// `-m comment --comment "flowspec ID"` as "#", so that the rows below read.
inline std::string shortened(std::string text, const Entry& entry) {
  const std::string comment = "-m comment --comment \"" + comment_of(entry) + "\"";
  for (std::size_t at; (at = text.find(comment)) != std::string::npos;)
    text.replace(at, comment.size(), "#");
  return text;
}

/// The rules of an entry, a line each, its own chain behind them; or the reason why there are none.
inline std::string compiled(const Entry& entry, const CompileOptions& options = {}) {
  const auto result = compile(entry, options);
  if (const auto* rejected = std::get_if<Rejected>(&result))
    return std::string(name(rejected->reason)) + "\n";
  std::string text;
  const auto& rules = std::get<Compiled>(result);
  for (const Rule& rule : rules.rules)
    text += to_string(rule, entry.match.family) + "\n";
  for (const Chain& chain : rules.chains)
    for (const Rule& rule : chain.rules)
      text += "[" + chain.name + "] " + to_string(rule, entry.match.family) + "\n";
  return shortened(text, entry);
}

inline std::string id(const Entry& entry) {
  return stable_id(entry.match);
}

} // namespace flowspec::test
