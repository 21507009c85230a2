// SPDX-License-Identifier: GPL-2.0-or-later
//
// What became of one packet: as it should, and as it did.
#pragma once

#include "common/decide.hpp"
#include "common/rule.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flowspec::oracle {

struct Fate {
  enum class Exit { none, by_default, by_mark };
  Exit exit = Exit::none;
  std::optional<std::uint8_t> dscp;  ///< with which it came out
  std::vector<std::string> verdicts; ///< "ACCEPT COMMENT" or "DROP COMMENT" of each rule that counted it
  std::vector<std::string> samples;  ///< the comment of each NFLOG that counted it
  bool in_mangle = false;            ///< dropped there, before table filter saw it
  std::string trouble;               ///< what should never happen

  bool operator==(const Fate&) const = default;
};

/// "dropped by DROP flowspec 0123456789abcdef", "out by the marked exit with DSCP 46, ...".
std::string to_string(const Fate& fate);

/// True when `seen` is what `wanted` says. What is to be dropped may be dropped early, in table mangle, and
/// then no rule counts it.
bool agree(const Fate& wanted, const Fate& seen);

/// `accept` is what the rules do with what they let through. Then RETURN has no comment to be known by.
Fate expected(const Decision& decision, const Packet& packet, Verdict accept);

} // namespace flowspec::oracle
