// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a status is put together from: ages and tables.
#include "injector/age.hpp"
#include "injector/text_table.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;
using namespace std::chrono_literals;

TEST_CASE("ages as FRR prints them") {
  struct Row {
    const char* text;
    std::optional<std::chrono::seconds> age;
  };
  constexpr auto day = 24h;
  for (const Row& row : {
           Row{"00:00:00", 0s},
           Row{"00:12:03", 12min + 3s},
           Row{"23:59:59", day - 1s},
           Row{"1d02h03m", day + 2h + 3min},
           Row{"6d23h59m", 7 * day - 1min},
           Row{"01w2d03h", 9 * day + 3h},
           Row{"51w6d23h", 364 * day - 1h},
           Row{"01y02w3d", (365 + 14 + 3) * day},
           Row{"99y51w6d", (99 * 365 + 51 * 7 + 6) * day},
           Row{"never", std::nullopt},
           Row{"", std::nullopt},
           Row{"00:00", std::nullopt},
           Row{"00:00:00:00", std::nullopt},
           Row{"1d02h", std::nullopt},
           Row{"1d02h03m04s", std::nullopt},
           Row{"1h02d03m", std::nullopt},
           Row{"1d 2h3m", std::nullopt},
           Row{"-1:00:00", std::nullopt},
           Row{"+1:00:00", std::nullopt},
           Row{"d02h03m", std::nullopt},
           Row{"99999999999:00:00", std::nullopt},
           Row{":::", std::nullopt},
       }) {
    CAPTURE(row.text);
    CHECK(parse_age(row.text) == row.age);
    if (row.age)
      CHECK(age_text(*row.age) == row.text);
  }
  CHECK(parse_age("4294967295y4294967295w4294967295d")); // absurd, and a number all the same
  CHECK(age_text(day - 1s + 1s) == "1d00h00m");
  CHECK(age_text(7 * day) == "01w0d00h");
  CHECK(age_text(365 * day) == "01y00w0d");
}

TEST_CASE("a table: columns as wide as what stands in them, and no line ends in spaces") {
  const std::vector<Column> columns{{"#", Align::right}, {"STATE"}, {"WHAT"}};
  CHECK(table_text(columns, {}, false) == "  #  STATE  WHAT\n");
  CHECK(table_text(columns,
                   {{{"1"}, {"active"}, {"all that there is"}},
                    {{"100"}, {"stale", Colour::yellow}, {""}},
                    {{"22"}, {""}, {"ümlaut"}}},
                   false) == "    #  STATE   WHAT\n"
                             "    1  active  all that there is\n"
                             "  100  stale\n"
                             "   22          ümlaut\n");
}

TEST_CASE("colours are around the words only, and only when they are wanted") {
  const std::vector<Column> columns{{"STATE"}, {"N", Align::right}};
  const std::vector<std::vector<Cell>> rows{{{"stale", Colour::yellow}, {"1"}},
                                            {{"missing", Colour::red}, {"10", Colour::red}}};
  CHECK(table_text(columns, rows, true) == "  STATE     N\n"
                                           "  \033[33mstale\033[0m     1\n"
                                           "  \033[31mmissing\033[0m  \033[31m10\033[0m\n");
  CHECK(painted("x", Colour::plain, true) == "x");
  CHECK(painted("x", Colour::red, false) == "x");
}
