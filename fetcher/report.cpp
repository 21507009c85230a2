// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/report.hpp"

#include "common/entry_json.hpp"
#include "common/printable.hpp"

namespace flowspec {

std::string report(const Publication& publication) {
  std::string text;
  for (const Problem& problem : publication.problems)
    text += printable(to_string(problem.rejected)) + '\n';
  for (const Rejected& remark : publication.remarks)
    text += printable(to_string(remark)) + '\n';
  return text;
}

std::string report_json(const Publication& publication) {
  using Json = nlohmann::ordered_json;
  Json entries = Json::array();
  for (const Route& route : publication.routes) {
    entries.push_back(to_json(route.entry));
    entries.back()["rule"] = route.origin;
  }
  Json rejected = Json::array();
  for (const Problem& problem : publication.problems) {
    rejected.push_back(to_json(problem.rejected));
    rejected.back()["gap"] = name(problem.gap);
  }
  return dump({{"entries", std::move(entries)},
               {"rejected", std::move(rejected)},
               {"remarks", to_json(publication.remarks)}});
}

} // namespace flowspec
