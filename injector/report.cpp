// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/report.hpp"

#include "common/entry_json.hpp"
#include "common/rule_text.hpp"
#include "injector/tree_chains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace flowspec {

namespace {

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::size_t rule_count(const std::vector<Chain>& chains) {
  std::size_t count = 0;
  for (const Chain& chain : chains)
    count += chain.rules.size();
  return count;
}

/// "15 rules", and what leads to them in trees.
std::string rules_text(const std::vector<Chain>& chains) {
  const TreeFigures trees = tree_figures(chains);
  const std::string rules = counted(rule_count(chains) - trees.further, "rule");
  return trees.any()
             ? fmt::format("{}, with {} that lead there in {} of trees: a packet meets {} of a list at most",
                           rules, trees.further, counted(trees.chains, "chain"), trees.deepest)
             : rules;
}

/// What should be ours in the table of `changes`.
const std::vector<Chain>& ours_in(const Pass& pass, const Ruleset& ruleset) {
  static const std::vector<Chain> nothing;
  const auto found = std::find_if(pass.tables.begin(), pass.tables.end(), [&](const WantedTable& wanted) {
    return wanted.family == ruleset.family && wanted.table == ruleset.table;
  });
  return found == pass.tables.end() ? nothing : found->chains;
}

/// What an iptables command would have in front of its -A.
std::string command_of(const Ruleset& ruleset) {
  return std::string(ruleset.family == Family::ipv4 ? "" : "ip6tables ") +
         (ruleset.table == "filter" ? "" : fmt::format("-t {} ", ruleset.table));
}

/// One edit in iptables notation. A rule that goes to the end of its chain is shown as -A, as it will be
/// listed.
struct EditText {
  const Changes& changes;
  std::string command = command_of(changes.after);

  std::string operator()(const CreateChain& edit) const {
    return fmt::format("+ {}-N {}", command, edit.chain);
  }
  std::string operator()(const DeleteChain& edit) const {
    return fmt::format("- {}-N {}", command, edit.chain);
  }
  std::string operator()(const DeleteRule& edit) const {
    return fmt::format("- {}-A {} {}", command, edit.chain,
                       to_string(edit.rule.rule(), changes.before.family));
  }
  std::string operator()(const InsertRule& edit) const {
    const Chain* chain = changes.after.find(edit.chain);
    const std::string rule = to_string(edit.rule.rule(), changes.after.family);
    // Edits come in ascending order: the rules behind this one are there already unless all of them are new.
    const bool appended = chain != nullptr && edit.index + 1 == chain->rules.size();
    return appended || chain_is_new(edit.chain)
               ? fmt::format("+ {}-A {} {}", command, edit.chain, rule)
               : fmt::format("+ {}-I {} {} {}", command, edit.chain, edit.index + 1, rule);
  }

 private:
  bool chain_is_new(const std::string& name) const { return changes.before.find(name) == nullptr; }
};

} // namespace

Pass::Pass(RoutesRead read, Judged judged, Wanted wanted)
    : routes(read.routes), enforced(wanted.enforced), installed(std::move(wanted.installed)),
      rejected(std::move(read.rejected)), remarks(std::move(read.remarks)), aside(std::move(judged.aside)),
      rejected_by_term(std::move(judged.rejected_by_term)), traces(std::move(judged.traces)) {
  std::move(wanted.aside.begin(), wanted.aside.end(), std::back_inserter(aside));
  std::move(wanted.rejected.begin(), wanted.rejected.end(), std::back_inserter(rejected));
  std::move(wanted.remarks.begin(), wanted.remarks.end(), std::back_inserter(remarks));
  tables = std::move(wanted.tables);
}

std::string edits_text(const Changes& changes) {
  std::string text;
  const EditText words{changes};
  for (const Edit& edit : changes.edits)
    text += std::visit(words, edit) + "\n";
  return text;
}

std::string findings_text(const Pass& pass, std::string_view prefix) {
  std::string text;
  for (const Rejected& rejected : pass.rejected)
    text += fmt::format("{}rejected: {}\n", prefix, to_string(rejected));
  for (const Rejected& remark : pass.remarks)
    text += fmt::format("{}note: {}\n", prefix, to_string(remark));
  return text + aside_text(pass.aside, prefix);
}

std::string aside_text(const std::vector<Rejected>& aside, std::string_view prefix) {
  std::string text;
  std::map<std::string, std::size_t> alike;
  for (const Rejected& route : aside)
    if (route.reason == Reason::not_feasible)
      text += fmt::format("{}left out: {}\n", prefix, to_string(route));
    else if (route.reason == Reason::rejected_by_policy)
      ++alike[fmt::format("{}: {}", name(route.reason), route.detail)];
    else
      ++alike[std::string(name(route.reason))];
  for (const auto& [why, count] : alike)
    text += fmt::format("{}left out: {}: {}\n", prefix, counted(count, "route"), why);
  return text;
}

std::string traces_text(const std::vector<PolicyTrace>& traces) {
  std::string text;
  for (const PolicyTrace& trace : traces) {
    text += fmt::format("policy: {}\n", trace.route);
    for (const std::string& step : trace.steps)
      text += fmt::format("  {}\n", step);
  }
  return text;
}

