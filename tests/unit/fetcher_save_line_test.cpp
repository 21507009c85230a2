// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/save_line.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace flowspec;

namespace {

/// The words of each line, a quoted one in brackets.
std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> lines;
  SaveLines source(text);
  while (const auto line = source.next()) {
    std::string joined;
    for (const SaveWord& word : line->words)
      joined += (joined.empty() ? "" : " ") + (word.quoted ? "[" + word.text + "]" : word.text);
    lines.push_back(std::move(joined));
  }
  return lines;
}

std::string failure(std::string_view text) {
  try {
    words(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

} // namespace

TEST_CASE("save lines are split at blanks, blank lines and remarks fall away") {
  using Lines = std::vector<std::string>;
  CHECK(words("").empty());
  CHECK(words("# only \"a remark\n\n  \t\n").empty());
  CHECK(words("*filter\nCOMMIT") == Lines{"*filter", "COMMIT"});
  CHECK(words("  -A   FORWARD\t-j DROP \n") == Lines{"-A FORWARD -j DROP"});
  CHECK(words("a#b # c\n") == Lines{"a#b # c"});
}

TEST_CASE("a quoted word keeps blanks, line breaks and escaped bytes") {
  using Lines = std::vector<std::string>;
  CHECK(words(R"(--comment "he said \"hi\" \\ it\'s" -j X)") ==
        Lines{R"(--comment [he said "hi" \ it's] -j X)"});
  CHECK(words("a \"two\nlines\" b\nc") == Lines{"a [two\nlines] b", "c"});
  CHECK(words("--comment \"\" -j DROP") == Lines{"--comment [] -j DROP"});
  CHECK(words("\"\xff\xfe\x01\"") == Lines{"[\xff\xfe\x01]"});
  // Interface names are printed without quotes, whatever they hold.
  CHECK(words(R"(-i a"b\c -j DROP)") == Lines{R"(-i a"b\c -j DROP)"});
}

TEST_CASE("save lines know where they stand") {
  SaveLines lines("# one\n-A x \"a\nb\"\n\nCOMMIT\n");
  const auto first = lines.next();
  REQUIRE(first);
  CHECK(first->number == 2);
  CHECK(first->text == "-A x \"a\nb\"");
  const auto second = lines.next();
  REQUIRE(second);
  CHECK(second->number == 5);
  CHECK_FALSE(lines.next());
}

TEST_CASE("what is no text is an error with its line") {
  using namespace std::string_literals;
  CHECK(failure("*filter\n-A x \"never closed\nCOMMIT\n") == "line 2: the quote is never closed");
  CHECK(failure("ok\n\x7f"
                "ELF\n") == "line 2: byte 0x7f is not text");
  CHECK(failure("*filter\r\n") == "line 1: byte 0x0d is not text");
  CHECK(failure("a\0b"s) == "line 1: byte 0x00 is not text");
  CHECK(failure("\"a\n\0\""s) == "line 2: byte 0x00 is not text");
  CHECK(failure("\"a\\\0\""s) == "line 1: byte 0x00 is not text");
  CHECK(failure("\"a\nb\"c") == "line 2: text right behind the quote that line 1 opens");
  CHECK(failure("\"ends with a backslash\\") == "line 1: the quote is never closed");
}
