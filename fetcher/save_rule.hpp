// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/rule.hpp"
#include "fetcher/save_line.hpp"

#include <functional>
#include <span>
#include <string_view>

namespace flowspec {

/// The rule in the words behind "-A CHAIN". `is_chain` tells which targets are chains. Never fails: a rule
/// with a part that no member of Rule holds comes back `unreadable`, with the first such part as the reason
/// and the rest of it read as far as possible.
Rule read_rule(std::span<const SaveWord> words, Family family,
               const std::function<bool(std::string_view)>& is_chain);

} // namespace flowspec
