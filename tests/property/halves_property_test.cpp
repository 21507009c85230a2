// SPDX-License-Identifier: GPL-2.0-or-later
//
// What two threads do half of each, against the same done by one.
#include "common/error.hpp"
#include "common/precedence.hpp"
#include "common/side_by_side.hpp"
#include "injector/frr_routes.hpp"
#include "injector/wanted.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <variant>

using namespace flowspec;
using generate::chance;
using generate::number;
using generate::Random;

namespace {

using Words = std::vector<std::string>;

void add(Words& words, const std::vector<Rejected>& rejected) {
  words.emplace_back("--");
  for (const Rejected& one : rejected)
    words.push_back(fmt::format("{} {} {}", one.subject, name(one.reason), one.detail));
}

/// Routes of few matches and few actions, so that many meet; now and then one that is none.
std::string route(Random& random) {
  if (number(random, 0, 999) == 0)
    return chance(random, 50) ? "[]" : R"([{"to":"10.0.0.1/32","port":"]\n["},{"time":"1d"}])";
  constexpr std::array communities{"FS:rate 0.000000",
                                   "FS:rate 1000.000000",
                                   "FS:rate 0.000000 65535:1",
                                   "FS:rate 0.000000 65000:7",
                                   "FS:rate 0.000000 65000:8 65535:1",
                                   "UNK:128, 12",
                                   "FS:redirect VRF RT:1:1",
                                   "65000:9"};
  std::string text = "[";
  const std::string match = fmt::format(R"({{"to":"10.0.0.{}/32"{}}})", number(random, 0, 200),
                                        chance(random, 5) ? R"(,"dstp":"> 5 , > 1000 ")" : "");
  for (unsigned path = number(random, 1, 3); path > 0; --path)
    text += fmt::format(R"({},{{"ecomlist":"{}"}},{{"time":"00:00:0{}"}}{})", match,
                        communities[number(random, 0, communities.size() - 1)], path, path > 1 ? "," : "");
  return text + "]";
}

/// All that is said of an answer, or why it is none.
Words said(const std::string& text, std::size_t halve_from) {
  try {
    const RoutesRead read = read_frr_routes(text, Family::ipv4, {}, halve_from);
    Words words{fmt::format("{} routes, {} paths", read.routes.ipv4, read.paths)};
    for (const Entry& entry : read.entries) {
      words.push_back(fmt::format("{}: {} {} {}", to_string(entry.match), to_string(entry.actions),
                                  entry.sequence.value_or(0), entry.age));
      for (const auto& list : {entry.route_targets, entry.communities})
        for (const std::string_view one : list)
          words.emplace_back(one);
    }
    add(words, read.rejected);
    add(words, read.remarks);
    return words;
  } catch (const Error& error) {
    return {error.what()};
  }
}

} // namespace

TEST_CASE("an answer that is read in halves says what it says as a whole") {
  Random random(generate::seed());
  int whole = 0, none = 0;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (unsigned routes = number(random, 0, 300); routes > 0; --routes)
      text += route(random) + (chance(random, 90) ? "\n" : chance(random, 50) ? "" : "\r\n ");
    if (chance(random, 10))
      text.resize(number(random, 0, static_cast<std::uint32_t>(text.size())));
    const Words expected = said(text, std::numeric_limits<std::size_t>::max());
    REQUIRE(said(text, 0) == expected);
    ++(expected.size() > 1 ? whole : none);
  }
  CHECK(whole > 100);
  CHECK(none > 20);
}

TEST_CASE("so many entries that they are compiled in halves have the rules that each has alone") {
  Random random(generate::seed());
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  generate::EntryShape shape;
  shape.every_component = true;
  std::vector<Entry> entries = generate::entries(random, family, compiled_in_halves + 100, shape);
  CompileOptions options;
  options.layout = Layout::linear;
  options.stateful = Stateful::never;
  const Wanted wanted = arrange(entries, std::array{family}, options);

  sort_by_precedence(entries);
  RuleList rules;
  std::vector<Chain> chains;
  std::vector<Rejected> rejected, remarks;
  std::vector<Entry> installed;
  for (const Entry& entry : entries) {
    std::variant<Compiled, Rejected> outcome = compile(entry, options);
    if (auto* refused = std::get_if<Rejected>(&outcome)) {
      rejected.push_back(std::move(*refused));
      continue;
    }
    auto& compiled = std::get<Compiled>(outcome);
    rules.append(compiled.rules);
    chains.insert(chains.end(), compiled.chains.begin(), compiled.chains.end());
    remarks.insert(remarks.end(), compiled.remarks.begin(), compiled.remarks.end());
    installed.push_back(entry);
  }
  CHECK(installed.size() > 1000);
  CHECK(rejected.size() > 100);
  CHECK(chains.size() > 100);
  const std::vector<Chain>& filter = wanted.tables.at(0).chains;
  CHECK(filter.at(0).rules == rules);
  CHECK(std::vector<Chain>(filter.begin() + 1, filter.end()) == chains);
  CHECK(std::vector<Entry>(wanted.installed.begin(), wanted.installed.end()) == installed);
  Words expected, found;
  for (const auto* list : {&rejected, &remarks})
    add(expected, *list);
  for (const auto* list : {&wanted.rejected, &wanted.remarks})
    add(found, *list);
  CHECK(found == expected);
}

TEST_CASE("two halves have ended when it is said so, and what the first throws comes first") {
  std::atomic<int> ended = 0;
  const auto fine = [&] { ++ended; };
  const auto failing = [&](const char* why) {
    return [&ended, why] {
      ++ended;
      throw Error(why);
    };
  };
  side_by_side(fine, fine);
  CHECK(ended == 2);
  CHECK_THROWS_WITH(side_by_side(failing("first"), failing("second")), "first");
  CHECK(ended == 4);
  CHECK_THROWS_WITH(side_by_side(fine, failing("second")), "second");
  CHECK_THROWS_WITH(side_by_side(failing("first"), fine), "first");
  CHECK(ended == 8);
}
