// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/policy.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <map>

using namespace flowspec;

namespace {

Prefix prefix(std::string_view text) {
  return parse_prefix(text).value();
}

PrefixSet set_of(std::initializer_list<std::string_view> texts) {
  std::vector<Prefix> prefixes;
  for (const std::string_view text : texts)
    prefixes.push_back(prefix(text));
  return PrefixSet(std::move(prefixes));
}

Policy parsed(std::string_view document) {
  return parse_policy(document, "p.json", nullptr);
}

/// A document with one term, and what is in it.
std::string with_match(const std::string& match) {
  return R"({"terms": [{"name": "t", "match": )" + match + R"(, "then": "accept"}], "default": "accept"})";
}

TermMatch match_of(const std::string& match) {
  return parsed(with_match(match)).terms.at(0).match;
}

} // namespace

TEST_CASE("the document that the issue shows") {
  const Policy policy = parsed(test_data("policies/good/issue.json"));
  Policy expected;
  expected.protect = {{prefix("10.255.0.0/16"), std::nullopt, std::nullopt}};
  Term no_redirect{"no-redirect", {}, Term::Then::change, {}, "p.json"};
  no_redirect.match.actions = {ActionKind::redirect};
  no_redirect.change.delete_redirect = true;
  Term floor{"floor", {}, Term::Then::change, {}, "p.json"};
  floor.match.rate_above = 0;
  floor.match.rate_below = 125000;
  floor.change.rate = 125000;
  Term ours{"ours", {}, Term::Then::accept, {}, "p.json"};
  ours.match.destination.emplace().within = set_of({"10.0.0.0/8"});
  expected.terms = {no_redirect, floor, ours};
  expected.accept_by_default = false;
  CHECK(policy == expected);
}

TEST_CASE("every condition is read") {
  const TermMatch match = match_of(R"({
    "family": "ipv6",
    "destination": {"within": ["2001:db8::/33", "2001:db8:8000::/33"], "overlapping": ["::/0"], "length": {"min": 8, "max": 64}},
    "source": {"length": {"max": 0}},
    "components": {"present": ["destination", "flow_label"], "absent": ["fragment"]},
    "protocol": {"within": [6, "17", "icmpv6", "0-5"], "overlapping": ["tcp"]},
    "port": [80, "443", "8000-8080"],
    "destination_port": {"overlapping": ["0-65535"]},
    "source_port": {"within": [0]},
    "actions": ["discard", "unknown"],
    "rate": {"above": 1.5, "below": 2e9},
    "route_targets": ["65000:101", "192.0.2.1:5"],
    "communities": ["FS:marking 10"],
    "sequence": {"min": 5, "max": 18446744073709551615}})");
  TermMatch expected;
  expected.family = Family::ipv6;
  expected.destination = {set_of({"2001:db8::/32"}), set_of({"::/0"}), 8, 64};
  expected.source.emplace().longest = 0;
  expected.present.set(1).set(13);
  expected.absent.set(12);
  expected.protocol = {ValueSet(255, {{0, 6}, {17, 17}, {58, 58}}), ValueSet::single(255, 6)};
  expected.port = {ValueSet(65535, {{80, 80}, {443, 443}, {8000, 8080}}), std::nullopt};
  expected.destination_port = {std::nullopt, ValueSet::all(65535)};
  expected.source_port = {ValueSet::single(65535, 0), std::nullopt};
  expected.actions = {ActionKind::discard, ActionKind::unknown};
  expected.rate_above = 1.5;
  expected.rate_below = 2e9;
  expected.route_targets = {"65000:101", "192.0.2.1:5"};
  expected.communities = {"FS:marking 10"};
  expected.first_sequence = 5;
  expected.last_sequence = 18446744073709551615U;
  CHECK(match == expected);

  CHECK(match_of(R"({"sequence": "none"})").has_sequence == false);
  CHECK(match_of(R"({"sequence": "any"})").has_sequence == true);
  CHECK(match_of(R"({"components": ["source"]})").present == std::bitset<14>(4));
  CHECK(match_of("{}") == TermMatch());
}

