// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/chain_walk.hpp"

#include "common/error.hpp"
#include "fetcher/chain_effects.hpp"
#include "fetcher/one_verdict.hpp"
#include "fetcher/rule_packets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace flowspec {

namespace {

/// Where packets go on that come to the end of a chain.
struct Caller {
  const Chain* chain = nullptr;
  std::size_t next = 0; ///< the rule behind the call
  const Caller* caller = nullptr;
};

bool discards(const Rule& rule) {
  return std::holds_alternative<RejectTarget>(rule.target) || rule.target == Target(Verdict::drop);
}

class Walker {
 public:
  Walker(const Ruleset& ruleset, const Chain& base, const WalkLimits& limits, WalkListener& listener)
      : ruleset_(ruleset), base_(base), limits_(limits), listener_(&listener), effects_(ruleset, base) {}

  void walk_base() { walk(base_, 0, {Box(ruleset_.family)}, nullptr); }

 private:
  /// Sends `packets` through `chain` from rule `from` on. Those that are left at its end are the caller's.
  void walk(const Chain& chain, std::size_t from, std::vector<Box> packets, const Caller* caller) {
    for (std::size_t index = from; index < chain.rules.size(); ++index) {
      if (packets.empty() || listener_->done())
        return;
      const Visit visit{&chain, index, ++number_};
      count_steps(visit, 1);
      listener_->visit(visit);
      packets = behind(visit, std::move(packets), caller);
      if (packets.size() > limits_.most_boxes)
        throw Error(fmt::format("{}: the packets left behind it take more than {} routes to name; "
                                "--max-routes allows more",
                                place(visit), limits_.most_boxes));
    }
  }

  /// What the packets do that come to a rule; those that still come to the next rule are returned. (Packets
  /// that were decided may be among them: what is told first counts.)
  std::vector<Box> behind(const Visit& visit, std::vector<Box> packets, const Caller* caller) {
    const Rule rule = visit.rule();
    if (const std::string_view target = target_without_verdict(rule); !target.empty()) {
      listener_->skip(visit, Reason::not_published, fmt::format("{} decides nothing: passed over", target));
      return packets;
    }
    const auto* jump = std::get_if<Jump>(&rule.target);
    if (jump && !jump->go_to && !effects_.decides(jump->chain)) {
      listener_->skip(visit, Reason::not_published, fmt::format("no rule of chain {} decides", jump->chain));
      return packets;
    }
    const RulePackets match = packets_of(rule, ruleset_.family, limits_.reassembled, limits_.most_boxes);
    if (match.too_many)
      throw too_many(visit);
    if (match.boxes.empty()) {
      listener_->skip(visit, Reason::never_matches,
                      match.never.empty() ? "its conditions exclude each other" : match.never);
      return packets;
    }
    const std::vector<Box> hit = hits(packets, match.boxes);
    if (hit.empty()) {
      listener_->skip(
          visit, Reason::never_matches,
          fmt::format("no packet that comes here through chain {} matches it", visit.chain->name));
      return packets;
    }
    if (hit.size() > limits_.most_boxes)
      throw too_many(visit);
    count_steps(visit, steps_of_a_hit * packets.size());
    const bool all =
        match.unsayable.empty() && match.above_rate == nullptr &&
        std::ranges::all_of(packets, [&](const Box& box) {
          return std::ranges::any_of(match.boxes, [&](const Box& outer) { return covers(outer, box); });
        });
    if (std::string why = why_left_out(rule, match); !why.empty()) {
      if (leaves_nothing_out(visit, rule))
        listener_->skip(visit, Reason::not_published, "no rule behind it in its chain decides");
      else
        listener_->leave_out(visit, hit, std::move(why), effects_.gap_without(rule));
      return packets;
    }
    if (match.above_rate != nullptr)
      police(visit, hit, *match.above_rate, caller);
    else if (jump)
      return call(visit, *jump, std::move(packets), hit, all, caller);
    else if (rule.target == Target(Verdict::return_))
      return leave(visit, std::move(packets), hit, all, caller);
    else
      listener_->decide(visit, hit, discards(rule) ? Verdict::drop : Verdict::accept);
    if (all && match.above_rate == nullptr)
      packets.clear();
    return packets;
  }

