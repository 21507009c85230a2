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

/// pack() by parts, for who has a rule in another form: the head, how many matches there are, each of them,
/// the target.
class RulePacker {
 public:
  explicit RulePacker(std::string& to) : to_(to) {}

  void head(const Rule& rule); ///< all but its matches and target
  void matches(std::size_t count);
  void match(const TcpMatch& match);
  void match(const UdpMatch& match);
  void comment(std::string_view text);
  void target(Verdict verdict);
  void jump(std::string_view chain, bool go_to);

 private:
  std::string& to_;
};

} // namespace flowspec
