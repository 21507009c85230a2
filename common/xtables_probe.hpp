// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/edit.hpp"

#include <string>
#include <vector>

namespace flowspec {

/// Which matches and targets of the rules that `edits` insert the running kernel does not have, in words:
/// "match hashlimit revision 3, target REJECT revision 0". Empty when it has all of them, or does not say.
/// Asking loads their modules.
std::string missing_extensions(const std::vector<Edit>& edits, Family family);

} // namespace flowspec
