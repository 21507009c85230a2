// SPDX-License-Identifier: GPL-2.0-or-later
//
// `flush`: what is ours goes, and only that.
#pragma once

#include "injector/sync.hpp"
#include "injector/wanted.hpp"

#include <nlohmann/json.hpp>

#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// Every table in which something of ours may be, of both families, without any of it: no chains, and no jump
/// from a chain that it may ever have been placed in.
std::vector<WantedTable> nothing_wanted(const CompileOptions& options);

/// What was removed, a line for each table; or that nothing was there. A chain of ours to which somebody
/// else's rule refers cannot go: it is named as empty.
std::string flush_text(std::span<const Changes> changes, const Ownership& ours);

/// {"tables": [{"family", "table", "rules", "chains", "jumps", "kept"}]}: all tables of `changes`; "rules"
/// counts those of our chains, "jumps" are the chains that jumped to them, "kept" are chains that stay empty.
nlohmann::ordered_json flush_json(std::span<const Changes> changes, const Ownership& ours);

} // namespace flowspec
