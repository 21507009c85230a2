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

/// The edits of one chain: deletions from its end, so that rule numbers before them hold, then insertions
/// from its head.
void diff_rules(const Chain& current, const Chain& desired, std::vector<Edit>& deletions,
                std::vector<Edit>& insertions) {
  if (current.rules == desired.rules)
    return;
  const std::vector<std::size_t> kept = kept_rules(current.rules, desired.rules);
  std::vector<bool> stays(current.rules.size(), false);
  for (const std::size_t index : kept)
    if (index != none)
      stays[index] = true;
  for (std::size_t index = current.rules.size(); index-- > 0;)
    if (!stays[index])
      deletions.emplace_back(DeleteRule{current.name, index, PackedRule(current.rules.bytes(index))});
  for (std::size_t index = 0; index < desired.rules.size(); ++index)
    if (kept[index] == none)
      insertions.emplace_back(InsertRule{desired.name, index, PackedRule(desired.rules.bytes(index))});
}

using ChainIndex = std::unordered_map<std::string_view, const Chain*>;

ChainIndex by_name(const Ruleset& ruleset) {
  ChainIndex index;
  for (const Chain& chain : ruleset.chains)
    index.emplace(chain.name, &chain);
  return index;
}

} // namespace

std::vector<Edit> diff(const Ruleset& current, const Ruleset& desired) {
  const ChainIndex existing = by_name(current);
  const ChainIndex wanted = by_name(desired);
  std::vector<Edit> edits;
  std::vector<Edit> deletions;
  std::vector<Edit> insertions;
  std::vector<Edit> removals;
  for (const Chain& chain : desired.chains) {
    const auto found = existing.find(chain.name);
    if (found == existing.end())
      edits.emplace_back(CreateChain{chain.name});
    diff_rules(found == existing.end() ? Chain{chain.name, std::nullopt, {}} : *found->second, chain,
               deletions, insertions);
  }
  for (const Chain& chain : current.chains)
    if (!wanted.contains(chain.name)) {
      diff_rules(chain, {chain.name, std::nullopt, {}}, deletions, insertions);
      removals.emplace_back(DeleteChain{chain.name});
    }
  for (std::vector<Edit>* part : {&deletions, &insertions, &removals})
    std::move(part->begin(), part->end(), std::back_inserter(edits));
  return edits;
}

} // namespace flowspec
