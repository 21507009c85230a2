// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/vantage.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Entry entry(std::uint64_t sequence, std::optional<double> rate, std::vector<std::string> targets = {}) {
  Entry entry;
  entry.sequence = sequence;
  entry.actions.rate = rate;
  entry.route_targets = std::move(targets);
  return entry;
}

const std::vector<Entry> installed{entry(1, 0, {"65000:101"}), entry(2, 1000, {"65000:102"}),
                                   entry(3, 0, {"65000:101", "65000:102"}), entry(4, std::nullopt)};

Question question(const char* source, const char* destination) {
  Question question;
  question.source = *parse_address(source);
  question.destination = *parse_address(destination);
  return question;
}

CompileOptions two_segments() {
  CompileOptions options;
  options.segments = {{"blue", {"65000:101"}, {{"FORWARD", "", "swp1"}}},
                      {"green", {"65000:102"}, {{"FORWARD", "swp2+", ""}}}};
  return options;
}

std::vector<std::uint64_t> sequences(const EntriesMet& met) {
  std::vector<std::uint64_t> result;
  for (const Entry& each : met.entries)
    result.push_back(*each.sequence);
  return result;
}

using Numbers = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("without segments and protections every entry is met") {
  const auto met = entries_met(installed, question("10.0.0.1", "10.0.0.2"), {}, {});
  REQUIRE(met.size() == 1);
  CHECK(met.front().segment.empty());
  CHECK(sequences(met.front()) == Numbers{1, 2, 3, 4});
}

TEST_CASE("a packet meets the entries of every segment that it is in, or those of none") {
  CompileOptions options = two_segments();
  const auto met = [&](const char* in, const char* out) {
    return entries_met(installed, question("10.0.0.1", "10.0.0.2"), {in, out}, options);
  };
  REQUIRE(met("swp3", "swp1").size() == 1);
  CHECK(met("swp3", "swp1").front().segment == "blue");
  CHECK(sequences(met("swp3", "swp1").front()) == Numbers{1, 3, 4});
  CHECK(sequences(met("swp25", "swp3").front()) == Numbers{2, 3, 4});
  CHECK(met("swp2", "swp1").size() == 2);
  CHECK(sequences(met("swp3", "swp3").front()) == Numbers{4});
  options.parents = {"INPUT"}; // forwarded packets of no segment are nobody's business
  CHECK(sequences(met("swp3", "swp3").front()).empty());
  options.untargeted = {Untargeted::Where::none, ""};
  CHECK(sequences(met("swp3", "swp1").front()) == Numbers{1, 3});
  CHECK(sequences(met("swp3", "swp3").front()).empty());
  options.untargeted = {Untargeted::Where::segment, "green"};
  CHECK(sequences(met("swp3", "swp1").front()) == Numbers{1, 3});
  CHECK(sequences(met("swp2", "swp3").front()) == Numbers{2, 3, 4});
}

TEST_CASE("a segment of what the switch itself receives is none of forwarded packets") {
  CompileOptions options = two_segments();
  options.segments.front().parents = {{"INPUT", "swp1", ""}};
  const auto met = entries_met(installed, question("10.0.0.1", "10.0.0.2"), {"swp1", "swp9"}, options);
  REQUIRE(met.size() == 1);
  CHECK(met.front().segment.empty());
}

TEST_CASE("what depends on an interface that is not said is not guessed") {
  CHECK_THROWS_AS(entries_met(installed, question("10.0.0.1", "10.0.0.2"), {"swp2", ""}, two_segments()),
                  UsageError);
  CHECK_THROWS_AS(entries_met(installed, question("10.0.0.1", "10.0.0.2"), {"", "swp9"}, two_segments()),
                  UsageError);
}

TEST_CASE("protected packets meet no entry, or none that is too strict") {
  CompileOptions options;
  options.protect = {*parse_prefix("192.0.2.0/24")};
  options.protections = {{parse_prefix("10.1.0.0/16"), parse_prefix("10.2.0.0/16"), std::nullopt},
                         {std::nullopt, parse_prefix("10.3.0.0/16"), 1000.0},
                         {parse_prefix("10.4.0.0/16"), std::nullopt, 2000.0}};
  CHECK(protected_by(question("192.0.2.1", "10.9.9.9"), options) == parse_prefix("192.0.2.0/24"));
  CHECK(protected_by(question("10.2.0.1", "10.1.0.1"), options) == parse_prefix("10.1.0.0/16"));
  CHECK_FALSE(protected_by(question("10.3.0.1", "10.1.0.1"), options));
  const auto met = [&](const char* source, const char* destination) {
    return sequences(entries_met(installed, question(source, destination), {}, options).front());
  };
  CHECK(met("10.3.0.1", "10.1.0.1") == Numbers{2, 4}); // 1000 is not below 1000
  CHECK(met("10.3.0.1", "10.4.0.1") == Numbers{4});
  CHECK(met("10.9.0.1", "10.9.0.1") == Numbers{1, 2, 3, 4});
}
