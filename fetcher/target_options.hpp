// SPDX-License-Identifier: GPL-2.0-or-later
//
// The options of a target that is no chain and no verdict, as iptables-save prints them.
#pragma once

#include "common/rule.hpp"
#include "fetcher/rule_option.hpp"

#include <span>
#include <string_view>

namespace flowspec {

/// Puts what `-j NAME` and the options behind it make into `target`. Throws UnreadablePart, naming the
/// option, for whatever no member of it holds; then `target` is one of that name all the same.
void read_target(Target& target, std::string_view name, std::span<const RuleOption> options, Family family);

} // namespace flowspec