std::string summary_text(const Pass& pass, bool done) {
  std::string text;
  for (const Changes& changes : pass.changes) {
    const Ruleset& after = changes.after;
    const std::string rules = rules_text(ours_in(pass, after));
    const std::string state =
        after.table == "filter"
            ? fmt::format("{} of {} in {}{}", pass.enforced.of(after.family),
                          counted(pass.routes.of(after.family) + pass.held.of(after.family), "route"), rules,
                          pass.held.of(after.family) == 0
                              ? ""
                              : fmt::format(", {} of them held", pass.held.of(after.family)))
            : rules;
    const std::string what =
        changes.edits.empty() ? "nothing to do"
        : done ? fmt::format("{} added, {} removed", counted(changes.added(), "rule"), changes.removed())
               : fmt::format("{} to add, {} to remove", counted(changes.added(), "rule"), changes.removed());
    text += fmt::format("{}: {}; {}\n", title(after), what, state);
  }
  return text;
}

namespace {

nlohmann::ordered_json edits_json(const Changes& changes) {
  using nlohmann::ordered_json;
  ordered_json edits = ordered_json::array();
  const Family family = changes.after.family;
  for (const Edit& edit : changes.edits) {
    if (const auto* created = std::get_if<CreateChain>(&edit))
      edits.push_back({{"op", "create-chain"}, {"chain", created->chain}});
    else if (const auto* deleted = std::get_if<DeleteChain>(&edit))
      edits.push_back({{"op", "delete-chain"}, {"chain", deleted->chain}});
    else if (const auto* inserted = std::get_if<InsertRule>(&edit))
      edits.push_back({{"op", "insert-rule"},
                       {"chain", inserted->chain},
                       {"number", inserted->index + 1},
                       {"rule", to_string(inserted->rule.rule(), family)}});
    else if (const auto* removed = std::get_if<DeleteRule>(&edit))
      edits.push_back({{"op", "delete-rule"},
                       {"chain", removed->chain},
                       {"number", removed->index + 1},
                       {"rule", to_string(removed->rule.rule(), family)}});
  }
  return edits;
}

} // namespace

nlohmann::ordered_json report_json(const Pass& pass, bool done) {
  nlohmann::ordered_json tables = nlohmann::ordered_json::array();
  for (const Changes& changes : pass.changes) {
    const std::vector<Chain>& chains = ours_in(pass, changes.after);
    tables.push_back({{"family", name(changes.after.family)},
                      {"table", changes.after.table},
                      {"rules", rule_count(chains)},
                      {"committed", done && !changes.edits.empty()},
                      {"edits", edits_json(changes)}});
    if (const TreeFigures trees = tree_figures(chains); trees.any())
      tables.back()["trees"] = {
          {"chains", trees.chains}, {"further_rules", trees.further}, {"longest_walk", trees.deepest}};
  }
  nlohmann::ordered_json document = {
      {"routes", pass.routes.sum()},        {"held", pass.held.sum()},
      {"tables", std::move(tables)},        {"entries", to_json(pass.installed.all())},
      {"rejected", to_json(pass.rejected)}, {"set_aside", to_json(pass.aside)},
      {"notes", to_json(pass.remarks)}};
  if (!pass.rejected_by_term.empty())
    document["rejected_by_term"] = pass.rejected_by_term;
  for (const PolicyTrace& trace : pass.traces)
    document["policy"].push_back({{"route", trace.route}, {"steps", trace.steps}});
  return document;
}

namespace {

std::string restore_table(const Changes& changes, const std::vector<Hook>& hooks, const Ownership& ours) {
  std::string text = fmt::format("*{}\n", changes.after.table);
  // Naming a chain here empties it, or makes it; so our chains have no rule left, not even those that go.
  std::string rules;
  std::string removals;
  const auto declare = [&text](const Chain& chain) { text += fmt::format(":{} - [0:0]\n", chain.name); };
  for (const Chain& chain : changes.after.chains)
    if (ours.owns(chain.name)) {
      declare(chain);
      for (const Rule& rule : chain.rules)
        rules += fmt::format("-A {} {}\n", chain.name, to_string(rule, changes.after.family));
    }
  for (const Chain& chain : changes.before.chains)
    if (changes.after.find(chain.name) == nullptr) {
      declare(chain);
      removals += fmt::format("-X {}\n", chain.name);
    }
  for (const Chain& chain : changes.before.chains) {
    const Hook named = named_hook(chain.name, ours);
    const bool known = std::any_of(hooks.begin(), hooks.end(), [&](const Hook& hook) {
      return hook.parent == named.parent && hook.chain == named.chain;
    });
    if (!known && !ours.owns(chain.name))
      for (auto left = std::count(chain.rules.begin(), chain.rules.end(), named.jump()); left > 0; --left)
        rules += fmt::format("-D {} {}\n", chain.name, to_string(named.jump(), changes.after.family));
  }
  for (const Hook& hook : hooks) {
    const std::string jump = to_string(hook.jump(), changes.after.family);
    const Chain* chain = changes.before.find(hook.parent);
    const auto jumps =
        chain == nullptr ? 0 : std::count(chain->rules.begin(), chain->rules.end(), hook.jump());
    for (auto left = jumps; left > 0; --left)
      rules += fmt::format("-D {} {}\n", hook.parent, jump);
    if (hook.wanted)
      rules += fmt::format("-I {} 1 {}\n", hook.parent, jump);
  }
  return text + rules + removals;
}

} // namespace

std::string restore_text(const Pass& pass, Family family, const Ownership& ours) {
  std::string text;
  for (const Changes& changes : pass.changes) {
    if (changes.after.family != family)
      continue;
    const auto wanted = std::find_if(pass.tables.begin(), pass.tables.end(), [&](const WantedTable& table) {
      return table.family == family && table.table == changes.after.table;
    });
    text += restore_table(changes, wanted->hooks, ours);
    if (changes.after.table == "filter")
      text += findings_text(pass, "# ");
    text += "COMMIT\n";
  }
  return text;
}

} // namespace flowspec
