// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rule as a string of some 60 bytes, where a Rule takes over 500: of 100,000 rules several lists are at
// hand in a pass.
#pragma once

#include "common/rule.hpp"

#include <string>
#include <string_view>

namespace flowspec {

/// Appends the bytes of `rule` to `to`. Equal rules have equal bytes, and only they. The bytes are for this
/// process: they are in no file.
void pack(const Rule& rule, std::string& to);

/// The rule of pack()'s bytes. Requires that they are such, whole.
Rule unpack(std::string_view bytes);

/// One rule by itself.
class PackedRule {
 public:
  PackedRule() : PackedRule(Rule()) {}
  PackedRule(const Rule& rule) { pack(rule, bytes_); } // NOLINT(google-explicit-constructor): the same value
  explicit PackedRule(std::string_view bytes) : bytes_(bytes) {}

  Rule rule() const { return unpack(bytes_); }
  std::string_view bytes() const { return bytes_; }
  bool operator==(const PackedRule&) const = default;

 private:
  std::string bytes_;
};

} // namespace flowspec
