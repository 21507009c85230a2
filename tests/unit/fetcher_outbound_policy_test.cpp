// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/outbound_policy.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Policy policy(const std::string& document) {
  return parse_policy(document, "p.json",
                      [](const std::string& path) -> std::string { throw Error("no " + path); });
}

Route route(const char* destination, std::optional<double> rate, std::uint64_t sequence) {
  Route route;
  route.entry.match.destination = parse_prefix(destination);
  route.entry.actions.rate = rate;
  route.entry.sequence = sequence;
  return route;
}

Publication publication() {
  Publication result;
  result.routes = {route("10.0.1.0/24", 0, 1), route("10.0.2.0/24", std::nullopt, 2),
                   route("192.0.2.0/24", 0, 3)};
  return result;
}

std::string refusal(const std::string& document, const char* carrier) {
  try {
    check_outbound(policy(document), *parse_sequence_carrier(carrier), "p.json");
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

} // namespace

TEST_CASE("what goes out is filtered and changed by the terms in their order") {
  Publication published = publication();
  const auto words = apply_outbound(policy(R"({"terms": [
        {"name": "softer", "match": {"actions": ["discard"]}, "then": {"set": {"rate": 125000}}},
        {"name": "not-ours", "match": {"destination": {"within": ["192.0.2.0/24"]}}, "then": "reject"}],
        "default": "accept"})"),
                                    published);
  REQUIRE(published.routes.size() == 2);
  CHECK(published.routes[0].entry.actions.rate == 125000.0);
  CHECK_FALSE(published.routes[1].entry.actions.rate);
  CHECK(words == std::vector<std::string>{"policy: 1 ipv4 routes are not published: term not-ours"});
}

TEST_CASE("a protection is published as a route that accepts before all others") {
  Publication published = publication();
  apply_outbound(policy(R"({"protect": [{"destination": {"within": ["192.0.2.0/24", "2001:db8::/32"]}}],
                            "default": "accept"})"),
                 published);
  REQUIRE(published.routes.size() == 3);
  const Entry& first = published.routes.front().entry;
  CHECK(first.match.destination == parse_prefix("192.0.2.0/24"));
  CHECK(first.sequence == 0);
  CHECK(first.actions == Actions{});
  // The rule for exactly these packets has lost its route: BGP keeps one for a match.
  CHECK(published.routes[1].entry.sequence == 1);
  CHECK(published.routes[2].entry.sequence == 2);
}

TEST_CASE("a protection reaches those who import a route target too") {
  Publication published = publication();
  published.routes[0].entry.route_targets = {"65000:2"};
  published.routes[1].entry.route_targets = {"65000:1", "65000:2"};
  apply_outbound(
      policy(R"({"protect": [{"destination": {"within": ["10.0.1.0/24"]}}], "default": "accept"})"),
      published);
  REQUIRE(published.routes.size() == 4); // the rule for exactly these packets has none
  const Entry &bare = published.routes[0].entry, &targeted = published.routes[1].entry;
  CHECK(bare.route_targets.empty());
  CHECK(targeted.route_targets == std::vector<std::string>{"65000:1", "65000:2"});
  CHECK((bare.sequence == 0 && targeted.sequence == 0));
  CHECK(canonical_nlri(bare.match) != canonical_nlri(targeted.match));
  CHECK(targeted.match.destination == bare.match.destination);
}

TEST_CASE("what cannot be published is refused before anything is written") {
  const std::string term = R"({"terms": [{"name": "t", "then": {"set": {%}}}], "default": "accept"})";
  const auto with = [&](const std::string& set) { return std::string(term).replace(term.find('%'), 1, set); };
  CHECK(refusal(with(R"("redirect": "65000:1")"), "rt:65535").empty());
  CHECK_THAT(refusal(with(R"("redirect": "192.0.2.1:1")"), "rt:65535"), Catch::Contains("term t: redirect"));
  CHECK_THAT(refusal(with(R"("redirect": "70000:1")"), "rt:65535"), Catch::Contains("up to 65535"));
  CHECK(refusal(with(R"("rate": 0)"), "rt:65535").empty());
  CHECK_THAT(refusal(with(R"("rate": 1e-30)"), "rt:65535"), Catch::Contains("at least 1 B/s"));
  CHECK(refusal(with(R"("dscp": 10)"), "rt:65535").empty());
  CHECK_THAT(refusal(with(R"("dscp": 10)"), "marking"), Catch::Contains("--sequence marking"));
  CHECK(refusal(with(R"("sequence": 255)"), "marking").empty());
  CHECK_THAT(refusal(with(R"("sequence": 256)"), "marking"), Catch::Contains("carries up to 255"));
  const std::string protect = R"({"protect": [{"source": {"within": ["10.0.0.0/8"]}}], "default": "accept"})";
  const std::string first = R"({"protect": [{"source": {"within": ["10.0.0.0/8"]}}], "terms": [{"name": "t",
    "then": {"set": {"sequence": 0}}}], "default": "accept"})";
  CHECK_THAT(refusal(first, "rt:65535"), Catch::Contains("sequence 0"));
  CHECK(refusal(protect, "marking").empty());
  CHECK_THAT(refusal(protect, "none"), Catch::Contains("--sequence none"));
}
