// SPDX-License-Identifier: GPL-2.0-or-later
//
// A status for people and for machines.
#pragma once

#include "injector/status.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace flowspec {

/// What is to be known at a glance first, then for each family its peers and its entries, then the routes
/// without rules. Large numbers as iptables -v has them. Every line ends in a newline and
/// holds nothing that a terminal would obey but, when `coloured`, the colours of what needs a look.
std::string status_text(const Status& status, bool coloured);

/// In status_json.cpp. All of it, numbers in full and times in seconds: {"chain", "now", "last_pass",
/// "last_success", "last_failure", "not_known", "summary", "families", "tables", "entries", "rejected",
/// "notes", "sums"}. Those are always there, null where there is nothing to say.
nlohmann::ordered_json status_json(const Status& status);

} // namespace flowspec
