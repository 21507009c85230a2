// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an entry's components ask of a packet, as iptables matches. Readable ones first; u32 for what they
// cannot say.
#pragma once

#include "common/entry.hpp"
#include "common/rule.hpp"

#include <string>
#include <variant>
#include <vector>

namespace flowspec {

/// A rule without target: what has to hold.
using Condition = Rule;

/// The packets of a match. Without `meet` and `leave`: those that meet some condition of `enter`. Else a
/// chain of its own looks at them: they meet some of `enter`, none of `leave` (looked at first), and, unless
/// that is empty, some of `meet`.
struct Selection {
  std::vector<Condition> enter;
  std::vector<Condition> leave;
  std::vector<Condition> meet;

  bool needs_chain() const { return !leave.empty() || !meet.empty(); }
  std::size_t size() const { return enter.size() + leave.size() + meet.size(); }
};

/// No rules say exactly this.
struct Unsayable {
  std::string why;
};

enum class Shape {
  flat_or_chain, ///< whichever is smaller
  flat,          ///< never a chain
};

/// Exactly the packets for which examine() says yes; those for which it says unreadable are discarded by the
/// kernel when they meet these rules. A chain keeps the number of rules at the sum of what the components
/// take, where the conditions would be their product. Requires a match that some packet can match.
std::variant<Selection, Unsayable> select(const Components& match, Shape shape);

/// True when select() with Shape::flat gives a selection.
bool flat_is_sayable(const Components& match);

} // namespace flowspec
