// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace flowspec {

/// `text` in printable ASCII, every other byte as \xNN: one line, whatever was in it. For what comes from a
/// rule and goes to a terminal or into a comment of somebody's configuration.
std::string printable(std::string_view text);

/// `text` with its control characters as \xNN and everything else, UTF-8 too, as it is: one line for a
/// terminal.
std::string one_line(std::string_view text);

} // namespace flowspec
