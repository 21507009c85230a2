// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/ruleset_diff.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

namespace flowspec {

namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

/// The positions of a longest increasing subsequence of `values`, where `none` stands for no value.
std::vector<bool> longest_increasing(const std::vector<std::size_t>& values) {
  std::vector<std::size_t> tails; // tails[n]: position of the smallest end of an increasing run of n + 1
  std::vector<std::size_t> before(values.size(), none);
  for (std::size_t position = 0; position < values.size(); ++position) {
    if (values[position] == none)
      continue;
    const auto at =
        std::lower_bound(tails.begin(), tails.end(), values[position],
                         [&](std::size_t tail, std::size_t value) { return values[tail] < value; });
    if (at != tails.begin())
      before[position] = *std::prev(at);
    if (at == tails.end())
      tails.push_back(position);
    else
      *at = position;
  }
  std::vector<bool> chosen(values.size(), false);
  for (std::size_t position = tails.empty() ? none : tails.back(); position != none;
       position = before[position])
    chosen[position] = true;
  return chosen;
}

/// For each rule of `desired` the rule of `current` that it keeps, or none; ascending.
std::vector<std::size_t> kept_rules(const RuleList& current, const RuleList& desired) {
  std::vector<std::size_t> kept(desired.size(), none);
  // Most passes change little: what is equal at both ends needs no search.
  std::size_t head = 0;
  while (head < current.size() && head < desired.size() && current.bytes(head) == desired.bytes(head)) {
    kept[head] = head;
    ++head;
  }
  std::size_t tail = 0;
  while (tail < current.size() - head && tail < desired.size() - head &&
         current.bytes(current.size() - 1 - tail) == desired.bytes(desired.size() - 1 - tail)) {
    kept[desired.size() - 1 - tail] = current.size() - 1 - tail;
    ++tail;
  }

  // The places of the rules that are left in `current`, the first of them at the back.
  std::unordered_map<std::string_view, std::vector<std::size_t>> unused;
  for (std::size_t index = current.size() - tail; index-- > head;)
    unused[current.bytes(index)].push_back(index);
  std::vector<std::size_t> partners(desired.size() - tail - head, none);
  if (!unused.empty())
    for (std::size_t index = head; index < desired.size() - tail; ++index)
      if (const auto found = unused.find(desired.bytes(index));
          found != unused.end() && !found->second.empty()) {
        partners[index - head] = found->second.back();
        found->second.pop_back();
      }
  const std::vector<bool> chosen = longest_increasing(partners);
  for (std::size_t index = 0; index < partners.size(); ++index)
    if (chosen[index])
      kept[head + index] = partners[index];
  return kept;
}

using ChainIndex = std::unordered_map<std::string_view, const Chain*>;

ChainIndex by_name(const Ruleset& ruleset) {
  ChainIndex index;
  index.reserve(ruleset.chains.size());
  for (const Chain& chain : ruleset.chains)
    index.emplace(chain.name, &chain);
  return index;
}

/// A chain with other rules than it had.
struct Changed {
  const Chain& current;
  const Chain& desired;
  std::vector<std::size_t> kept; ///< as kept_rules() has them
};

/// From its end, so that rule numbers before them hold.
void add_deletions(const Changed& chain, std::vector<Edit>& edits) {
  const RuleList& rules = chain.current.rules;
  std::vector<bool> stays(rules.size(), false);
  for (const std::size_t index : chain.kept)
    if (index != none)
      stays[index] = true;
  for (std::size_t index = rules.size(); index-- > 0;)
    if (!stays[index])
      edits.emplace_back(DeleteRule{chain.current.name, index, PackedRule(rules, index)});
}

/// From its head.
void add_insertions(const Changed& chain, std::vector<Edit>& edits) {
  const RuleList& rules = chain.desired.rules;
  for (std::size_t index = 0; index < rules.size(); ++index)
    if (chain.kept[index] == none)
      edits.emplace_back(InsertRule{chain.desired.name, index, PackedRule(rules, index)});
}

} // namespace

std::vector<Edit> diff(const Ruleset& current, const Ruleset& desired) {
  static const Chain empty;
  const ChainIndex existing = by_name(current);
  const ChainIndex wanted = by_name(desired);
  std::vector<Edit> edits;
  std::vector<Changed> changed;
  std::size_t rules = 0; // that come or go, at most
  const auto compare = [&](const Chain& before, const Chain& after) {
    if (before.rules == after.rules)
      return;
    changed.push_back({before, after, kept_rules(before.rules, after.rules)});
    const auto kept =
        static_cast<std::size_t>(std::count_if(changed.back().kept.begin(), changed.back().kept.end(),
                                               [](std::size_t place) { return place != none; }));
    rules += before.rules.size() + after.rules.size() - 2 * kept;
  };
  for (const Chain& chain : desired.chains) {
    const auto found = existing.find(chain.name);
    if (found == existing.end())
      edits.emplace_back(CreateChain{chain.name});
    compare(found == existing.end() ? empty : *found->second, chain);
  }
  std::vector<Edit> removals;
  for (const Chain& chain : current.chains)
    if (!wanted.contains(chain.name)) {
      compare(chain, empty);
      removals.emplace_back(DeleteChain{chain.name});
    }
  edits.reserve(edits.size() + rules + removals.size());
  for (const Changed& chain : changed)
    add_deletions(chain, edits);
  for (const Changed& chain : changed)
    add_insertions(chain, edits);
  std::move(removals.begin(), removals.end(), std::back_inserter(edits));
  return edits;
}

} // namespace flowspec
