// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/policy.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

/// A document with one term, and what is in it.
std::string with_match(const std::string& match) {
  return R"({"terms": [{"name": "t", "match": )" + match + R"(, "then": "accept"}], "default": "accept"})";
}

std::string with_then(const std::string& then) {
  return R"({"terms": [{"name": "t", "then": )" + then + R"(}], "default": "accept"})";
}

std::string refusal(std::string_view document, const ReadInclude& read = nullptr) {
  try {
    parse_policy(document, "p.json", read);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "taken";
}

} // namespace

TEST_CASE("an error names the file, the path and what was expected") {
  struct Row {
    std::string document;
    const char* error;
  };
  const Row rows[] = {
      {"", "p.json: expected a JSON document: parse error at line 1, column 1"},
      {"{\"default\": \"accept\"} x", "p.json: expected a JSON document: parse error at line 1, column 23"},
      {"{\"default\": \"\xff\"}", "p.json: expected a JSON document: parse error"},
      {"{\"default\": 1e999}", "p.json: expected a JSON document: number overflow"},
      {"[]", "p.json: expected an object with the keys $schema, include, "
             "prefix_lists, protect, terms, default, found []"},
      {"{}", "p.json: expected a member \"default\""},
      {R"({"default": "deny"})", "p.json: /default: expected one of accept, reject, found \"deny\""},
      {R"({"a/b~": 1, "default": "accept"})",
       "p.json: /a~1b~0: an unknown key; expected an object with the keys $schema"},
      {R"({"default": "accept", "terms": [{"name": "t", "then": "accept", "then": "reject"}]})",
       "p.json: /terms/0/then: the key stands there twice"},
      {with_match(R"({"rate": {"above": "10"}})"),
       "p.json: /terms/0/match/rate/above: expected bytes a second, 0 or more, found \"10\""},
      {with_match(R"({"rate": {"below": -1}})"),
       "p.json: /terms/0/match/rate/below: expected bytes a second, 0 or more, found -1"},
      {with_match(R"({"destination": {"within": ["::/0", "10.1.2.3/8"]}})"),
       "p.json: /terms/0/match/destination/within/1: \"10.1.2.3/8\" has bits behind its length; expected "
       "\"10.0.0.0/8\", or \"10.1.2.3/32\" for that address"},
      {with_match(R"({"destination": {"within": []}})"),
       "p.json: /terms/0/match/destination/within: expected a list of one or "
       "more of prefixes, or \"@NAME\" for those of a list, found []"},
      {with_match(R"({"source": {"overlapping": ["@no"]}})"),
       "p.json: /terms/0/match/source/overlapping/0: expected \"@\" and the "
       "name of a prefix list that there is, found \"@no\""},
      {with_match(R"({"source": {"length": {"min": 9, "max": 8}}})"),
       "p.json: /terms/0/match/source/length: expected a min that is not above max, found 9 and 8"},
      {with_match(R"({"protocol": ["quic"]})"),
       "p.json: /terms/0/match/protocol/0: expected a number from 0 to 255 as "
       "in 6, \"tcp\" or \"0-5\", found \"quic\""},
      {with_match(R"({"port": ["90-80"]})"),
       "p.json: /terms/0/match/port/0: expected a range from the smaller to "
       "the larger number, found \"90-80\""},
      {with_match(R"({"route_targets": ["RT:1:2"]})"),
       "p.json: /terms/0/match/route_targets/0: expected a route target as FRR prints it"},
      {with_match(R"({"sequence": 5})"), "p.json: /terms/0/match/sequence: expected \"none\", \"any\" or an "
                                         "object with min, max or both, found 5"},
      {with_then(R"({"set": {"rate": 1}, "delete": ["dscp", "rate"]})"),
       "p.json: /terms/0/then/delete/1: expected rate to be given or deleted, not both"},
      {with_then(R"({"set": {"dscp": 64}})"),
       "p.json: /terms/0/then/set/dscp: expected a whole number from 0 to 63, found 64"},
      {R"({"default": "accept", "terms": [{"name": "t", "then": "accept"}, {"name": "t", "then": "accept"}]})",
       "p.json: /terms/1/name: expected another name: \"t\" is that of p.json /terms/0 too"},
      {R"({"default": "accept", "terms": [{"name": "default", "then": "accept"}]})",
       "p.json: /terms/0/name: expected another name: what no term decides is counted as \"default\""},
      {R"({"default": "accept", "prefix_lists": {"a": ["@b"], "b": ["@a"]}})",
       "p.json: /prefix_lists/b/0: expected no list that names, by itself or "
       "by others, the list that it stands in"},
      {R"({"default": "accept", "protect": [{"source": {"within": ["::/0"]}, "rate_below": 0}]})",
       "p.json: /protect/0/rate_below: expected bytes a second, above 0, found 0"},
      {R"({"default": "accept", "include": ["x.json"]})",
       "p.json: /include/0: read x.json: no files can be included here"},
  };
  for (const Row& row : rows) {
    INFO(row.document);
    CHECK_THAT(refusal(row.document), Catch::StartsWith(row.error));
  }
}

