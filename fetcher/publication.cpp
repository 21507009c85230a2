// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/publication.hpp"

#include "common/error.hpp"
#include "fetcher/connection_tracking.hpp"
#include "fetcher/distinct.hpp"
#include "fetcher/encode.hpp"
#include "fetcher/merge.hpp"
#include "fetcher/publisher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace flowspec {

namespace {

Route policy_route(Family family, Verdict verdict, std::string origin) {
  Entry policy;
  policy.match.family = family;
  policy.match.destination = policy.match.source = Prefix::any(family);
  if (verdict == Verdict::drop)
    policy.actions.rate = 0;
  return {std::move(policy), std::move(origin)};
}

} // namespace

std::string_view name(Gap gap) {
  switch (gap) {
  case Gap::hole:
    return "hole";
  case Gap::door:
    return "door";
  case Gap::unclear:
    return "unclear";
  case Gap::none:
    break;
  }
  return "none";
}

std::string_view name(Grade grade) {
  switch (grade) {
  case Grade::exact:
    return "exact";
  case Grade::stateful:
    return "equivalent-when-stateful";
  case Grade::unsupported:
    return "unsupported";
  case Grade::not_needed:
    break;
  }
  return "not-needed";
}

std::size_t Publication::unsupported() const {
  return static_cast<std::size_t>(std::ranges::count(rules, Grade::unsupported, &RuleReport::grade));
}

Publication publish(const Ruleset& ruleset, std::string_view chain, const RuleName& rule_name,
                    const PublishOptions& options) {
  const Chain* base = ruleset.find(chain);
  if (!base)
    throw Error(fmt::format("no chain {} in table {}", chain, ruleset.table));
  if (!base->policy)
    throw Error(fmt::format("chain {} is no built-in chain: it has no policy", chain));

  Publisher publisher(ruleset, *base, rule_name, options);
  const bool reassembled = options.connections_tracked || tracks_connections(ruleset);
  walk(ruleset, *base, {options.max_routes, reassembled}, publisher);
  Publisher::Result found = publisher.finish();

  Publication result;
  result.family = ruleset.family;
  result.rules = std::move(found.rules);
  std::set<std::size_t> merged_rules;
  if (options.optimize) {
    for (const Piece& piece : found.pieces)
      merged_rules.insert(piece.rule);
    found.pieces = merged(std::move(found.pieces));
  }
  result.routes = encode(std::move(found.pieces), options.max_routes, result.rules);
  for (const std::size_t index : merged_rules)
    if (RuleReport& rule = result.rules[index]; rule.routes == 0 && rule.notes.empty())
      rule.notes.push_back({Reason::published_as, "in the routes of its neighbours"});
  result.routes.push_back(
      found.closing_rule
          ? policy_route(ruleset.family, Verdict::drop, *found.closing_rule)
          : policy_route(ruleset.family, *base->policy, fmt::format("policy {}", name(*base->policy))));
  if (options.no_common_beginning)
    separate_beginnings(result.routes);
  for (RuleReport& rule : result.rules)
    if (options.name_every_rule || rule.grade == Grade::unsupported || !rule.notes.empty())
      rule.rule = rule_name(rule.chain, rule.index);
  return result;
}

} // namespace flowspec
