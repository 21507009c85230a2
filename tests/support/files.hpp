// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace flowspec {

/// The file `name` below tests/data. Throws when it is not there.
std::string test_data(const std::string& name);

/// True when `text` is what the golden file `name` below tests/data/golden holds. With FLOWSPEC_BLESS=1 in
/// the environment the file is made to hold it first: then look at `git diff`.
bool is_golden(const std::string& name, const std::string& text);

} // namespace flowspec
