// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/entry_hits.hpp"

#include "injector/compile.hpp"
#include "injector/layout.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <variant>

namespace flowspec {

namespace {

constexpr std::size_t id_digits = 16;

bool is_id(std::string_view text) {
  return text.size() == id_digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A number as fmt writes it: no sign, no needless 0, nothing behind it.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain = error == std::errc{} && end == text.data() + text.size();
  return plain && (text.size() == 1 || !text.starts_with('0')) ? std::optional(value) : std::nullopt;
}

std::optional<RuleOwner> read_comment(std::string_view comment) {
  constexpr std::string_view prefix = "flowspec ";
  constexpr std::string_view separator = " seq ";
  if (!comment.starts_with(prefix))
    return std::nullopt;
  comment.remove_prefix(prefix.size());
  RuleOwner owner{comment.substr(0, id_digits), std::nullopt};
  if (!is_id(owner.id))
    return std::nullopt;
  comment.remove_prefix(id_digits);
  if (comment.empty())
    return owner;
  if (!comment.starts_with(separator))
    return std::nullopt;
  owner.sequence = number(comment.substr(separator.size()));
  return owner.sequence ? std::optional(owner) : std::nullopt;
}

/// "...-<id>m": the chain of an entry from which packets return unless they are meant.
bool returns_strangers(std::string_view chain) {
  if (!chain.ends_with('m'))
    return false;
  chain.remove_suffix(1);
  return chain.size() > id_digits && is_id(chain.substr(chain.size() - id_digits));
}

/// "flowspec segment NAME" or "flowspec no segment", and no other match.
bool has_dispatch_comment(const Rule& rule) {
  const auto* comment = rule.matches.size() == 1 ? std::get_if<CommentMatch>(&rule.matches.front()) : nullptr;
  return comment != nullptr &&
         (comment->text.starts_with("flowspec segment ") || comment->text == "flowspec no segment");
}

void count(Common common, const Counters& counted, Hits& hits) {
  switch (common) {
  case Common::tracked:
    hits.tracked += counted;
    break;
  case Common::protects:
    hits.spared += counted;
    break;
  case Common::leads: // to rules that count
    break;
  }
}

} // namespace

Counters& operator+=(Counters& sum, const Counters& more) {
  sum.packets += more.packets;
  sum.bytes += more.bytes;
  return sum;
}

EntryHits& EntryHits::operator+=(const EntryHits& other) {
  decided += other.decided;
  dropped += other.dropped;
  return *this;
}

std::optional<RuleOwner> owner_of(const Rule& rule) {
  for (const Match& match : rule.matches)
    if (const auto* comment = std::get_if<CommentMatch>(&match))
      if (const std::optional<RuleOwner> owner = read_comment(comment->text))
        return owner;
  return std::nullopt;
}

std::optional<Common> common_rule(const Rule& rule) {
  const auto* verdict = std::get_if<Verdict>(&rule.target);
  if (verdict != nullptr && *verdict != Verdict::drop && rule == established_rule(*verdict))
    return Common::tracked;
  const bool returns = verdict != nullptr && *verdict == Verdict::return_;
  const auto* jump = std::get_if<Jump>(&rule.target);
  if (!returns && jump == nullptr)
    return std::nullopt;
  if (leads_in_tree(rule))
    return Common::leads;
  Rule protecting; // as arrange() makes them
  protecting.source = rule.source;
  protecting.destination = rule.destination;
  protecting.matches.emplace_back(
      CommentMatch{rule.source || rule.destination ? "flowspec protected" : "flowspec all protected"});
  protecting.target = rule.target;
  if ((returns || jump->go_to) && rule == protecting)
    return returns ? Common::protects : Common::leads;
  Rule dispatching;
  dispatching.in_interface = rule.in_interface;
  dispatching.out_interface = rule.out_interface;
  dispatching.matches = rule.matches;
  dispatching.target = rule.target;
  return has_dispatch_comment(rule) && rule == dispatching ? std::optional(Common::leads) : std::nullopt;
}

/// The last word on a packet is a verdict: what jumps, or only samples, is followed by one that counts the
/// same packet. Above its rate an entry drops, and the verdict behind it sees the rest.
EntryHits hits_of(const Rule& rule, std::string_view chain, const Counters& counters) {
  if (std::holds_alternative<RejectTarget>(rule.target))
    return {counters, counters};
  const auto* verdict = std::get_if<Verdict>(&rule.target);
  if (verdict == nullptr || (*verdict == Verdict::return_ && returns_strangers(chain)))
    return {};
  return {counters, *verdict == Verdict::drop ? counters : Counters{}};
}

Hits entry_hits(const Ruleset& filter, const std::vector<ChainCounters>& counters, const Ownership& ours) {
  if (filter.chains.size() != counters.size())
    throw std::invalid_argument("counters of another table");
  Hits hits;
  for (std::size_t at = 0; at < counters.size(); ++at) {
    const Chain& chain = filter.chains[at];
    if (chain.name != counters[at].chain || chain.rules.size() != counters[at].rules.size())
      throw std::invalid_argument("counters of other rules");
    if (!ours.owns(chain.name))
      continue;
    for (std::size_t index = 0; index < chain.rules.size(); ++index) {
      const Rule& rule = chain.rules[index];
      const Counters& counted = counters[at].rules[index];
      if (const std::optional<RuleOwner> owner = owner_of(rule))
        hits.entries[std::string(owner->id)] += hits_of(rule, chain.name, counted);
      else if (const std::optional<Common> common = common_rule(rule))
        count(*common, counted, hits);
      else
        hits.others += hits_of(rule, chain.name, counted);
    }
  }
  return hits;
}

} // namespace flowspec
