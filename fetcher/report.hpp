// SPDX-License-Identifier: GPL-2.0-or-later
//
// What was published and what was not, for a person and for a machine.
#pragma once

#include "fetcher/publication.hpp"

#include <string>

namespace flowspec {

/// One line for each rule that cannot be published and each remark; printable ASCII with a line break behind
/// each.
std::string report(const Publication& publication);

/// One JSON object: "entries" as entry_json.hpp has them with the "rule" that each comes from, "rejected"
/// with the "gap" that each leaves, and "remarks".
std::string report_json(const Publication& publication);

} // namespace flowspec
