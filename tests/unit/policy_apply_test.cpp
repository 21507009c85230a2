// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

Policy parsed(std::string_view document) {
  return parse_policy(document, "p.json", nullptr);
}

Policy with_then(const std::string& then) {
  return parsed(R"({"terms": [{"name": "t", "then": )" + then + R"(}], "default": "accept"})");
}

Entry to(std::string_view destination) {
  Entry entry;
  entry.match.destination = parse_prefix(destination).value();
  entry.match.family = entry.match.destination->family();
  return entry;
}

Entry with_rate(double rate) {
  Entry entry;
  entry.actions.rate = rate;
  return entry;
}

/// What each term that matched did, "TERM: WHAT".
std::vector<std::string> steps(const Policy& policy, Entry& entry) {
  std::vector<std::string> result;
  apply(policy, entry, [&](std::size_t term, const std::string& what) {
    result.push_back(policy.terms.at(term).name + ": " + what);
  });
  return result;
}

} // namespace

TEST_CASE("the issue's policy: no redirects, a floor, and ours only") {
  const Policy policy = parsed(test_data("policies/good/issue.json"));
  Entry slow = to("10.1.0.0/16");
  slow.actions.rate = 10;
  slow.actions.redirect = "65000:1";
  CHECK(steps(policy, slow) == std::vector<std::string>{"no-redirect: redirect 65000:1 -> none",
                                                        "floor: rate 10 B/s -> 125000 B/s",
                                                        "ours: accepted"});
  CHECK(slow.actions.rate == 125000);
  CHECK(!slow.actions.redirect);

  Entry discard = to("10.1.0.0/16");
  discard.actions.rate = 0;
  const PolicyVerdict taken = apply(policy, discard);
  CHECK(taken.accepted);
  CHECK(name_of(policy, taken) == "term ours");
  CHECK(discard.actions.rate == 0);

  Entry foreign = to("192.0.2.0/24");
  const PolicyVerdict left = apply(policy, foreign);
  CHECK(!left.accepted);
  CHECK(!left.term);
  CHECK(name_of(policy, left) == "the default");
}

TEST_CASE("what each change does, and how it is told") {
  Entry rich = with_rate(0);
  rich.actions.sample = true;
  rich.actions.dscp_mark = 10;
  rich.actions.redirect = "65000:1";
  rich.actions.unknown = {"UNK:128, 9"};
  rich.sequence = 7;
  struct Row {
    const char* then;
    void (*expect)(Entry&);
    const char* words;
  };
  const Row rows[] = {
      {R"({"set": {"rate": 1000}})", [](Entry& e) { e.actions.rate = 1000; }, "t: rate 0 B/s -> 1000 B/s"},
      {R"({"set": {"rate": 0}})", [](Entry&) {}, "t: no change"},
      {R"({"delete": ["rate"]})", [](Entry& e) { e.actions.rate.reset(); }, "t: rate 0 B/s -> none"},
      {R"({"set": {"dscp": 11}})", [](Entry& e) { e.actions.dscp_mark = 11; }, "t: dscp 10 -> 11"},
      {R"({"delete": ["dscp"]})", [](Entry& e) { e.actions.dscp_mark.reset(); }, "t: dscp 10 -> none"},
      {R"({"set": {"redirect": "1:2"}})", [](Entry& e) { e.actions.redirect = "1:2"; },
       "t: redirect 65000:1 -> 1:2"},
      {R"({"delete": ["redirect"]})", [](Entry& e) { e.actions.redirect.reset(); },
       "t: redirect 65000:1 -> none"},
      {R"({"add": ["sample"]})", [](Entry&) {}, "t: no change"},
      {R"({"delete": ["sample"]})", [](Entry& e) { e.actions.sample = false; }, "t: sample on -> off"},
      {R"({"set": {"sequence": 3}})", [](Entry& e) { e.sequence = 3; }, "t: sequence 7 -> 3"},
      {R"({"delete": ["sequence"]})", [](Entry& e) { e.sequence.reset(); }, "t: sequence 7 -> none"},
      {R"({"delete": ["unknown"]})", [](Entry& e) { e.actions.unknown.clear(); },
       "t: unknown actions [UNK:128, 9] -> none"},
      {R"({"set": {"dscp": 0}, "delete": ["rate"]})",
       [](Entry& e) {
         e.actions.dscp_mark = 0;
         e.actions.rate.reset();
       },
       "t: rate 0 B/s -> none, dscp 10 -> 0"},
  };
  for (const Row& row : rows) {
    INFO(row.then);
    Entry told = rich;
    Entry expected = rich;
    row.expect(expected);
    CHECK(steps(with_then(row.then), told) == std::vector<std::string>{row.words});
    CHECK(told == expected);
    Entry untold = rich;
    CHECK(apply(with_then(row.then), untold).accepted);
    CHECK(untold == expected);
  }
}

TEST_CASE("what a term changed counts for the terms behind it") {
  const Policy policy = parsed(R"({"terms": [
    {"name": "marked", "match": {"communities": ["FS:marking 10"]}, "then": {"set": {"rate": 0}, "delete": ["dscp"]}},
    {"name": "still-there", "match": {"communities": ["FS:marking 10"]}, "then": {"add": ["sample"]}},
    {"name": "discards", "match": {"actions": ["discard"]}, "then": "reject"}], "default": "accept"})");
  Entry entry;
  entry.actions.dscp_mark = 10;
  entry.communities = {"FS:marking 10"};
  CHECK(steps(policy, entry) == std::vector<std::string>{"marked: rate none -> 0 B/s, dscp 10 -> none",
                                                         "still-there: sample off -> on",
                                                         "discards: rejected"});
  Entry other;
  CHECK(apply(policy, other).accepted);
}
