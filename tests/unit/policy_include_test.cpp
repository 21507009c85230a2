// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/policy.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace flowspec;

namespace {

Prefix prefix(std::string_view text) {
  return parse_prefix(text).value();
}

std::string refusal(std::string_view document, const ReadInclude& read = nullptr) {
  try {
    parse_policy(document, "p.json", read);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "taken";
}

/// Files by their names.
using Files = std::map<std::string, std::string>;

ReadInclude reader_of(const Files& files) {
  return [&files](const std::string& path) {
    const auto found = files.find(path);
    if (found == files.end())
      throw Error("open " + path + ": No such file or directory");
    return found->second;
  };
}

std::vector<std::string> names_of(const std::vector<Term>& terms) {
  std::vector<std::string> names;
  for (const Term& term : terms)
    names.push_back(term.name);
  return names;
}

} // namespace

TEST_CASE("what is included comes first, once, and knows the lists of all") {
  const Files files = {
      {"etc/common/base.json",
       R"({"include": ["lists.json"], "terms": [{"name": "base", "match":
          {"destination": {"within": ["@mine"]}}, "then": "accept"}]})"},
      {"etc/common/lists.json", R"({"prefix_lists": {"infra": ["10.0.0.0/8"]},
          "protect": [{"source": {"within": ["@infra"]}}]})"},
      {"/abs/more.json", R"({"terms": [{"name": "more", "then": "reject"}]})"},
  };
  const Policy policy = parse_policy(
      R"({"include": ["common/base.json", "/abs/more.json", "common/lists.json"],
          "prefix_lists": {"mine": ["192.0.2.0/24"]}, "protect": [{"destination": {"within": ["@mine"]}}],
          "terms": [{"name": "main", "match": {"source": {"within": ["@infra"]}}, "then": "accept"}],
          "default": "reject"})",
      "etc/main.json", reader_of(files));
  CHECK(names_of(policy.terms) == std::vector<std::string>{"base", "more", "main"});
  CHECK(policy.terms.at(0).file == "etc/common/base.json");
  CHECK(policy.terms.at(0).match.destination->within == PrefixSet({prefix("192.0.2.0/24")}));
  CHECK(policy.protect == std::vector<Protection>{{std::nullopt, prefix("10.0.0.0/8"), std::nullopt},
                                                  {prefix("192.0.2.0/24"), std::nullopt, std::nullopt}});
}

TEST_CASE("an include that cannot be is refused where it stands") {
  const auto refused = [](const Files& files) {
    return refusal(R"({"include": ["a.json"], "prefix_lists": {"l": ["::/0"]}, "default": "accept"})",
                   reader_of(files));
  };
  CHECK(refused({}) == "p.json: /include/0: open a.json: No such file or directory");
  CHECK(refused({{"a.json", R"({"include": ["p.json"]})"}}) ==
        "a.json: /include/0: expected a file that does not include this one: p.json -> a.json -> p.json");
  CHECK_THAT(refused({{"a.json", R"({"default": "accept"})"}}),
             Catch::StartsWith("a.json: /default: an unknown key"));
  CHECK(refused({{"a.json", R"({"prefix_lists": {"l": ["::/0"]}})"}}) ==
        "p.json: /prefix_lists/l: expected another name: a.json has such a list at /prefix_lists/l");
  CHECK_THAT(refused({{"a.json", "{"}}), Catch::StartsWith("a.json: expected a JSON document"));
}

TEST_CASE("a complaint about a file is one line, whatever characters its name has") {
  const auto refused = [](const Files& files) {
    return refusal(R"({"include": ["a\n\u001b[1m.json"], "default": "accept"})", reader_of(files));
  };
  const std::string name = "a\n\x1b[1m.json";
  CHECK(refused({}) == "p.json: /include/0: open a\\x0a\\x1b[1m.json: No such file or directory");
  CHECK_THAT(refused({{name, "{"}}), Catch::StartsWith("a\\x0a\\x1b[1m.json: expected a JSON document"));
  CHECK_THAT(refused({{name, R"({"prefix_lists": {"l": []}})"}}),
             Catch::StartsWith("a\\x0a\\x1b[1m.json: /prefix_lists/l: expected a list of one or more"));
  CHECK(refused({{name, R"({"include": ["a\n\u001b[1m.json"]})"}}) ==
        "a\\x0a\\x1b[1m.json: /include/0: expected a file that does not include this one: p.json -> "
        "a\\x0a\\x1b[1m.json -> a\\x0a\\x1b[1m.json");
}

TEST_CASE("files that include files without an end are refused") {
  std::size_t read = 0;
  const ReadInclude deeper = [&read](const std::string&) {
    return R"({"include": ["d)" + std::to_string(++read) + R"(/x.json"]})";
  };
  CHECK_THAT(refusal(R"({"include": ["x.json"], "default": "accept"})", deeper),
             Catch::Contains("expected no more than 16 files"));
  CHECK(read == 15);
  std::string many = R"({"default": "accept", "include": [)";
  for (int number = 0; number < 300; ++number)
    many += (number == 0 ? "\"" : ", \"") + std::to_string(number) + "\"";
  CHECK_THAT(refusal(many + "]}", [](const std::string&) { return "{}"; }),
             Catch::StartsWith("p.json: /include/255: expected no more than 256 files"));
}
