// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/feasibility.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flowspec;
using Catch::Matchers::Contains;

namespace {

constexpr const char* a = "192.0.2.1";  // AS 65001, which announces
constexpr const char* b = "192.0.2.2";  // AS 65002
constexpr const char* a2 = "192.0.2.3"; // AS 65001 too

UnicastRoute route(const char* prefix, const char* peer, std::uint32_t first_as) {
  return {*parse_prefix(prefix), peer, first_as, false};
}

UnicastRoutes routes(std::vector<UnicastRoute> best) {
  std::sort(best.begin(), best.end(), [](const auto& x, const auto& y) { return x.prefix < y.prefix; });
  return {std::move(best), {{a, 65001}, {a2, 65001}, {b, 65002}}};
}

/// Why `announcer` in AS 65001 may not have announced a route for `destination`; empty when it may.
std::string why(const UnicastRoutes& unicast, const char* destination, Validate mode = Validate::rfc8955) {
  Components match;
  if (*destination != '\0')
    match.destination = parse_prefix(destination);
  return why_not_feasible(match, {a, 65001}, unicast, mode).value_or("");
}

} // namespace

TEST_CASE("a: a route has a destination prefix") {
  const UnicastRoutes all = routes({route("0.0.0.0/0", a, 65001)});
  for (const Validate mode : {Validate::rfc8955, Validate::rfc9117}) {
    CHECK_THAT(why(all, "", mode), Contains("no destination prefix"));
    CHECK(why(all, "0.0.0.0/0", mode).empty()); // the default policy is judged as any other
  }
  Components pattern;
  pattern.family = Family::ipv6;
  pattern.destination = Prefix::masked(*parse_address("::1234:0:0:0"), 80, 64); // RFC 8956 section 5
  CHECK(why_not_feasible(pattern, {a, 65001}, routes({route("::/0", a, 65001)}), Validate::rfc8955));
}

TEST_CASE("b: the best unicast route for the destination is the announcer's") {
  const UnicastRoutes unicast =
      routes({route("10.0.0.0/8", a, 65001), route("10.1.0.0/16", b, 65002), route("10.1.1.0/24", a, 65001),
              route("10.2.0.0/16", a2, 65001), route("10.3.0.0/16", "", 0), route("10.4.0.0/16", b, 65001)});
  CHECK(why(unicast, "10.0.0.0/16").empty());   // within
  CHECK(why(unicast, "10.1.1.0/24").empty());   // itself
  CHECK(why(unicast, "10.1.1.128/32").empty()); // the longest counts
  CHECK_THAT(why(unicast, "10.1.2.0/24"), Contains("10.1.0.0/16, is from 192.0.2.2 in AS 65002"));
  CHECK_THAT(why(unicast, "10.2.0.0/24"), Contains("192.0.2.3"));
  CHECK_THAT(why(unicast, "10.3.0.0/24"), Contains("this router's own"));
  CHECK_THAT(why(unicast, "11.0.0.0/8"), Contains("no unicast route covers 11.0.0.0/8"));
  CHECK_THAT(why(unicast, "0.0.0.0/0"), Contains("no unicast route covers"));
  CHECK_THAT(why(routes({}), "10.0.0.0/8"), Contains("no unicast route covers"));
  // RFC 9117: of the announcer's AS, by whomever
  CHECK(why(unicast, "10.2.0.0/24", Validate::rfc9117).empty());
  CHECK(why(unicast, "10.4.0.0/24", Validate::rfc9117).empty());
  CHECK_THAT(why(unicast, "10.1.2.0/24", Validate::rfc9117),
             Contains("AS 65001 announced it") && Contains("AS 65002"));
  CHECK_THAT(why(unicast, "10.3.0.0/24", Validate::rfc9117), Contains("this router's own"));
  // What a route server passes on begins with another AS than its own.
  const UnicastRoutes served = routes({route("10.0.0.0/8", a, 65077)});
  CHECK(why(served, "10.0.0.0/8").empty());
  CHECK_THAT(why(served, "10.0.0.0/8", Validate::rfc9117), Contains("AS 65077"));
}

TEST_CASE("c: nothing more specific comes from another neighboring AS") {
  const auto with = [](UnicastRoute inside) {
    return why(routes({route("10.0.0.0/8", a, 65001), route("10.2.0.0/16", a, 65001), std::move(inside),
                       route("10.200.0.0/16", a2, 65001), route("11.0.0.0/8", b, 65002)}),
               "10.0.0.0/8");
  };
  CHECK(with(route("10.1.0.0/16", a, 65001)).empty());
  CHECK(with(route("10.1.0.0/16", a2, 65001)).empty()); // another peer, the same AS
  CHECK(with(route("9.0.0.0/8", b, 65002)).empty());    // beside it
  CHECK_THAT(with(route("10.1.0.0/16", b, 65002)), Contains("10.1.0.0/16 is from 192.0.2.2 in AS 65002"));
  CHECK_FALSE(with(route("10.255.255.255/32", b, 65002)).empty());
  CHECK_FALSE(with(route("10.1.0.0/16", "192.0.2.9", 65002)).empty()); // heard from inside
  CHECK_FALSE(with(route("10.1.0.0/16", "192.0.2.9", 0)).empty());     // our own AS, or an AS_SET
  CHECK_FALSE(with(route("10.1.0.0/16", "", 0)).empty());
  // One of the two agrees: a route server's, or an AS that we prepend to whatever comes in.
  CHECK_FALSE(with(route("10.1.0.0/16", b, 65001)).empty());
  CHECK_FALSE(with(route("10.1.0.0/16", a, 65002)).empty());
}

TEST_CASE("c counts from the destination, not from the route that covers it") {
  const UnicastRoutes unicast = routes({route("10.0.0.0/8", a, 65001), route("10.1.0.0/16", b, 65002)});
  CHECK(why(unicast, "10.2.0.0/16").empty());
  CHECK_FALSE(why(unicast, "10.0.0.0/15").empty());
}

TEST_CASE("a best route that no neighboring AS begins has nothing of its own within") {
  const UnicastRoutes unicast = routes({route("10.0.0.0/8", a, 0), route("10.1.0.0/16", a, 0)});
  CHECK_FALSE(why(unicast, "10.0.0.0/8").empty());
  CHECK(why(unicast, "10.1.0.0/16").empty());
}

TEST_CASE("a peer of our confederation is known by its AS paths") {
  std::vector<UnicastRoute> best{route("10.0.0.0/8", a, 0), route("11.0.0.0/8", b, 65002)};
  best[0].confederation = true;
  CHECK_FALSE(routes(best).outside_confederation(a));
  CHECK(routes(best).outside_confederation(b));
}
