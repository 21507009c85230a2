// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/report.hpp"

#include "common/entry_json.hpp"
#include "common/rule_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace flowspec {

namespace {

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::size_t rule_count(const Pass& pass) {
  std::size_t count = 0;
  for (const Chain& chain : pass.chains)
    count += chain.rules.size();
  return count;
}

/// One edit in iptables notation. A rule that goes to the end of its chain is shown as -A, as it will be
/// listed.
struct EditText {
  const Changes& changes;

  std::string operator()(const CreateChain& edit) const { return fmt::format("+ -N {}", edit.chain); }
  std::string operator()(const DeleteChain& edit) const { return fmt::format("- -N {}", edit.chain); }
  std::string operator()(const DeleteRule& edit) const {
    return fmt::format("- -A {} {}", edit.chain, to_string(edit.rule, changes.before.family));
  }
  std::string operator()(const InsertRule& edit) const {
    const Chain* chain = changes.after.find(edit.chain);
    const std::string rule = to_string(edit.rule, changes.after.family);
    // Edits come in ascending order: the rules behind this one are there already unless all of them are new.
    const bool appended = chain != nullptr && edit.index + 1 == chain->rules.size();
    return appended || chain_is_new(edit.chain)
               ? fmt::format("+ -A {} {}", edit.chain, rule)
               : fmt::format("+ -I {} {} {}", edit.chain, edit.index + 1, rule);
  }

 private:
  bool chain_is_new(const std::string& name) const { return changes.before.find(name) == nullptr; }
};

} // namespace

Pass::Pass(RoutesRead read, Wanted wanted)
    : routes(read.routes), installed(std::move(wanted.installed)), rejected(std::move(read.rejected)),
      remarks(std::move(read.remarks)) {
  std::move(wanted.rejected.begin(), wanted.rejected.end(), std::back_inserter(rejected));
  std::move(wanted.remarks.begin(), wanted.remarks.end(), std::back_inserter(remarks));
  chains = std::move(wanted.chains);
}

std::string edits_text(const Changes& changes) {
  std::string text;
  for (const Edit& edit : changes.edits)
    text += std::visit(EditText{changes}, edit) + "\n";
  return text;
}

std::string findings_text(const Pass& pass, std::string_view prefix) {
  std::string text;
  for (const Rejected& rejected : pass.rejected)
    text += fmt::format("{}rejected: {}\n", prefix, to_string(rejected));
  for (const Rejected& remark : pass.remarks)
    text += fmt::format("{}note: {}\n", prefix, to_string(remark));
  return text;
}

std::string summary_text(const Pass& pass, bool done) {
  const std::string state = fmt::format("{} of {} in {}", pass.installed.size(),
                                        counted(pass.routes, "route"), counted(rule_count(pass), "rule"));
  const std::string& table = pass.changes.after.table;
  if (pass.changes.edits.empty())
    return fmt::format("{}: nothing to do; {}\n", table, state);
  return done ? fmt::format("{}: {} added, {} removed; {}\n", table, counted(pass.changes.added(), "rule"),
                            pass.changes.removed(), state)
              : fmt::format("{}: {} to add, {} to remove; {}\n", table, counted(pass.changes.added(), "rule"),
                            pass.changes.removed(), state);
}

nlohmann::ordered_json report_json(const Pass& pass, bool done) {
  using nlohmann::ordered_json;
  ordered_json edits = ordered_json::array();
  const Family family = pass.changes.after.family;
  for (const Edit& edit : pass.changes.edits) {
    if (const auto* created = std::get_if<CreateChain>(&edit))
      edits.push_back({{"op", "create-chain"}, {"chain", created->chain}});
    else if (const auto* deleted = std::get_if<DeleteChain>(&edit))
      edits.push_back({{"op", "delete-chain"}, {"chain", deleted->chain}});
    else if (const auto* inserted = std::get_if<InsertRule>(&edit))
      edits.push_back({{"op", "insert-rule"},
                       {"chain", inserted->chain},
                       {"number", inserted->index + 1},
                       {"rule", to_string(inserted->rule, family)}});
    else if (const auto* removed = std::get_if<DeleteRule>(&edit))
      edits.push_back({{"op", "delete-rule"},
                       {"chain", removed->chain},
                       {"number", removed->index + 1},
                       {"rule", to_string(removed->rule, family)}});
  }
  return {{"table", pass.changes.after.table},  {"routes", pass.routes},
          {"rules", rule_count(pass)},          {"committed", done && !edits.empty()},
          {"edits", std::move(edits)},          {"entries", to_json(pass.installed)},
          {"rejected", to_json(pass.rejected)}, {"notes", to_json(pass.remarks)}};
}

std::string restore_text(const Pass& pass, const Ownership& ours) {
  const Changes& changes = pass.changes;
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
  const std::string jump = to_string(ours.jump(), changes.after.family);
  for (const std::string& parent : ours.parents) {
    const Chain* chain = changes.before.find(parent);
    const auto jumps =
        chain == nullptr ? 0 : std::count(chain->rules.begin(), chain->rules.end(), ours.jump());
    for (auto left = jumps; left > 0; --left)
      rules += fmt::format("-D {} {}\n", parent, jump);
    rules += fmt::format("-I {} 1 {}\n", parent, jump);
  }
  return text + rules + removals + findings_text(pass, "# ") + "COMMIT\n";
}

} // namespace flowspec
