// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/numeric_tests.hpp"

#include <catch2/catch.hpp>

#include <sstream>

using namespace flowspec;

namespace {

/// "= 80 , >= 8000 , <= 8080" without FRR's grammar around it.
std::vector<NumericTest> tests_of(const std::string& text) {
  std::vector<NumericTest> tests;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word == ",")
      continue;
    NumericTest test;
    test.less = word.find('<') != std::string::npos;
    test.greater = word.find('>') != std::string::npos;
    test.equal = word.find('=') != std::string::npos;
    words >> test.value;
    tests.push_back(test);
  }
  return tests;
}

std::string reading(const std::string& text, std::uint32_t max = 65535,
                    OperatorTable table = OperatorTable::rfc8955) {
  const auto set = unique_useful_reading(tests_of(text), max, table);
  return set ? to_string(*set) : "ambiguous";
}

} // namespace

TEST_CASE("lists with one useful reading") {
  struct Row {
    const char* text;
    const char* meaning;
  };
  for (const Row& row : {
           Row{"= 80", "80"},
           Row{"> 1023", "1024-65535"},
           Row{">= 0", "0-65535"},
           Row{"< 0", "none"},
           Row{"> 65535", "none"},
           Row{"= 80 , = 443", "80,443"},
           Row{"= 80 , = 80", "80"}, // every reading is the same set
           Row{">= 80 , <= 90", "80-90"},
           Row{">= 1 , <= 65535", "1-65535"},
           Row{">= 0 , <= 65535", "0-65535"},
           Row{"= 80 , = 443 , >= 8000 , <= 8080", "80,443,8000-8080"},
           Row{"> 1023 , < 2048 , = 53", "53,1024-2047"},
           Row{"< 1024 , > 50000", "0-1023,50001-65535"},
           Row{">= 0 , <= 128 , >= 1000 , <= 1500", "0-128,1000-1500"},
           Row{"> 10 , < 20 , > 15", "11-65535"},
           Row{"<= 6 , >= 3 , > 200 , < 2", "0-1,3-6,201-65535"},
           Row{">= 10 , <= 20 , >= 30 , <= 40", "10-20,30-40"},
           Row{">= 10 , <= 20 , >= 30 , <= 40 , >= 50 , <= 60", "10-20,30-40,50-60"},
           Row{"= 1 , = 2 , = 3 , = 4 , = 5 , = 6", "1-6"},
       }) {
    CAPTURE(row.text);
    CHECK(reading(row.text) == row.meaning);
  }
}

TEST_CASE("lists with no useful reading, or with several") {
  for (const char* text : {"> 5 , > 1000", "= 15 , > 10", "= 1 , > 2 , >= 3 , < 4 , <= 5"}) {
    CAPTURE(text);
    CHECK(reading(text) == "ambiguous");
  }
}

TEST_CASE("which tests the reading joins by AND") {
  struct Row {
    const char* text;
    unsigned joined; // bit i: test i and the next
  };
  for (const Row& row : {
           Row{"= 80", 0},
           Row{"= 443 , = 80 , = 100", 0},
           Row{">= 80 , <= 90", 1},
           Row{"= 53 , > 1023 , < 2048", 0b10},
           Row{"< 2048 , > 1023 , = 53", 0b1},
           Row{">= 10 , <= 20 , >= 30 , <= 40", 0b101},
           Row{"<= 6 , >= 3 , > 200 , < 2", 0b1},
           // Every reading is the same set.
           Row{"= 80 , = 80", 0},
           Row{">= 0 , <= 65535", 1},
       }) {
    CAPTURE(row.text);
    const auto reading = joined_reading(tests_of(row.text), 65535);
    REQUIRE(reading);
    CHECK(reading->joined == row.joined);
    CHECK(reading->values == unique_useful_reading(tests_of(row.text), 65535));
  }
  CHECK_FALSE(joined_reading(tests_of("= 15 , > 10"), 65535));
}

TEST_CASE("the operators 000 and 111 in both tables") {
  const std::vector<NumericTest> none{{false, false, false, 80}};
  const std::vector<NumericTest> all{{true, true, true, 80}};
  const std::vector<NumericTest> unequal{{true, true, false, 80}};
  CHECK(unique_useful_reading(none, 255)->empty());
  CHECK(unique_useful_reading(none, 255, OperatorTable::draft)->full());
  CHECK(unique_useful_reading(all, 255)->full());
  CHECK(unique_useful_reading(all, 255, OperatorTable::draft)->empty());
  CHECK(to_string(*unique_useful_reading(unequal, 255)) == "0-79,81-255");
}

TEST_CASE("what no FRR shows is refused as a mistake of the caller") {
  CHECK_THROWS_AS(unique_useful_reading({}, 255), std::invalid_argument);
  CHECK_THROWS_AS(unique_useful_reading(std::vector<NumericTest>(7), 255), std::invalid_argument);
  CHECK_THROWS_AS(reading("= 256", 255), std::invalid_argument);
  CHECK_THROWS_AS(reading("= -1", 255), std::invalid_argument);
}
