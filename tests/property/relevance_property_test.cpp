// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a machine leaves out because it is not its own changes nothing for packets to it, and takes nothing
// away from those that it sends.
#include "common/decide.hpp"
#include "common/precedence.hpp"
#include "injector/relevance.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

PrefixSet some_own(generate::Random& random, Family family) {
  std::vector<Prefix> prefixes;
  for (std::uint32_t count = generate::number(random, 1, 3); count > 0; --count) {
    Prefix prefix = generate::prefix(random, family);
    if (prefix.length < 16 && generate::chance(random, 80)) // most machines are not everything
      prefix = Prefix::masked(generate::address(random, family), address_bits(family));
    prefixes.push_back(prefix);
  }
  return PrefixSet(std::move(prefixes));
}

/// Many without a source or with one of `own`, and with few matches beside prefixes: more of them meet.
std::vector<Entry> some_entries(generate::Random& random, Family family, const PrefixSet& own) {
  std::vector<Entry> entries =
      generate::entries(random, family, generate::number(random, 1, 12), {false, true, true});
  for (Entry& entry : entries) {
    if (is_default_policy(entry.match))
      continue;
    if (entry.match.destination && generate::chance(random, 30))
      entry.match.source.reset();
    else if (generate::chance(random, 40))
      entry.match.source = own.prefixes().front();
    if (generate::chance(random, 50)) {
      entry.match.port = entry.match.destination_port = entry.match.source_port = std::nullopt;
      entry.match.icmp_type = entry.match.icmp_code = std::nullopt;
    }
  }
  std::vector<Entry> distinct;
  for (const Entry& entry : entries)
    if (std::ranges::find(distinct, entry.match, &Entry::match) == distinct.end())
      distinct.push_back(entry);
  return distinct;
}

Address own_address(generate::Random& random, const PrefixSet& own) {
  const auto prefixes = own.prefixes();
  const Prefix& prefix =
      prefixes[generate::number(random, 0, static_cast<std::uint32_t>(prefixes.size()) - 1)];
  for (int tries = 0; tries < 20; ++tries)
    if (const Address address = generate::address(random, prefix.family()); prefix.contains(address))
      return address;
  return prefix.address;
}

struct Case {
  PrefixSet own;
  std::vector<Entry> all;
  std::vector<Entry> left;
};

Case some_case(generate::Random& random, Family family) {
  Case result;
  result.own = some_own(random, family);
  result.all = some_entries(random, family, result.own);
  result.left = relevant(result.all, result.own).entries;
  return result;
}

Packet near_some(generate::Random& random, const Case& here, Family family) {
  Packet packet = generate::packet(random, family);
  if (!here.all.empty() && generate::chance(random, 80)) {
    const auto last = static_cast<std::uint32_t>(here.all.size()) - 1;
    packet = generate::packet_near(random, here.all[generate::number(random, 0, last)].match);
  }
  return packet;
}

std::string words(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries)
    text += to_string(entry.match) + ": " + to_string(entry.actions) +
            (entry.sequence ? " seq " + std::to_string(*entry.sequence) : "") + "\n";
  return text;
}

std::string words(const PrefixSet& set) {
  std::string text;
  for (const Prefix& prefix : set.prefixes())
    text += to_string(prefix) + " ";
  return text;
}

bool same(const Decision& a, const Decision& b) {
  if (a.what != b.what || (a.entry == nullptr) != (b.entry == nullptr))
    return false;
  return a.entry == nullptr || *a.entry == *b.entry;
}

bool passes(const Decision& decision) {
  return decision.what == Decision::What::accept || decision.what == Decision::What::no_entry ||
         decision.what == Decision::What::established;
}

bool alters(const Decision& decision) {
  return decision.entry != nullptr && (decision.entry->actions.dscp_mark || decision.entry->actions.redirect);
}

template <typename Check>
void each_case(int cases, int packets, Check check) {
  generate::Random random(generate::seed());
  for (int round = 0; round < cases; ++round) {
    const Family family = round % 2 == 0 ? Family::ipv4 : Family::ipv6;
    const Case here = some_case(random, family);
    CAPTURE(generate::seed(), round, words(here.own), words(here.all), words(here.left));
    for (int one = 0; one < packets; ++one) {
      const Packet packet = near_some(random, here, family);
      check(random, here, packet);
    }
  }
}

