// SPDX-License-Identifier: GPL-2.0-or-later
//
// An explanation agrees with the reference matcher: exactly when the question says everything, and never
// contradicts it when it does not.
#include "common/decide.hpp"
#include "common/precedence.hpp"
#include "injector/component_check.hpp"
#include "injector/explain.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flowspec;

namespace {

/// True for the packets that a question has words for.
bool can_be_asked(const Packet& packet) {
  const bool ipv6 = packet.family() == Family::ipv6;
  return !packet.header_cut && !packet.upper_layer_hidden && packet.length >= (ipv6 ? 40U : 20U) &&
         !(ipv6 && extension_headers().contains(packet.protocol));
}

/// All that there is to say of the packet.
Question full_question(const Packet& packet) {
  Question question;
  question.family = packet.family();
  question.source = packet.source;
  question.destination = packet.destination;
  question.protocol = packet.protocol;
  question.source_port = packet.source_port;
  question.destination_port = packet.destination_port;
  question.icmp_type = packet.icmp_type;
  question.icmp_code = packet.icmp_code;
  question.tcp_flags = packet.tcp_flags;
  question.length = packet.length;
  question.dscp = packet.dscp;
  if (packet.family() == Family::ipv6)
    question.flow_label = packet.flow_label;
  else
    question.dont_fragment = packet.dont_fragment;
  if (packet.fragment_offset == 0)
    question.fragment = packet.more_fragments ? FragmentPlace::first : FragmentPlace::none;
  else
    question.fragment = packet.more_fragments ? FragmentPlace::middle : FragmentPlace::last;
  question.established = packet.established;
  return question;
}

/// Leaves out about every third thing that was said.
void forget(generate::Random& random, Question& question) {
  const auto maybe = [&random](auto& said) {
    if (generate::chance(random, 35))
      said.reset();
  };
  maybe(question.protocol);
  maybe(question.source_port);
  maybe(question.destination_port);
  maybe(question.icmp_type);
  maybe(question.icmp_code);
  maybe(question.tcp_flags);
  maybe(question.length);
  maybe(question.dscp);
  maybe(question.flow_label);
  maybe(question.dont_fragment);
  maybe(question.fragment);
  maybe(question.established);
}

/// The match with one component alone, and without it.
struct Split {
  Components alone;
  Components rest;
};
Split split(const Components& match, std::string_view component) {
  Split result{{}, match};
  result.alone.family = match.family;
  const auto move = [&](std::string_view name, auto member) {
    if (name == component)
      std::swap(result.alone.*member, result.rest.*member);
  };
  move("destination", &Components::destination);
  move("source", &Components::source);
  move("protocol", &Components::protocol);
  move("port", &Components::port);
  move("destination_port", &Components::destination_port);
  move("source_port", &Components::source_port);
  move("icmp_type", &Components::icmp_type);
  move("icmp_code", &Components::icmp_code);
  move("tcp_flags", &Components::tcp_flags);
  move("packet_length", &Components::packet_length);
  move("dscp", &Components::dscp);
  move("fragment", &Components::fragment);
  move("flow_label", &Components::flow_label);
  return result;
}

struct Case {
  std::vector<Entry> entries; ///< in their order
  Packet packet;
  Stateful stateful = Stateful::default_drop;
};

/// Calls `test` with random entries of both families and packets near them.
template <class Test>
void for_random_cases(generate::Random& random, const Test& test) {
  constexpr Stateful all[] = {Stateful::default_drop, Stateful::never, Stateful::always};
  for (int set = 0; set < 250; ++set) {
    const Family family = generate::chance(random, 70) ? Family::ipv4 : Family::ipv6;
    Case each;
    each.entries = generate::entries(random, family, generate::number(random, 1, 12), {true, true});
    sort_by_precedence(each.entries);
    each.stateful = all[generate::number(random, 0, 2)];
    for (int index = 0; index < 40; ++index) {
      const auto last = static_cast<std::uint32_t>(each.entries.size() - 1);
      each.packet = generate::packet_near(random, each.entries[generate::number(random, 0, last)].match);
      if (!can_be_asked(each.packet))
        continue;
      CAPTURE(set, index);
      test(each);
    }
  }
}

} // namespace

