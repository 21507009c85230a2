// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet_oracle/rule_set.hpp"

#include "common/iptc.hpp"
#include "injector/ruleset_diff.hpp"
#include "tests/support/forwarding_lab.hpp"

#include <array>
#include <map>
#include <string>

namespace flowspec::oracle {

namespace {

/// So high that no packet exceeds it, and not so high that the kernel could not hold it.
constexpr double rate = 1e9;

/// splitmix64: neighbouring numbers give unrelated ones.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

} // namespace

std::uint64_t seed_of(std::uint64_t base, std::uint64_t index, Family family) {
  const std::uint64_t mixed = mix(mix(base) + (index + 1) * 0x9e3779b97f4a7c15);
  return (mixed & ~std::uint64_t{1}) | (family == Family::ipv6 ? 1U : 0U);
}

RuleSet draw(std::uint64_t seed) {
  using generate::chance;
  RuleSet set{seed, generate::Random(seed), (seed & 1) != 0 ? Family::ipv6 : Family::ipv4, {}, {}};
  set.options.stateful = Stateful::never; // tracked connections have no fragments
  set.options.accept = chance(set.random, 85) ? Verdict::accept : Verdict::return_;
  set.options.redirects[generate::redirect_target] = MarkTarget{test::ForwardingLab::mark, 0xffffffff};
  const generate::EntryShape shape{
      .every_component = true, .sequences = true, .every_action = chance(set.random, 50)};
  const bool tree = mix(seed >> 1) % 3 == 0; // and then enough entries for one
  set.options.layout = tree ? Layout::tree : Layout::linear;
  const std::uint32_t least = tree ? 20 : 1;
  const std::uint32_t most = tree ? 60 : chance(set.random, 40) ? 3 : 12;
  set.entries = generate::entries(set.random, set.family, generate::number(set.random, least, most), shape);
  for (Entry& entry : set.entries)
    if (entry.actions.rate && !entry.actions.discards())
      entry.actions.rate = rate;
  return set;
}

Installed install(const RuleSet& set) {
  const std::array families{set.family};
  Wanted wanted = arrange(set.entries, families, set.options);
  for (const WantedTable& goal : wanted.tables) {
    KernelTable table(goal.family, goal.table);
    const Ruleset current = table.read();
    table.commit(diff(current, with_ours(current, goal.chains, goal.hooks, {set.options.chain})));
  }

  std::map<std::string, Reason> left_out;
  for (const Rejected& rejected : wanted.rejected)
    left_out.emplace(rejected.subject, rejected.reason);
  Installed installed{{}, {}, std::move(wanted.rejected), std::move(wanted.tables)};
  for (const Entry& entry : set.entries) {
    const auto found = left_out.find(to_string(entry.match));
    if (found == left_out.end())
      installed.reference.push_back(entry);
    else if (found->second == Reason::never_matches)
      installed.never_matching.push_back(entry);
  }
  return installed;
}

} // namespace flowspec::oracle
