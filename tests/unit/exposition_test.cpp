// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/exposition.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace flowspec;

TEST_CASE("a label's value holds any bytes, and Prometheus can read it") {
  struct Row {
    std::string value;
    std::string written;
  };
  const std::vector<Row> rows{
      {"", ""},
      {"dst 10.0.0.0/8 dport 80", "dst 10.0.0.0/8 dport 80"},
      {R"(a "b" \c)", R"(a \"b\" \\c)"},
      {"two\nlines", R"(two\nlines)"},
      {"bell \a, DEL \x7f", R"(bell \\x07, DEL \\x7f)"},
      {std::string("a\0b", 3), R"(a\\x00b)"},
      {"Zürich → 東京 🦊", "Zürich → 東京 🦊"},
      {"\xff", R"(\\xff)"},
      {"caf\xe9!", R"(caf\\xe9!)"},                                       // Latin-1
      {"\xc3", R"(\\xc3)"},                                               // cut off
      {"\xe6\x9d", R"(\\xe6\\x9d)"},                                      // cut off
      {"\xc0\xaf", R"(\\xc0\\xaf)"},                                      // '/', longer than need be
      {"\xe0\x80\xaf", R"(\\xe0\\x80\\xaf)"},                             // the same
      {"\xed\xa0\x80", R"(\\xed\\xa0\\x80)"},                             // a surrogate
      {"\xf4\x90\x80\x80", R"(\\xf4\\x90\\x80\\x80)"},                    // beyond the last code point
      {"\xf4\x8f\xbf\xbf \xef\xbf\xbd", "\xf4\x8f\xbf\xbf \xef\xbf\xbd"}, // the last, and U+FFFD
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    const std::string list = label_list({{"family", "ipv4"}, {"match", row.value}});
    CHECK(list == "family=\"ipv4\",match=\"" + row.written + "\"");
    CHECK(is_label_list(list));
  }
}

TEST_CASE("what is no label list is told from one") {
  for (const char* text : {R"(a="")", R"(a="1",b="2")", R"(a_b="x\\\"\n",c="}{,=")"}) {
    CAPTURE(text);
    CHECK(is_label_list(text));
  }
  for (const char* text :
       {"", "a", "a=", "a=1", R"(a="1)", R"(a="1",)", R"(,a="1")", R"(a="1"b="2")", R"(a="1",a="2")",
        R"(a="\t")", R"(a="\)", "a=\"\n\"", "a=\"\xff\"", R"(A="1")", R"(a ="1")", R"(a="1"})"}) {
    CAPTURE(text);
    CHECK_FALSE(is_label_list(text));
  }
}

TEST_CASE("values as Prometheus takes them") {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  CHECK(sample_value(0) == "0");
  CHECK(sample_value(250'000) == "250000");
  CHECK(sample_value(0.0125) == "0.0125");
  CHECK(sample_value(1.5e300) == "1.5e+300");
  CHECK(sample_value(infinite) == "+Inf");
  CHECK(sample_value(-infinite) == "-Inf");
  CHECK(sample_value(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

TEST_CASE("a metric's head is written once, and not without a sample") {
  Exposition out(R"(chain="FLOWSPEC")");
  out.metric("a_total", "counter", "What a is.");
  out.sample(R"(x="1")", "5");
  out.sample("", "6");
  out.metric("b", "gauge", "What b is.");
  out.metric("c", "gauge", "What c is.");
  out.sample("", "7");
  CHECK(out.text() == "# HELP a_total What a is.\n"
                      "# TYPE a_total counter\n"
                      "a_total{chain=\"FLOWSPEC\",x=\"1\"} 5\n"
                      "a_total{chain=\"FLOWSPEC\"} 6\n"
                      "# HELP c What c is.\n"
                      "# TYPE c gauge\n"
                      "c{chain=\"FLOWSPEC\"} 7\n");
  Exposition plain("");
  plain.metric("d", "gauge", "What d is.");
  plain.sample("", "8");
  CHECK(plain.text() == "# HELP d What d is.\n# TYPE d gauge\nd 8\n");
}
