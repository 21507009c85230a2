// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry_json.hpp"
#include "injector/explain_report.hpp"
#include "injector/layout.hpp"
#include "injector/pass.hpp"
#include "injector/vantage.hpp"
#include "injector/world/commands.hpp"
#include "injector/world/pass_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace flowspec {

namespace {

/// The chains in which packets of other segments meet entries.
std::set<std::string> chains_of_others(const std::string& segment, const CompileOptions& options) {
  std::set<std::string> chains;
  if (!options.segments.empty())
    for (std::size_t list = 0; list <= rest_list(options); ++list)
      for (const Walks walk : {Walks::filter, Walks::mark, Walks::dscp})
        if ((list == rest_list(options) ? "" : options.segments[list].name) != segment)
          chains.insert(list_chain(list, walk, options));
  return chains;
}

/// Those that packets of `segment` meet.
std::vector<HeldRule> held_rules(const Pass& pass, const Entry& entry, const std::string& segment,
                                 const CompileOptions& options) {
  const std::set<std::string> others = chains_of_others(segment, options);
  std::vector<HeldRule> rules;
  for (const WantedTable& table : pass.tables)
    if (table.family == entry.match.family)
      for (HeldRule& rule : rules_of(entry, {table.family, table.table, table.chains}))
        if (!others.contains(rule.chain))
          rules.push_back(std::move(rule));
  return rules;
}

/// What becomes of the packet by each list of entries that it meets.
class Answer {
 public:
  Answer(const Pass& pass, const Options& options) : pass_(pass), options_(options) {}

  void add(const std::string& segment, const Explanation& explained) {
    const std::vector<HeldRule> rules =
        explained.place.entry == nullptr
            ? std::vector<HeldRule>()
            : held_rules(pass_, *explained.place.entry, segment, options_.compile);
    if (!segment.empty())
      text_ += fmt::format("segment {}: ", segment);
    text_ += explain_text(explained, rules, options_.compile.parents.front());
    documents_.push_back(explain_json(explained, *options_.question, rules));
    if (!segment.empty())
      documents_.back()["segment"] = segment;
  }

  const std::string& text() const { return text_; }
  /// One answer, or those of several segments.
  nlohmann::ordered_json json() const {
    return documents_.size() == 1 ? documents_.front() : nlohmann::ordered_json{{"segments", documents_}};
  }

 private:
  const Pass& pass_;
  const Options& options_;
  std::string text_;
  nlohmann::ordered_json documents_ = nlohmann::ordered_json::array();
};

std::string explanation(const Pass& pass, const Options& options) {
  const Question& question = *options.question;
  if (std::none_of(pass.tables.begin(), pass.tables.end(),
                   [&](const WantedTable& table) { return table.family == question.family; }))
    throw Error(
        fmt::format("explain what becomes of an {0} packet: no {0} routes were read", name(question.family)));
  Answer answer(pass, options);
  if (const std::optional<Prefix> prefix = protected_by(question, options.compile)) {
    Explanation explained;
    explained.protected_by = prefix;
    answer.add("", explained);
  } else {
    for (const EntriesMet& met : entries_met(pass.installed, question, options.interfaces, options.compile))
      answer.add(met.segment, explain(met.entries, question, options.compile.stateful, options.near_misses));
  }
  if (options.format == Format::json)
    return dump(answer.json());
  std::string text = answer.text();
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
