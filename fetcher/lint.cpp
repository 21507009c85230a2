// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/lint.hpp"

#include "common/entry_json.hpp"
#include "common/error.hpp"
#include "common/printable.hpp"
#include "fetcher/bird_configuration.hpp"
#include "fetcher/generate.hpp"
#include "fetcher/lint_finding.hpp"
#include "fetcher/lint_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <utility>

namespace flowspec {

namespace {

/// What is wrong with each route by itself, and beside the others.
std::vector<Finding> find_all(const std::vector<ConfiguredRoute>& routes) {
  std::vector<Announced> announced;
  announced.reserve(routes.size());
  for (const auto& [file, route] : routes)
    announced.push_back({fmt::format("{}:{}", file, route.line), route.parsed.flow});
  const std::vector<std::vector<Complaint>> complaints = complaints_of_frr(announced);

  std::vector<Finding> findings;
  for (std::size_t index = 0; index < routes.size(); ++index) {
    const BirdRoute& route = routes[index].route;
    const auto add = [&](const std::vector<Complaint>& all) {
      for (const Complaint& complaint : all)
        findings.push_back({routes[index].file, route.line, complaint, printable(route.text)});
    };
    add(route.parsed.complaints);
    add(complaints[index]);
  }
  return findings;
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& [file, line, complaint, route] : findings)
    text += one_line(
                fmt::format("{}:{}: {}: {}: {}", file, line, name(complaint.kind), complaint.reason, route)) +
            '\n';
  return text;
}

std::string json_of(const std::vector<Finding>& findings, const BirdConfiguration& configuration) {
  using Json = nlohmann::ordered_json;
  Json found = Json::array();
  for (const auto& [file, line, complaint, route] : findings)
    found.push_back({{"file", file},
                     {"line", line},
                     {"kind", name(complaint.kind)},
                     {"reason", printable(complaint.reason)},
                     {"route", route}});
  Json not_read = Json::array();
  for (const NotRead& one : configuration.not_read)
    not_read.push_back(
        {{"file", one.file}, {"line", one.line}, {"include", one.include}, {"reason", one.reason}});
  return dump({{"findings", std::move(found)},
               {"routes", configuration.routes.size()},
               {"not_read", std::move(not_read)}});
}

/// "12 routes, 3 findings (2 reset, 1 lost)"
std::string summary(const std::vector<Finding>& findings, std::size_t routes) {
  std::string kinds;
  for (const LintKind kind :
       {LintKind::reset, LintKind::lost, LintKind::misread, LintKind::refused_by_bird, LintKind::unknown}) {
    const auto count = std::ranges::count_if(
        findings, [kind](const Finding& finding) { return finding.complaint.kind == kind; });
    if (count != 0)
      kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, name(kind));
  }
  return fmt::format("{} route{}, {} finding{}{}", routes, routes == 1 ? "" : "s", findings.size(),
                     findings.size() == 1 ? "" : "s", kinds.empty() ? "" : " (" + kinds + ")");
}

} // namespace

int lint(const LintOptions& options, const std::function<std::string(const std::string& path)>& read_file,
         std::ostream& out, std::ostream& err) {
  const BirdConfiguration configuration = read_configuration(options.files, read_file);
  const std::vector<Finding> findings = find_all(configuration.routes);
  out << (options.json ? json_of(findings, configuration) : text_of(findings));
  if (!out.flush())
    throw Error("standard output: cannot write");
  for (const NotRead& one : configuration.not_read)
    err << one_line(fmt::format("{}:{}: include \"{}\" was not read: {}", one.file, one.line, one.include,
                                one.reason))
        << '\n';
  err << summary(findings, configuration.routes.size()) << '\n';
  return findings.empty() ? exit_code::done : exit_code::failed;
}

} // namespace flowspec