  std::vector<Box> hits(const std::vector<Box>& packets, const std::vector<Box>& match) const {
    if (packets.size() == 1 && is_every_packet(packets.front()))
      return match;
    return intersection(packets, match);
  }

  /// Why nobody can be told what the rule decides; empty when one can.
  std::string why_left_out(const Rule& rule, const RulePackets& match) const {
    if (!match.unsayable.empty())
      return match.unsayable;
    if (match.above_rate != nullptr && !discards(rule))
      return "a rate limit is published only where what is above it is dropped";
    if (match.above_rate != nullptr && effects_.users_of_bucket(match.above_rate->name) > 1)
      return fmt::format("several rules share the rate limit {}", match.above_rate->name);
    if (const auto* opaque = std::get_if<OpaqueTarget>(&rule.target))
      return fmt::format("not understood: -j {}", opaque->name);
    if (const auto* to = std::get_if<Jump>(&rule.target); to && ruleset_.find(to->chain) == nullptr)
      return fmt::format("there is no chain {}", to->chain);
    if (std::holds_alternative<DscpTarget>(rule.target))
      return "-j DSCP changes the packet";
    return {};
  }

  /// True for a rule that only ends a chain in which nothing is decided any more.
  bool leaves_nothing_out(const Visit& visit, const Rule& rule) const {
    return rule.target == Target(Verdict::return_) && visit.chain != &base_ &&
           effects_.deciding_rules(*visit.chain, visit.index + 1) == 0;
  }

  std::vector<Box> call(const Visit& visit, const Jump& jump, std::vector<Box> packets,
                        const std::vector<Box>& hit, bool all, const Caller* caller) {
    listener_->pass(visit);
    const Chain& target = *ruleset_.find(jump.chain);
    if (!jump.go_to) {
      const Caller here{visit.chain, visit.index + 1, caller};
      walk(target, 0, hit, &here);
      return packets;
    }
    walk(target, 0, hit, caller);
    if (listener_->done())
      return {};
    return leave(visit.chain == &base_ ? again(visit) : visit, std::move(packets), hit, all, caller);
  }

  /// `hit` of the packets leave the chain here and go on behind its call; the others come to the next rule.
  /// Either the others are named, or those that leave are followed to their verdict first, whatever takes
  /// less.
  std::vector<Box> leave(const Visit& visit, std::vector<Box> packets, const std::vector<Box>& hit, bool all,
                         const Caller* caller) {
    listener_->pass(visit);
    if (visit.chain == &base_) {
      listener_->decide(visit, hit, *base_.policy);
      if (all)
        packets.clear();
      return packets;
    }
    if (all)
      return {};
    const std::size_t here = effects_.deciding_rules(*visit.chain, visit.index + 1);
    if (here == 0)
      return packets;
    std::size_t behind = 1; // the policy
    for (const Caller* next = caller; next != nullptr; next = next->caller)
      behind += effects_.deciding_rules(*next->chain, next->next);
    std::vector<Box> others = without(packets, hit);
    const bool nameable = std::ranges::all_of(hit, [&](const Box& box) { return listener_->can_name(box); });
    if (excludes_interfaces(others) && !nameable) {
      listener_->leave_out(visit, hit, "interfaces have no flowspec component", Gap::unclear);
      return packets;
    }
    if (others.size() * here <= packets.size() * here + hit.size() * behind && !excludes_interfaces(others))
      return others;
    if (std::ranges::any_of(hit, [](const Box& box) { return box.states != connection::every; }))
      return others; // what states decide is not always published, and would not stand before the rest
    if (followed_ahead_ == deepest_ahead)
      return others;
    ++followed_ahead_;
    follow(hit, caller);
    --followed_ahead_;
    if (!listener_->done())
      listener_->decide(again(visit), hit, *base_.policy);
    return packets;
  }

  /// What a rule decides when others have decided first.
  Visit again(Visit visit) {
    visit.number = ++number_;
    return visit;
  }

