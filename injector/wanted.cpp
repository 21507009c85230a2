// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/wanted.hpp"

#include "common/precedence.hpp"

#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace flowspec {

Wanted arrange(std::vector<Entry> entries, const CompileOptions& options) {
  sort_by_precedence(entries);
  Wanted wanted;
  wanted.chains.push_back({options.chain, std::nullopt, {}});
  if (options.stateful == Stateful::always)
    wanted.chains.front().rules.push_back(established_rule(options));

  std::set<std::string> names;
  for (Entry& entry : entries) {
    std::variant<Compiled, Rejected> outcome = compile(entry, options);
    if (auto* rejected = std::get_if<Rejected>(&outcome)) {
      wanted.rejected.push_back(std::move(*rejected));
      continue;
    }
    auto& compiled = std::get<Compiled>(outcome);
    // Chains are named by a hash of 64 bits; somebody who announces two matches with one hash must not mix
    // their rules.
    bool name_taken = false;
    for (const Chain& chain : compiled.chains)
      name_taken = name_taken || !names.insert(chain.name).second;
    if (name_taken) {
      wanted.rejected.push_back(
          {to_string(entry.match), Reason::duplicate, "another route has the same identifier"});
      continue;
    }
    std::vector<Rule>& rules = wanted.chains.front().rules;
    std::move(compiled.rules.begin(), compiled.rules.end(), std::back_inserter(rules));
    std::move(compiled.chains.begin(), compiled.chains.end(), std::back_inserter(wanted.chains));
    std::move(compiled.remarks.begin(), compiled.remarks.end(), std::back_inserter(wanted.remarks));
    wanted.installed.push_back(std::move(entry));
  }
  return wanted;
}

} // namespace flowspec
