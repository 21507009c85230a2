// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/explain_report.hpp"

#include "common/entry_json.hpp"
#include "common/printable.hpp"
#include "common/rule_text.hpp"
#include "injector/compile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace flowspec {

namespace {

using nlohmann::ordered_json;
using What = Decision::What;

/// Entries that the text shows before it only counts: a question without ports may leave thousands open.
constexpr std::size_t longest_list = 10;

std::string_view word(What what) {
  switch (what) {
  case What::no_entry:
    return "no-entry";
  case What::accept:
    return "accept";
  case What::discard:
    return "discard";
  case What::rate_limit:
    return "rate-limit";
  case What::established:
    return "established";
  case What::unreadable:
    return "unreadable";
  }
  return "no-entry";
}

/// "3 (sequence 12)".
std::string place_text(const Place& place) {
  if (is_default_policy(place.entry->match)) // its number does not count
    return fmt::format("{} (the default policy)", place.number);
  if (place.entry->sequence)
    return fmt::format("{} (sequence {})", place.number, *place.entry->sequence);
  return std::to_string(place.number);
}

/// What was announced, on one line whatever FRR printed.
std::string entry_text(const Entry& entry) {
  return one_line(fmt::format("{}: {}", to_string(entry.match), to_string(entry.actions)));
}

std::string verdict_text(const Explanation& explanation, std::string_view parent) {
  const Place& place = explanation.place;
  if (explanation.protected_by)
    return fmt::format("passes all entries by, from or to {}, which is protected: it goes on through {}",
                       to_string(*explanation.protected_by), parent);
  if (place.entry == nullptr)
    return explanation.what == What::established
               ? "passes: a packet of a tracked connection does so before any entry is looked at"
               : fmt::format("no entry matches: the packet goes on through {}", parent);
  const std::string entry = fmt::format("entry {}: {}", place_text(place), entry_text(*place.entry));
  switch (explanation.what) {
  case What::accept:
    return "accepted by " + entry;
  case What::rate_limit:
    return "limited by " + entry;
  case What::established:
    return "passes as a packet of a tracked connection, in front of " + entry;
  case What::no_entry:
  case What::discard:
  case What::unreadable:
    break;
  }
  return "dropped by " + entry;
}

std::string depends_text(const std::vector<Dependence>& depends) {
  std::string text = "cannot be told: it depends on what is not said of the packet\n";
  for (std::size_t index = 0; index < std::min(depends.size(), longest_list); ++index) {
    const auto& [place, options, what] = depends[index];
    text += fmt::format("  entry {}: {}: it depends on {}\n", place_text(place), entry_text(*place.entry),
                        fmt::join(options, ", "));
  }
  if (depends.size() > longest_list)
    text += fmt::format("  and {} more\n", depends.size() - longest_list);
  return text;
}

/// "destination_port" as people write it.
std::string spaced(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '_', ' ');
  return text;
}

ordered_json packet_json(const Question& question) {
  ordered_json packet = {{"family", name(question.family)},
                         {"source", to_string(question.source)},
                         {"destination", to_string(question.destination)}};
  const auto add = [&packet](const char* key, const auto& said) {
    if (said)
      packet[key] = *said;
  };
  add("protocol", question.protocol);
  add("source_port", question.source_port);
  add("destination_port", question.destination_port);
  add("icmp_type", question.icmp_type);
  add("icmp_code", question.icmp_code);
  add("tcp_flags", question.tcp_flags);
  add("packet_length", question.length);
  add("dscp", question.dscp);
  add("flow_label", question.flow_label);
  if (question.fragment)
    packet["fragment"] = name(*question.fragment);
  add("dont_fragment", question.dont_fragment);
  add("established", question.established);
  return packet;
}

/// The entry with its number in front.
ordered_json place_json(const Place& place) {
  if (place.entry == nullptr)
    return nullptr;
  ordered_json result = {{"number", place.number}, {"default_policy", is_default_policy(place.entry->match)}};
  result.update(to_json(*place.entry));
  return result;
}

} // namespace

std::vector<HeldRule> rules_of(const Entry& entry, const TableChains& in) {
  const Match comment = CommentMatch{comment_of(entry)};
  std::vector<HeldRule> held;
  for (const Chain& chain : in.chains)
    for (std::size_t index = 0; index < chain.rules.size(); ++index) {
      const Rule& rule = chain.rules[index];
      if (std::ranges::find(rule.matches, comment) != rule.matches.end())
        held.push_back({in.table, chain.name, index + 1, to_string(rule, in.family)});
    }
  return held;
}

std::string explain_text(const Explanation& explanation, std::span<const HeldRule> rules,
                         std::string_view parent) {
  std::string text;
  if (!explanation.told())
    text += depends_text(explanation.depends) + "otherwise: ";
  text += verdict_text(explanation, parent) + "\n";
  if (explanation.tracked_passes)
    text += "a packet of a tracked connection passes\n";
  if (explanation.place.entry != nullptr) {
    text += rules.empty() ? "no rule holds this entry\n" : "rules, as sync places them:\n";
    for (const HeldRule& rule : rules)
      text += fmt::format("  {} {} {}: {}\n", rule.table, rule.chain, rule.number, rule.text);
  }
  if (!explanation.near.empty())
    text += "close, but for one component:\n";
  for (const auto& [place, component, asks, has] : explanation.near)
    text += fmt::format("  entry {}: {}\n    {} {}: the packet has {}\n", place_text(place),
                        entry_text(*place.entry), spaced(component), asks, has);
  return text;
}

ordered_json explain_json(const Explanation& explanation, const Question& question,
                          std::span<const HeldRule> rules) {
  ordered_json held = ordered_json::array();
  for (const HeldRule& rule : rules)
    held.push_back(
        {{"table", rule.table}, {"chain", rule.chain}, {"number", rule.number}, {"rule", rule.text}});
  ordered_json depends = ordered_json::array();
  for (const auto& [place, options, what] : explanation.depends)
    depends.push_back({{"options", options}, {"verdict", word(what)}, {"entry", place_json(place)}});
  ordered_json near = ordered_json::array();
  for (const auto& [place, component, asks, has] : explanation.near)
    near.push_back({{"component", component}, {"asks", asks}, {"has", has}, {"entry", place_json(place)}});
  return {{"packet", packet_json(question)},
          {"verdict", word(explanation.what)},
          {"told", explanation.told()},
          {"protected_by", explanation.protected_by ? ordered_json(to_string(*explanation.protected_by))
                                                    : ordered_json(nullptr)},
          {"tracked_connection_passes", explanation.tracked_passes},
          {"entry", place_json(explanation.place)},
          {"rules", std::move(held)},
          {"depends", std::move(depends)},
          {"near", std::move(near)}};
}

} // namespace flowspec