  /// Sends packets that left their chain through what is behind its call, up to the end of the base chain.
  void follow(const std::vector<Box>& packets, const Caller* caller) {
    for (; caller != nullptr; caller = caller->caller)
      walk(*caller->chain, caller->next, packets, caller->caller);
  }

  /// What is in `packets` and not in `cut`.
  std::vector<Box> without(const std::vector<Box>& packets, const std::vector<Box>& cut) const {
    std::vector<Box> left = packets;
    for (const Box& box : cut) {
      std::vector<Box> next;
      for (const Box& piece : left)
        for (Box& rest : difference(piece, box))
          next.push_back(std::move(rest));
      left = std::move(next);
      if (left.size() > limits_.most_boxes)
        break; // the other way will be taken, or this one refused
    }
    return left;
  }

  static bool excludes_interfaces(const std::vector<Box>& boxes) {
    return std::ranges::any_of(
        boxes, [](const Box& box) { return !box.in.is_not.empty() || !box.out.is_not.empty(); });
  }

  /// What is below the rate goes on to the next rule: a route with a rate accepts it, so that all of it must
  /// be accepted by what follows.
  void police(const Visit& visit, const std::vector<Box>& hit, const HashlimitMatch& limit,
              const Caller* caller) {
    if (policing_) { // what is below one rate is asked for another: that is no single verdict
      listener_->limit(visit, hit, limit);
      return;
    }
    if (followed_ahead_ != 0 || effects_.ways_to(*visit.chain) != 1) {
      listener_->leave_out(visit, hit, "packets come to it on several ways, and share its rate limit",
                           Gap::hole);
      return;
    }
    if (hit.size() != 1) {
      listener_->leave_out(visit, hit, "its packets take several routes, which cannot share a rate limit",
                           Gap::hole);
      return;
    }
    OneVerdict heard(hit.front());
    WalkListener* const listener = std::exchange(listener_, &heard);
    const std::uint64_t number = number_;
    policing_ = true;
    walk(*visit.chain, visit.index + 1, hit, caller);
    follow(hit, caller);
    heard.come_to_the_end(*base_.policy);
    policing_ = false;
    number_ = number;
    listener_ = listener;
    const auto verdict = heard.verdict();
    if (verdict == Verdict::accept)
      listener_->limit(visit, hit, limit);
    else if (verdict == Verdict::drop)
      listener_->decide(visit, hit, Verdict::drop);
    else
      listener_->leave_out(
          visit, hit, "not all packets below the rate limit are accepted by the rules behind it", Gap::hole);
  }

  Error too_many(const Visit& visit) const {
    return Error(fmt::format("{}: it takes more than {} routes; --max-routes allows more", place(visit),
                             limits_.most_boxes));
  }

  void count_steps(const Visit& visit, std::size_t steps) {
    steps_ += steps;
    if (steps_ > steps_of_a_hit * most_hits_for_a_route * (limits_.most_boxes + 10000))
      throw Error(fmt::format(
          "{}: the ways through the chains are too many to follow; --max-routes allows more", place(visit)));
  }

  static constexpr std::size_t steps_of_a_hit = 16; ///< a rule that matches none of the packets takes one
  static constexpr std::size_t most_hits_for_a_route = 20;
  static constexpr unsigned deepest_ahead = 3; ///< each one may double the way

  const Ruleset& ruleset_;
  const Chain& base_;
  WalkLimits limits_;
  WalkListener* listener_;
  ChainEffects effects_;
  std::uint64_t number_ = 0;
  std::size_t steps_ = 0;
  unsigned followed_ahead_ = 0;
  bool policing_ = false; ///< listening for what becomes of packets below a rate
};

} // namespace

void walk(const Ruleset& ruleset, const Chain& base, const WalkLimits& limits, WalkListener& listener) {
  Walker(ruleset, base, limits, listener).walk_base();
}

std::string place(const Visit& visit) {
  return fmt::format("{} {}", visit.chain->name, visit.index + 1);
}

} // namespace flowspec
