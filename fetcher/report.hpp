// SPDX-License-Identifier: GPL-2.0-or-later
//
// What was published and what was not, for a person and for a machine.
#pragma once

#include "fetcher/publication.hpp"

#include <span>
#include <string>

namespace flowspec {

/// A table with each rule that is unsupported or has a note, and its notes below it; with `every` all rules.
/// The last line counts the grades. Printable ASCII; empty when every rule is exact and has no note, unless
/// `every`.
std::string report(std::span<const Publication> publications, bool every = false);

/// One JSON object: "entries" as entry_json.hpp has them with the "rule" that each comes from, and "rules"
/// with the "grade" of each, its "routes", its "notes" and, when it is unsupported, the "gap" that it leaves.
std::string report_json(std::span<const Publication> publications);

} // namespace flowspec