/// As the header says it, pair by pair.
bool should_stay(const Entry& entry, const std::vector<Entry>& staying_behind, const PrefixSet& own) {
  const Components& match = entry.match;
  if (!match.destination || own.overlaps(*match.destination) || (match.source && own.overlaps(*match.source)))
    return true;
  if (match.source || entry.actions.discards())
    return false;
  return std::any_of(staying_behind.begin(), staying_behind.end(), [&](const Entry& other) {
    const auto& to = other.match.destination;
    const bool touches = other.actions.rate || other.actions.dscp_mark || other.actions.redirect;
    const bool of_own = !other.match.source || own.overlaps(*other.match.source);
    const bool meets = !to || to->contains(*match.destination) || match.destination->contains(*to);
    const bool protocols =
        !match.protocol || !other.match.protocol || !(*match.protocol & *other.match.protocol).empty();
    const bool protocol_given = (!match.protocol || !match.protocol->empty()) &&
                                (!other.match.protocol || !other.match.protocol->empty());
    return touches && of_own && meets && protocols && protocol_given;
  });
}

} // namespace

TEST_CASE("a packet to this machine is decided as if every entry were there") {
  each_case(800, 20, [](generate::Random& random, const Case& here, Packet packet) {
    packet.destination = own_address(random, here.own);
    if (generate::chance(random, 30))
      packet.source = own_address(random, here.own);
    CAPTURE(to_string(packet.source), to_string(packet.destination), int{packet.protocol});
    REQUIRE(same(decide(here.all, packet), decide(here.left, packet)));
  });
}

TEST_CASE("a packet from this machine that all entries accept is accepted, and as it is") {
  each_case(800, 20, [](generate::Random& random, const Case& here, Packet packet) {
    packet.source = own_address(random, here.own);
    CAPTURE(to_string(packet.source), to_string(packet.destination), int{packet.protocol});
    const Decision all = decide(here.all, packet);
    const Decision left = decide(here.left, packet);
    if (passes(all))
      REQUIRE(passes(left));
    if (passes(all) && !alters(all))
      REQUIRE_FALSE(alters(left));
    if (all.what == Decision::What::rate_limit)
      REQUIRE((passes(left) || same(all, left)));
  });
}

TEST_CASE("a packet from this machine that is discarded still is, unless the other end is to do it") {
  each_case(800, 20, [](generate::Random& random, const Case& here, Packet packet) {
    packet.source = own_address(random, here.own);
    CAPTURE(to_string(packet.source), to_string(packet.destination), int{packet.protocol});
    const Decision all = decide(here.all, packet);
    if (all.what != Decision::What::discard)
      return;
    const Components& match = all.entry->match;
    const bool at_the_other_end =
        match.destination && !here.own.overlaps(*match.destination) && !match.source;
    if (!at_the_other_end)
      REQUIRE(same(all, decide(here.left, packet)));
  });
}

TEST_CASE("no more stays than has to, in the order in which it came") {
  generate::Random random(generate::seed());
  for (int round = 0; round < 1000; ++round) {
    const Family family = round % 2 == 0 ? Family::ipv4 : Family::ipv6;
    const Case here = some_case(random, family);
    CAPTURE(generate::seed(), round, words(here.own), words(here.all), words(here.left));
    std::vector<Entry> sorted = here.all;
    sort_by_precedence(sorted);
    std::vector<Entry> behind;
    for (auto entry = sorted.rbegin(); entry != sorted.rend(); ++entry)
      if (should_stay(*entry, behind, here.own))
        behind.push_back(*entry);
    std::vector<Entry> expected;
    for (const Entry& entry : here.all)
      if (std::ranges::find(behind, entry) != behind.end())
        expected.push_back(entry);
    REQUIRE(words(here.left) == words(expected));
    REQUIRE(relevant(here.all, here.own).aside.size() == here.all.size() - here.left.size());
  }
}
