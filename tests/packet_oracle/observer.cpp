// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet_oracle/observer.hpp"

#include "common/error.hpp"
#include "tests/support/legacy.hpp"
#include "tests/support/packet_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace flowspec::oracle {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{3}; ///< for what takes microseconds
constexpr const char* passed = "oracle passed";

void count_in(Family family, const char* table, const char* chain) {
  test::iptables(family, {"-t", table, "-A", chain, "-m", "comment", "--comment", passed});
}

} // namespace

Observer::Observer(test::ForwardingLab& lab, Family family, std::string chain)
    : lab_(lab), chain_(std::move(chain)), filter_(family, "filter"), mangle_(family, "mangle") {
  count_in(family, "filter", "FORWARD");
  count_in(family, "mangle", "PREROUTING");
  count_in(family, "mangle", "POSTROUTING");
}

Observer::Passage Observer::passage(const CountedTable& table, std::string_view parent) const {
  Passage result;
  for (std::size_t index = 0; index < table.rules().size(); ++index) {
    const CountedRule& rule = table.rules()[index];
    if (rule.chain != parent)
      continue;
    if (rule.comment == passed) {
      result.left = index;
      result.lost = result.lost_now(table);
      return result;
    }
    result.entered = result.entered.value_or(index);
  }
  throw Error(fmt::format("the oracle's rule in {} is gone", parent));
}

std::uint64_t Observer::Passage::lost_now(const CountedTable& table) const {
  return entered ? table.packets(*entered) - table.packets(left) : 0;
}

void Observer::rules_changed() {
  filter_.reload();
  mangle_.reload();
  before_routing_ = passage(mangle_, "PREROUTING");
  after_routing_ = passage(mangle_, "POSTROUTING");
  forward_ = passage(filter_, "FORWARD");
  if (!forward_.entered)
    throw Error("nothing leads from FORWARD to " + chain_);
}

/// True when a packet went into `passage` of table mangle and was dropped there, since the last one that was.
bool Observer::stopped(Passage& passage) {
  if (!passage.entered)
    return false;
  mangle_.read();
  const std::uint64_t lost = passage.lost_now(mangle_);
  return std::exchange(passage.lost, lost) != lost;
}

/// The kernel writes the counters of a whole walk through a table before anybody may read one of them
/// (xt_recseq), so that the first rule's tells of all. False when the packet never got so far.
bool Observer::await_forward(Fate& fate) {
  for (const auto deadline = Clock::now() + patience;;) {
    filter_.read();
    if (filter_.rise(*forward_.entered) != 0)
      return true;
    if (stopped(before_routing_)) {
      fate.in_mangle = true;
      return false;
    }
    if (Clock::now() > deadline) {
      fate.trouble = "never reached FORWARD: no packet that a router sends on";
      return false;
    }
  }
}

void Observer::read_verdicts(Fate& fate) const {
  for (std::size_t index = 0; index < filter_.rules().size(); ++index) {
    const CountedRule& rule = filter_.rules()[index];
    if (!rule.chain.starts_with(chain_))
      continue;
    const std::uint64_t rise = filter_.rise(index);
    if (rise > 1)
      fate.trouble += fmt::format("counted {} times in {}; ", rise, rule.chain);
    if (rise == 0)
      continue;
    switch (rule.kind) {
    case CountedRule::Kind::accept:
      fate.verdicts.push_back("ACCEPT " + rule.comment);
      break;
    case CountedRule::Kind::drop:
      fate.verdicts.push_back("DROP " + rule.comment);
      break;
    case CountedRule::Kind::log:
      fate.samples.push_back(rule.comment);
      break;
    case CountedRule::Kind::other:
      break;
    }
  }
}

void Observer::arrived(const std::vector<test::ForwardingLab::Arrival>& arrivals, const test::Bytes& sent,
                       Fate& fate) const {
  if (arrivals.size() > 1)
    fate.trouble += fmt::format("{} packets came out; ", arrivals.size());
  const auto& [exit, packet] = arrivals.front();
  fate.exit = exit == test::ForwardingLab::Exit::by_default ? Fate::Exit::by_default : Fate::Exit::by_mark;
  fate.dscp = test::parse(packet).dscp;
  if (packet != test::forwarded(sent, fate.dscp))
    fate.trouble += "another packet came out; ";
}

/// Of a packet that table filter let through.
void Observer::await_exit(const test::Bytes& sent, Fate& fate) {
  for (const auto deadline = Clock::now() + patience;;) {
    if (const auto arrivals = lab_.arrivals(1); !arrivals.empty())
      return arrived(arrivals, sent, fate);
    if (stopped(after_routing_))
      return;
    if (Clock::now() > deadline) {
      fate.trouble += "let through, and never came out; ";
      return;
    }
  }
}

Fate Observer::observe(const test::Bytes& packet) {
  Fate fate;
  filter_.mark();
  lab_.send(packet);
  if (!await_forward(fate))
    return fate;
  read_verdicts(fate);
  const bool accepted = std::any_of(fate.verdicts.begin(), fate.verdicts.end(),
                                    [](const std::string& verdict) { return verdict.starts_with("ACCEPT"); });
  if (accepted || filter_.rise(forward_.left) != 0)
    await_exit(packet, fate);
  else if (const auto arrivals = lab_.arrivals(); !arrivals.empty())
    arrived(arrivals, packet, fate);
  return fate;
}

} // namespace flowspec::oracle
