// SPDX-License-Identifier: GPL-2.0-or-later
//
// One entry as iptables rules: exactly the packets that RFC 8955 names, or nothing.
#pragma once

#include "common/decide.hpp"
#include "common/entry.hpp"
#include "common/rejected.hpp"
#include "common/rule.hpp"

#include <string>
#include <variant>
#include <vector>

namespace flowspec {

struct CompileOptions {
  std::string chain = "FLOWSPEC";   ///< ours; every further chain of ours begins with "<chain>-"
  Verdict accept = Verdict::accept; ///< of a packet that an entry lets through; return_ hands it back to the
                                    ///< caller's chain
  Stateful stateful = Stateful::default_drop;
};

struct Compiled {
  std::vector<Rule> rules;       ///< for `chain`, in this order, without anything between them
  std::vector<Chain> chains;     ///< that those rules go to
  std::vector<Rejected> remarks; ///< used, but not quite as announced
};

/// Rejected when no packet can match, or when a component or action has no rule yet that says exactly that.
std::variant<Compiled, Rejected> compile(const Entry& entry, const CompileOptions& options);

/// "flowspec <id>" and, with a sequence number that counts, " seq N": the comment of every rule of `entry`.
std::string comment_of(const Entry& entry);

/// The rule that lets packets of tracked connections pass.
Rule established_rule(const CompileOptions& options);

} // namespace flowspec