TEST_CASE("every change is read") {
  const auto change_of = [](const std::string& then) {
    return parsed(R"({"terms": [{"name": "t", "then": )" + then + R"(}], "default": "accept"})")
        .terms.at(0)
        .change;
  };
  TermChange expected;
  expected.rate = 0;
  expected.dscp = 46;
  expected.redirect = "65000:7";
  expected.sequence = 9;
  expected.delete_sample = expected.delete_unknown = true;
  CHECK(change_of(
            R"({"set": {"rate": -0.0, "dscp": 46.0, "redirect": "65000:7", "sequence": 9},
                      "delete": ["unknown", "sample"]})") == expected);
  expected = {};
  expected.sample = expected.delete_rate = expected.delete_dscp = expected.delete_redirect =
      expected.delete_sequence = true;
  CHECK(change_of(R"({"add": ["sample"], "delete": ["rate", "dscp", "redirect", "sequence"]})") == expected);
}

TEST_CASE("every destination is protected with every source of its family") {
  const Policy policy = parsed(
      R"({"prefix_lists": {"hosts": ["10.0.0.1/32", "2001:db8::/32", "10.0.0.9/32"]},
    "protect": [{"destination": {"within": ["@hosts"]}, "source": {"within": ["192.0.2.0/24", "::1/128"]}, "rate_below": 5}],
    "default": "accept"})");
  CHECK(policy.protect == std::vector<Protection>{{prefix("10.0.0.1/32"), prefix("192.0.2.0/24"), 5},
                                                  {prefix("10.0.0.9/32"), prefix("192.0.2.0/24"), 5},
                                                  {prefix("2001:db8::/32"), prefix("::1/128"), 5}});
}

TEST_CASE("lists hold what the lists that they name hold") {
  const Policy policy = parsed(R"({
    "prefix_lists": {"a": ["@b", "@c"], "b": ["@c", "10.0.0.0/9"], "c": ["10.128.0.0/9"], "idle": ["@later"],
                     "later": ["::/0"]},
    "terms": [{"name": "t", "match": {"source": {"within": ["@a", "192.0.2.0/24"]}}, "then": "accept"}],
    "default": "accept"})");
  CHECK(policy.terms.at(0).match.source->within == set_of({"10.0.0.0/8", "192.0.2.0/24"}));
  CHECK(policy.unused_lists == std::vector<std::string>{"idle", "later"});
}

TEST_CASE("good documents are taken and bad ones are not") {
  const ReadInclude read = [](const std::string& path) {
    if (!std::filesystem::exists(path))
      throw Error("open " + path);
    return test_data(std::filesystem::relative(path, FLOWSPEC_TEST_DATA).string());
  };
  std::map<std::string, std::size_t> seen;
  for (const std::string folder : {"good", "bad", "beyond-schema"})
    for (const auto& file : std::filesystem::directory_iterator(FLOWSPEC_TEST_DATA "/policies/" + folder)) {
      INFO(file.path());
      const std::string path = file.path().string();
      const std::string document = test_data("policies/" + folder + "/" + file.path().filename().string());
      const auto parse = [&] { return parse_policy(document, path, read); };
      ++seen[folder];
      if (folder == "good")
        CHECK_NOTHROW(parse());
      else
        CHECK_THROWS_AS(parse(), UsageError);
    }
  CHECK(seen.at("good") >= 9);
  CHECK(seen.at("bad") >= 100);
  CHECK(seen.at("beyond-schema") >= 20);
}

TEST_CASE("the example is taken, and nothing is to be warned of") {
  const Policy policy = parsed(test_data("../../examples/policy.json"));
  CHECK(policy.terms.size() > 5);
  CHECK(policy_warnings(policy).empty());
}

TEST_CASE("a document of megabytes is read") {
  std::string document = R"({"default": "accept", "prefix_lists": {"big": ["::/0")";
  std::size_t count = 1;
  for (; document.size() < 2'000'000; ++count)
    document += ", \"10." + std::to_string(count / 32768 % 256) + "." + std::to_string(count / 128 % 256) +
                "." + std::to_string(count % 128 * 2) + "/32\"";
  document += R"(]}, "terms": [{"name": "t", "match": {"source": {"within": ["@big"]}}, "then": "accept"}]})";
  CHECK(parsed(document).terms.at(0).match.source->within->prefixes().size() == count);
}
