// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the properties of segments and protections share: random segments, and packets that pass chains by
// interfaces.
#pragma once

#include "injector/layout.hpp"
#include "injector/wanted.hpp"
#include "tests/support/evaluate.hpp"
#include "tests/support/generate.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace flowspec::test {

/// How a packet passes the machine.
struct Route {
  std::string chain = "FORWARD"; ///< of table filter
  std::string in;
  std::string out;
};

/// As iptables compares names.
inline bool is_interface(const std::string& asked, const std::string& name) {
  if (asked.empty())
    return true;
  return asked.ends_with('+') ? name.starts_with(std::string_view(asked).substr(0, asked.size() - 1))
                              : asked == name;
}

/// A table as packets meet it, by their interfaces.
class SeenTable {
 public:
  explicit SeenTable(Ruleset all) : all_(std::move(all)) {}

  bool has(const std::string& chain) const { return all_.find(chain) != nullptr; }
  /// Without the rules that ask for other interfaces; what is left asks for none. It lives as long as this.
  const Ruleset& from(const std::string& in, const std::string& out) {
    const auto [at, fresh] = seen_.try_emplace({in, out}, all_);
    if (fresh)
      for (Chain& chain : at->second.chains) {
        RuleList met;
        for (Rule rule : chain.rules)
          if (is_interface(rule.in_interface, in) && is_interface(rule.out_interface, out)) {
            rule.in_interface = rule.out_interface = "";
            met.push_back(rule);
          }
        chain.rules = std::move(met);
      }
    return at->second;
  }

 private:
  Ruleset all_;
  std::map<std::pair<std::string, std::string>, Ruleset> seen_;
};

/// The tables as the kernel would hold them.
inline std::vector<SeenTable> tables_of(const Wanted& wanted) {
  std::vector<SeenTable> tables;
  for (const WantedTable& table : wanted.tables) {
    Ruleset empty{table.family, table.table, {}};
    for (const Hook& hook : table.hooks)
      if (empty.find(hook.parent) == nullptr)
        empty.chains.push_back({hook.parent, Verdict::accept, {}});
    tables.emplace_back(with_ours(empty, table.chains, table.hooks, {}));
  }
  return tables;
}

inline std::string random_interface(generate::Random& random) {
  const std::array<std::string, 4> names{"eth0", "eth1", "swp1", "swp2"};
  return names.at(generate::number(random, 0, 3));
}

/// Through a chain that `filter` has.
inline Route random_route(generate::Random& random, const SeenTable& filter) {
  for (;;) {
    const auto kind = generate::number(random, 0, 9);
    Route route{"FORWARD", random_interface(random), random_interface(random)};
    if (kind == 0)
      route = {"INPUT", route.in, ""};
    else if (kind == 1)
      route = {"OUTPUT", "", route.out};
    else if (kind == 2)
      route.chain = "CUSTOM";
    if (filter.has(route.chain))
      return route;
  }
}

inline SegmentParent random_parent(generate::Random& random, unsigned kind) {
  const auto interface = [&]() -> std::string {
    if (generate::chance(random, 10))
      return generate::chance(random, 50) ? "eth+" : "swp+";
    return random_interface(random);
  };
  SegmentParent parent;
  if (generate::chance(random, 15))
    parent.chain = std::array{"INPUT", "OUTPUT", "CUSTOM"}.at(generate::number(random, 0, 2));
  if (parent.chain != "OUTPUT" && kind != 1)
    parent.in_interface = interface();
  if (parent.chain != "INPUT" && kind != 0)
    parent.out_interface = interface();
  return parent;
}

inline std::string target(std::size_t segment) {
  return "65000:" + std::to_string(segment);
}

