// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/explain.hpp"

#include "injector/component_check.hpp"
#include "injector/satisfiable.hpp"

#include <algorithm>
#include <utility>

namespace flowspec {

namespace {

/// True when packets of tracked connections are let through where `entry` would decide.
bool spares_tracked(const Entry& entry, Stateful stateful) {
  return stateful == Stateful::default_drop && entry.actions.discards() && is_default_policy(entry.match);
}

/// What `entry` does with a packet that it matches.
Decision::What what_of(const Entry& entry, bool established, Stateful stateful) {
  using What = Decision::What;
  if (!entry.actions.rate)
    return What::accept;
  if (!entry.actions.discards())
    return What::rate_limit;
  return established && spares_tracked(entry, stateful) ? What::established : What::discard;
}

/// All that is missing, each once.
std::vector<std::string_view> missing_options(const std::vector<ComponentCheck>& checks) {
  std::vector<std::string_view> options;
  for (const ComponentCheck& check : checks)
    for (const std::string_view option : check.options)
      if (std::ranges::find(options, option) == options.end())
        options.push_back(option);
  return options;
}

} // namespace

Explanation explain(std::span<const Entry> entries, const Question& question, Stateful stateful,
                    std::size_t near) {
  Explanation result;
  const bool established = question.established.value_or(false);
  if (stateful == Stateful::always && established) {
    result.what = Decision::What::established;
    return result;
  }
  result.tracked_passes = stateful == Stateful::always && !question.established;

  std::size_t number = 0;
  for (const Entry& entry : entries) {
    if (entry.match.family != question.family)
      continue;
    const Place place{++number, &entry};
    std::vector<ComponentCheck> checks = check_components(entry.match, question);
    const auto count = [&checks](Holding holding) {
      return std::ranges::count(checks, holding, &ComponentCheck::holding);
    };
    const auto failed = count(Holding::fails);
    const auto open = count(Holding::not_told);
    if (failed == 0 && open == 0) {
      result.what = what_of(entry, established, stateful);
      result.place = place;
      result.tracked_passes =
          result.tracked_passes || (!question.established && spares_tracked(entry, stateful));
      break;
    }
    if (failed + (open == 0 ? 0 : 1) > 1 || why_never_matches(entry.match))
      continue;
    if (failed == 0) {
      result.depends.push_back({place, missing_options(checks), what_of(entry, established, stateful)});
    } else {
      auto& miss = *std::ranges::find(checks, Holding::fails, &ComponentCheck::holding);
      result.near.push_back({place, miss.component, std::move(miss.asks), std::move(miss.has)});
    }
  }
  std::ranges::reverse(result.near);
  if (result.near.size() > near)
    result.near.resize(near);
  return result;
}

} // namespace flowspec
