// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/report.hpp"

#include "common/entry_json.hpp"
#include "common/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flowspec {

namespace {

constexpr std::array grades{Grade::exact, Grade::stateful, Grade::unsupported, Grade::not_needed};
constexpr std::string_view columns = "{:<24}  {:>6}  {:<7}  {}\n";

bool worth_a_word(const RuleReport& rule) {
  return rule.grade == Grade::unsupported || !rule.notes.empty();
}

std::string lines_of(const RuleReport& rule) {
  std::string text = fmt::format(fmt::runtime(columns), name(rule.grade), rule.routes,
                                 rule.gap == Gap::none ? "" : name(rule.gap), printable(rule.rule));
  for (const Note& note : rule.notes)
    text += fmt::format(fmt::runtime(columns), "", "", "",
                        printable(fmt::format("{}: {}", name(note.reason), note.detail)));
  return text;
}

} // namespace

std::string report(std::span<const Publication> publications, bool every) {
  std::string lines;
  std::array<std::size_t, grades.size()> counts{};
  std::size_t routes = 0;
  for (const Publication& publication : publications) {
    routes += publication.routes.size();
    for (const RuleReport& rule : publication.rules) {
      ++counts.at(static_cast<std::size_t>(std::ranges::find(grades, rule.grade) - grades.begin()));
      if (every || worth_a_word(rule))
        lines += lines_of(rule);
    }
  }
  if (lines.empty() && !every)
    return {};
  std::string text = fmt::format(fmt::runtime(columns), "GRADE", "ROUTES", "GAP", "RULE") + lines;
  for (std::size_t grade = 0; grade < grades.size(); ++grade)
    text += fmt::format("{}{} {}", grade == 0 ? "rules: " : ", ", counts.at(grade), name(grades.at(grade)));
  return text + fmt::format("; {} routes\n", routes);
}

std::string report_json(std::span<const Publication> publications) {
  using Json = nlohmann::ordered_json;
  Json entries = Json::array();
  Json rules = Json::array();
  for (const Publication& publication : publications) {
    for (const Route& route : publication.routes) {
      entries.push_back(to_json(route.entry));
      entries.back()["rule"] = route.origin;
    }
    for (const RuleReport& rule : publication.rules) {
      Json notes = Json::array();
      for (const Note& note : rule.notes)
        notes.push_back({{"reason", name(note.reason)}, {"detail", note.detail}});
      rules.push_back({{"family", name(publication.family)},
                       {"chain", rule.chain},
                       {"index", rule.index + 1},
                       {"rule", rule.rule},
                       {"grade", name(rule.grade)},
                       {"routes", rule.routes},
                       {"notes", std::move(notes)}});
      if (rule.gap != Gap::none)
        rules.back()["gap"] = name(rule.gap);
    }
  }
  return dump({{"entries", std::move(entries)}, {"rules", std::move(rules)}});
}

} // namespace flowspec
