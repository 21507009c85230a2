// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

/// How the file `name` changes from `before` to `after`, as `diff -u` writes it and patch(1) reads it, with
/// three lines of context; empty when they are equal. `before` none: there is no such file yet. Where the two
/// have little in common, what lies between their common beginning and end is shown as replaced.
std::string unified_diff(const std::string& name, std::optional<std::string_view> before,
                         std::string_view after);

} // namespace flowspec
