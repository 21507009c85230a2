// SPDX-License-Identifier: GPL-2.0-or-later
//
// Entries and findings as both tools print them with --json.
#pragma once

#include "common/entry.hpp"
#include "common/rejected.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace flowspec {

/// {"id", "family", "sequence", "match": {component: text}, "actions": {...}, "route_targets", "communities",
/// "age"}; what is absent is left out.
nlohmann::ordered_json to_json(const Entry& entry);
/// {"subject", "reason", "detail"}.
nlohmann::ordered_json to_json(const Rejected& rejected);

template <class Value>
nlohmann::ordered_json to_json(const std::vector<Value>& values) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Value& value : values)
    list.push_back(to_json(value));
  return list;
}

/// The document as text; bytes that are not UTF-8 (a rule's comment may hold any) are replaced.
std::string dump(const nlohmann::ordered_json& document);

} // namespace flowspec