TEST_CASE("an explanation of a packet that is fully described is the reference matcher's decision") {
  generate::Random random(generate::seed());
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  std::size_t decided = 0;
  std::size_t near = 0;
  for_random_cases(random, [&](const Case& each) {
    const Decision decision = decide(each.entries, each.packet, each.stateful);
    const Explanation got = explain(each.entries, full_question(each.packet), each.stateful);
    REQUIRE(got.told());
    REQUIRE_FALSE(got.tracked_passes);
    REQUIRE(got.what == decision.what);
    REQUIRE(got.place.entry == decision.entry);
    if (decision.entry != nullptr)
      REQUIRE(&each.entries[got.place.number - 1] == decision.entry);
    REQUIRE(got.near.size() <= 5);
    std::size_t before = got.place.entry == nullptr ? each.entries.size() + 1 : got.place.number;
    for (const NearMiss& miss : got.near) {
      CAPTURE(miss.component, to_string(miss.place.entry->match));
      REQUIRE(miss.place.number < before);
      before = miss.place.number;
      const Split parts = split(miss.place.entry->match, miss.component);
      REQUIRE(matches(parts.rest, each.packet));
      REQUIRE_FALSE(matches(parts.alone, each.packet));
    }
    decided += decision.entry != nullptr ? 1 : 0;
    near += got.near.size();
  });
  // The generators must meet the entries, or this shows nothing.
  CHECK(decided > 4000);
  CHECK(near > 2000);
}

TEST_CASE("an explanation of a packet that is partly described never contradicts the reference matcher") {
  generate::Random random(generate::seed() + 1);
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  std::size_t told = 0;
  std::size_t open = 0;
  for_random_cases(random, [&](const Case& each) {
    Question question = full_question(each.packet);
    forget(random, question);
    const Explanation got = explain(each.entries, question, each.stateful);
    Packet packet = each.packet;
    packet.established = question.established.value_or(false);
    const Decision decision = decide(each.entries, packet, each.stateful);
    const auto is_it = [&](Decision::What what, const Place& place) {
      return what == decision.what && place.entry == decision.entry;
    };
    const bool foreseen =
        is_it(got.what, got.place) || std::ranges::any_of(got.depends, [&](const Dependence& dependence) {
          return is_it(dependence.what, dependence.place);
        });
    REQUIRE(foreseen);
    if (got.told() && !question.established) {
      packet.established = true;
      const Decision tracked = decide(each.entries, packet, each.stateful);
      REQUIRE(got.tracked_passes == (tracked.what == Decision::What::established));
      REQUIRE((got.tracked_passes || tracked == decision));
    }
    ++(got.told() ? told : open);
  });
  CHECK(told > 1000);
  CHECK(open > 1000);
}

TEST_CASE("what is said of one component is what the reference matcher says of it alone") {
  generate::Random random(generate::seed() + 2);
  INFO("FLOWSPEC_TEST_SEED=" << generate::seed());
  std::size_t seen[3] = {};
  for_random_cases(random, [&](const Case& each) {
    Question question = full_question(each.packet);
    const bool full = generate::chance(random, 30);
    if (!full)
      forget(random, question);
    for (const Entry& entry : each.entries)
      for (const ComponentCheck& check : check_components(entry.match, question)) {
        const bool holds = matches(split(entry.match, check.component).alone, each.packet);
        const bool sound = check.holding == Holding::holds   ? holds
                           : check.holding == Holding::fails ? !holds && !check.has.empty()
                                                             : !full && !check.options.empty();
        if (!sound)
          FAIL(check.component << " " << check.asks << ": the packet has " << check.has);
        ++seen[static_cast<std::size_t>(check.holding)];
      }
  });
  for (const std::size_t count : seen)
    CHECK(count > 5000);
}
