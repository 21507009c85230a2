// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/feasible_routes.hpp"

#include "common/error.hpp"

#include <algorithm>
#include <utility>

namespace flowspec {

std::optional<Failure> FeasibleRoutes::judge(const Shown& shown, const FamilyMemory* known,
                                             std::set<std::string> installed) {
  static const FamilyMemory nothing;
  const FamilyMemory& before = known == nullptr ? nothing : *known;
  for (const HeldRoute& route : before.held) // what is shown of these matches now is another's
    installed.erase(route.id);
  try {
    infeasible_[shown.family] =
        validator_.judge(shown, shown.routes.entries, {}, before.infeasible, installed);
    return std::nullopt;
  } catch (const CannotValidate& error) {
    return Failure{shown.family, Cause::refused, error.what()};
  } catch (const NoAnswer& error) {
    return Failure{shown.family, Cause::no_answer, error.what()};
  } catch (const Error& error) {
    return Failure{shown.family, Cause::bad_answer, error.what()};
  }
}

bool FeasibleRoutes::any_news(const State& state) const {
  return std::any_of(infeasible_.begin(), infeasible_.end(), [&](const auto& of) {
    const auto memory = state.families.find(of.first);
    return memory == state.families.end() || memory->second.infeasible != of.second;
  });
}

Kept FeasibleRoutes::keep(std::optional<FamilyMemory> known, const Shown& shown,
                          const std::function<Kept(std::optional<FamilyMemory>, const Shown&)>& decide) {
  const Infeasible& now = infeasible_.at(shown.family);
  if (known && !known->infeasible.empty())
    try {
      known->routes = without(known->routes, shown.family, known->infeasible);
    } catch (const Error&) { // `decide` finds it damaged too, and says so
    }
  Kept kept = now.empty() ? decide(std::move(known), shown) : decide(std::move(known), without(shown, now));
  if (kept.refused || !kept.memory)
    return kept;
  kept.memory->routes = shown.text;
  kept.memory->infeasible = now;
  for (const HeldRoute& route : kept.memory->held)
    kept.memory->infeasible.erase(route.id);
  if (!now.empty())
    for (const Entry& entry : shown.routes.entries)
      if (kept.memory->infeasible.contains(stable_id(entry.match)))
        kept.routes.entries.push_back(entry);
  return kept;
}

std::string FeasibleRoutes::without(std::string_view text, Family family,
                                    const Infeasible& infeasible) const {
  std::string rest;
  for (const auto& [id, route] : route_texts(text, family, operators_))
    if (!infeasible.contains(id))
      rest += route.text;
  return rest;
}

Shown FeasibleRoutes::without(const Shown& shown, const Infeasible& infeasible) const {
  Shown rest = shown;
  std::erase_if(rest.routes.entries,
                [&](const Entry& entry) { return infeasible.contains(stable_id(entry.match)); });
  rest.text = without(shown.text, shown.family, infeasible);
  return rest;
}

} // namespace flowspec
