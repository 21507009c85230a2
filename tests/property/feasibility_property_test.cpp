// SPDX-License-Identifier: GPL-2.0-or-later
//
// The judgement against a slow one that looks at every route, as RFC 8955 section 6 is written.
#include "injector/feasibility.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

const std::vector<std::string> peers{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9", ""};
const std::map<std::string, std::uint32_t> peer_as{
    {"192.0.2.1", 65001}, {"192.0.2.2", 65002}, {"192.0.2.3", 65001}};

/// Mostly one neighbor's, so that now and then nobody else's is more specific.
std::vector<UnicastRoute> table(generate::Random& random, Family family) {
  const bool mixed = generate::chance(random, 50);
  std::set<Prefix> prefixes;
  for (std::uint32_t count = generate::number(random, 0, 40); count > 0; --count)
    prefixes.insert(generate::prefix(random, family));
  std::vector<UnicastRoute> best;
  for (const Prefix& prefix : prefixes) {
    const bool other = generate::chance(random, mixed ? 50 : 5);
    best.push_back({prefix, other ? peers[generate::number(random, 0, 4)] : peers[0],
                    other ? 65000 + generate::number(random, 0, 3) : 65001, false});
    if (best.back().first_as == 65000)
      best.back().first_as = 0;
  }
  return best;
}

bool feasible(const Components& match, const Announcer& announcer, const std::vector<UnicastRoute>& unicast,
              Validate mode) {
  if (!match.destination)
    return false;
  const UnicastRoute* best = nullptr;
  for (const UnicastRoute& route : unicast)
    if (route.prefix.contains(*match.destination) && (!best || best->prefix.length < route.prefix.length))
      best = &route;
  if (best == nullptr)
    return false;
  if (mode == Validate::rfc8955 ? best->peer != announcer.address : best->first_as != announcer.as)
    return false;
  const auto session = [](const UnicastRoute& route) {
    return peer_as.contains(route.peer) ? peer_as.at(route.peer) : route.first_as;
  };
  for (const UnicastRoute& route : unicast) {
    const bool inside =
        match.destination->contains(route.prefix) && route.prefix.length > match.destination->length;
    if (inside &&
        (route.first_as == 0 || best->first_as != route.first_as || session(*best) != session(route)))
      return false;
  }
  return true;
}

} // namespace

TEST_CASE("the judgement is that of looking at every route") {
  generate::Random random(generate::seed() + 60);
  std::size_t good = 0;
  std::size_t bad = 0;
  for (int round = 0; round < 2000; ++round) {
    const Family family = generate::chance(random, 50) ? Family::ipv4 : Family::ipv6;
    const std::vector<UnicastRoute> best = table(random, family);
    const UnicastRoutes unicast(best, peer_as);
    for (int route = 0; route < 20; ++route) {
      Components match;
      match.family = family;
      if (!generate::chance(random, 5))
        match.destination = generate::prefix(random, family);
      const Announcer announcer{peers[generate::chance(random, 70) ? 0 : 1], 65001};
      const Validate mode = generate::chance(random, 50) ? Validate::rfc8955 : Validate::rfc9117;
      const bool expected = feasible(match, announcer, best, mode);
      CAPTURE(to_string(match), announcer.address, best.size(), mode == Validate::rfc8955);
      REQUIRE(!why_not_feasible(match, announcer, unicast, mode).has_value() == expected);
      ++(expected ? good : bad);
    }
  }
  CHECK(good > 2000); // the test has seen both
  CHECK(bad > 2000);
}

TEST_CASE("a route taken away from another AS makes nothing worse") {
  generate::Random random(generate::seed() + 61);
  for (int round = 0; round < 2000; ++round) {
    std::vector<UnicastRoute> best = table(random, Family::ipv4);
    Components match;
    match.destination = generate::prefix(random, Family::ipv4);
    const Announcer announcer{peers[0], 65001};
    const bool before = !why_not_feasible(match, announcer, {best, peer_as}, Validate::rfc8955);
    std::erase_if(best, [](const UnicastRoute& route) { return route.peer != peers[0]; });
    const bool after = !why_not_feasible(match, announcer, {best, peer_as}, Validate::rfc8955);
    REQUIRE((after || !before));
  }
}