/// Up to four segments, that share packets or do not; the n-th imports target(n).
inline std::vector<Segment> random_segments(generate::Random& random) {
  std::vector<Segment> segments;
  const unsigned kind = generate::number(random, 0, 3); // 0: told by where they come from; 1: go to
  while (segments.size() < 4 && (segments.empty() || generate::chance(random, 80))) {
    Segment segment;
    segment.name = "s" + std::to_string(segments.size());
    segment.import = {target(segments.size())};
    segment.parents = {random_parent(random, kind)};
    if (SegmentParent other = random_parent(random, kind);
        other != segment.parents[0] && generate::chance(random, 40))
      segment.parents.push_back(std::move(other));
    segments.push_back(std::move(segment));
    if (kind < 2 && may_share_packets(segments) && generate::chance(random, 60))
      segments.pop_back();
  }
  return segments;
}

/// Targets of segments that there are, and of others.
inline void add_targets(generate::Random& random, std::vector<Entry>& entries) {
  for (Entry& entry : entries)
    for (std::size_t segment = 0; segment < 6; ++segment)
      if (generate::chance(random, 25))
        entry.route_targets.push_back(target(segment));
}

inline void add_segments(generate::Random& random, CompileOptions& options) {
  options.segments = random_segments(random);
  options.parents = generate::chance(random, 70)   ? std::vector<std::string>{"FORWARD"}
                    : generate::chance(random, 50) ? std::vector<std::string>{"INPUT", "FORWARD"}
                                                   : std::vector<std::string>{"CUSTOM", "OUTPUT"};
  if (options.segments.empty() || generate::chance(random, 60))
    return;
  options.untargeted.where =
      generate::chance(random, 50) ? Untargeted::Where::none : Untargeted::Where::segment;
  options.untargeted.segment = options.segments.back().name;
}

/// The segments that a packet on this route is in.
inline std::vector<std::size_t> segments_of(const Route& route, const CompileOptions& options) {
  std::vector<std::size_t> result;
  for (std::size_t number = 0; number < options.segments.size(); ++number)
    if (std::ranges::any_of(options.segments[number].parents, [&](const SegmentParent& parent) {
          return parent.chain == route.chain && is_interface(parent.in_interface, route.in) &&
                 is_interface(parent.out_interface, route.out);
        }))
      result.push_back(number);
  return result;
}

/// The lists of entries, one of which or each of which a packet on this route is judged by. Independent of
/// what arrange() makes of it.
inline std::vector<std::vector<Entry>> lists_for(const Route& route, const std::vector<Entry>& entries,
                                                 const CompileOptions& options) {
  const auto is_parent = [&] { return std::ranges::count(options.parents, route.chain) > 0; };
  if (options.segments.empty() && is_parent())
    return {entries};
  const auto targeted = [&](const Entry& entry) {
    return std::ranges::any_of(options.segments,
                               [&](const Segment& segment) { return segment.takes(entry); });
  };
  std::vector<std::vector<Entry>> lists;
  const std::vector<std::size_t> numbers = segments_of(route, options);
  const Untargeted& rest = options.untargeted;
  for (const std::size_t number : numbers) {
    const Segment& segment = options.segments[number];
    lists.emplace_back();
    for (const Entry& entry : entries)
      if (segment.takes(entry) ||
          (!targeted(entry) && (rest.where == Untargeted::Where::all ||
                                (rest.where == Untargeted::Where::segment && rest.segment == segment.name))))
        lists.back().push_back(entry);
  }
  if (numbers.empty() && rest.where == Untargeted::Where::all && is_parent()) {
    lists.emplace_back();
    for (const Entry& entry : entries)
      if (!targeted(entry))
        lists.back().push_back(entry);
  }
  return lists;
}

/// What becomes of a packet that these lists judge: dropped when one of them drops it.
inline Evaluation::What expected(const std::vector<std::vector<Entry>>& lists, const Packet& packet,
                                 const CompileOptions& options) {
  auto what = Evaluation::What::returned;
  for (const std::vector<Entry>& list : lists) {
    const Decision decision = decide(list, packet, options.stateful);
    if (decision.what == Decision::What::discard || decision.what == Decision::What::unreadable)
      return Evaluation::What::drop;
    if (decision.what != Decision::What::no_entry && options.accept == Verdict::accept &&
        !hands_back(options))
      what = Evaluation::What::accept;
  }
  return what;
}

} // namespace flowspec::test
