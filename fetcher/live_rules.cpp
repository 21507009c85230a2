// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/live_rules.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

namespace flowspec {

namespace {

struct FamilyWords {
  std::string_view family;
  std::string_view legacy;
  std::string_view pipe; ///< reads the rules of nf_tables
};

FamilyWords words(Family family) {
  if (family == Family::ipv4)
    return {"IPv4", "iptables-legacy", "iptables-save | flowspec-fetcher generate --rules -"};
  return {"IPv6", "ip6tables-legacy", "ip6tables-save | flowspec-fetcher generate --rules6 -"};
}

bool accepts_everything(const Ruleset& table) {
  const Chain* forward = table.find("FORWARD");
  return forward != nullptr && forward->rules.empty() && forward->policy == Verdict::accept;
}

void add_family(LiveRules& live, Family family, bool in_use, bool alone, const KernelView& kernel) {
  const auto [name, legacy, pipe] = words(family);
  const bool elsewhere = kernel.nf_tables_hold_rules(family);
  // A host whose rules are not loaded yet looks like this too: it must not open every switch.
  if (!in_use && !elsewhere)
    throw Error(fmt::format("nobody uses {} here: there is no FORWARD to publish{}", legacy,
                            alone ? "" : "; --family ipv6 leaves IPv4 out"));
  Ruleset table = in_use ? kernel.read_filter_table(family) : Ruleset{family, "filter", {}};
  if (!in_use || accepts_everything(table)) {
    if (elsewhere)
      throw Error(fmt::format(
          "FORWARD of {} has no rule and accepts everything, and nf_tables hold {} rules, which are not read "
          "here: {}{}",
          legacy, name, pipe,
          alone ? ""
                : fmt::format("; --family {} leaves {} out",
                              flowspec::name(family == Family::ipv4 ? Family::ipv6 : Family::ipv4), name)));
    live.words.push_back(
        fmt::format("{} FORWARD has no rule: its policy, ACCEPT, is all there is to publish", name));
  } else if (elsewhere) {
    live.words.push_back(fmt::format("nf_tables hold {} rules too, which are not read here: {}", name, pipe));
  }
  live.rulesets.push_back(std::move(table));
  if (kernel.tracks_connections(family))
    live.tracked.push_back(family);
}

} // namespace

LiveRules live_rules(std::optional<Family> family, const KernelView& kernel) {
  LiveRules live;
  for (const Family each : {Family::ipv4, Family::ipv6}) {
    if (family && *family != each)
      continue;
    const bool in_use = kernel.table_in_use(each);
    if (!family && each == Family::ipv6 && !in_use)
      live.words.push_back(
          fmt::format("IPv6 is left out: nobody uses ip6tables-legacy here{}",
                      kernel.nf_tables_hold_rules(each)
                          ? fmt::format(", and what nf_tables hold is not read: {}", words(each).pipe)
                          : ""));
    else
      add_family(live, each, in_use, family.has_value(), kernel);
  }
  return live;
}

} // namespace flowspec