TEST_CASE("an error is one line, whatever stands in the document") {
  const std::string error = refusal("{\"de\\nfault\\u001b\": \"x\\r\\ny\"}");
  CHECK_THAT(error, Catch::StartsWith("p.json: /de\\x0afault\\x1b: an unknown key"));
  CHECK(refusal(with_match(R"({"family": ")" + std::string(100'000, 'x') + "\"}")).size() < 300);
}

TEST_CASE("no document exhausts the stack or the memory") {
  const auto repeated = [](const std::string& text, std::size_t times) {
    std::string result;
    for (std::size_t count = 0; count < times; ++count)
      result += text;
    return result;
  };
  CHECK_THAT(refusal(repeated("[", 1'000'000)), Catch::Contains("nests deeper than 32 levels"));
  CHECK_THAT(refusal(repeated(R"({"terms":)", 1'000'000)), Catch::Contains("nests deeper than 32 levels"));

  std::string chain = R"({"default": "accept", "prefix_lists": {"0": ["::/0"])";
  for (int number = 1; number < 20'000; ++number)
    chain += ", \"" + std::to_string(number) + "\": [\"@" + std::to_string(number - 1) + "\"]";
  CHECK_THAT(refusal(chain + "}}"), Catch::Contains("expected no more than 64 lists within lists"));

  std::string doubling = R"({"default": "accept", "prefix_lists": {"big": ["10.0.0.0/32")";
  for (int number = 2; number < 2000; number += 2)
    doubling += ", \"10.0." + std::to_string(number / 256) + "." + std::to_string(number % 256) + "/32\"";
  doubling += R"(], "many": ["@big")" + repeated(", \"@big\"", 6000) + "]}}";
  CHECK_THAT(refusal(doubling), Catch::Contains("expected no more than 5000000 prefixes in all"));
}

TEST_CASE("a large document is refused as quickly as it is read") {
  // In the square of its size this would take hours.
  std::string document = R"({"default": "accept", "terms": [{})";
  while (document.size() < 2'000'000)
    document += ",{}";
  CHECK(refusal(document + "]}") == "p.json: /terms/0: expected a member \"name\"");
}

TEST_CASE("lists may stand 64 deep, in whatever order they are met") {
  const auto chain = [](int levels, bool upwards) {
    std::string lists;
    for (int number = 0; number < levels; ++number) {
      const int own = upwards ? 100 + number : 300 - number;
      const int next = upwards ? own + 1 : own - 1;
      lists += (number == 0 ? "\"" : ", \"") + std::to_string(own) + "\": [\"" +
               (number + 1 == levels ? "::/0" : "@" + std::to_string(next)) + "\"]";
    }
    return R"({"default": "accept", "prefix_lists": {)" + lists + "}}";
  };
  for (const bool upwards : {true, false}) {
    CHECK(refusal(chain(64, upwards)) == "taken");
    CHECK_THAT(refusal(chain(65, upwards)), Catch::Contains("64 lists within lists"));
  }
}
