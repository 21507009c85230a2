// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry_json.hpp"
#include "injector/explain_report.hpp"
#include "injector/pass.hpp"
#include "injector/world/commands.hpp"
#include "injector/world/pass_world.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

std::optional<Prefix> protection(const Question& question, const std::vector<Prefix>& prefixes) {
  for (const Prefix& prefix : prefixes)
    if (prefix.contains(question.source) || prefix.contains(question.destination))
      return prefix;
  return std::nullopt;
}

std::vector<HeldRule> held_rules(const Pass& pass, const Entry& entry) {
  std::vector<HeldRule> rules;
  for (const WantedTable& table : pass.tables)
    if (table.family == entry.match.family)
      for (HeldRule& rule : rules_of(entry, {table.family, table.table, table.chains}))
        rules.push_back(std::move(rule));
  return rules;
}

std::string explanation(const Pass& pass, const Options& options) {
  const Question& question = *options.question;
  if (std::none_of(pass.tables.begin(), pass.tables.end(),
                   [&](const WantedTable& table) { return table.family == question.family; }))
    throw Error(
        fmt::format("explain what becomes of an {0} packet: no {0} routes were read", name(question.family)));
  Explanation explained;
  explained.protected_by = protection(question, options.compile.protect);
  if (!explained.protected_by)
    explained = explain(pass.installed, question, options.compile.stateful, options.near_misses);
  const std::vector<HeldRule> rules =
      explained.place.entry == nullptr ? std::vector<HeldRule>() : held_rules(pass, *explained.place.entry);
  if (options.format == Format::json)
    return dump(explain_json(explained, question, rules));
  std::string text = explain_text(explained, rules, options.compile.parents.front());
  if (!pass.rejected.empty())
    text += fmt::format("note: routes without rules: {}; plan says which and why\n", pass.rejected.size());
  if (pass.held.sum() > 0)
    text += fmt::format("note: {} routes are held, FRR does not show them; status says which and why\n",
                        pass.held.sum());
  return text;
}

} // namespace

int explain_packet(const Options& options) {
  print(explanation(Passes(options, pass_world(options)).run(Depth::full, Doing::arrange).pass, options));
  return 0;
}

} // namespace flowspec
