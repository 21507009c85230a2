// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/bit_tests.hpp"
#include "common/prefix.hpp"
#include "common/sequence_carrier.hpp"
#include "common/value_set.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>

#include <cstring>
#include <stdexcept>

using namespace flowspec;

TEST_CASE("parse_prefix reads what is a prefix and clears its host bits") {
  struct Row {
    const char* text;
    const char* shown;
  };
  for (const Row& row :
       {Row{"10.0.0.0/8", "10.0.0.0/8"}, Row{"203.255.0.0/9", "203.128.0.0/9"}, Row{"0.0.0.0/0", "0.0.0.0/0"},
        Row{"192.0.2.1/32", "192.0.2.1/32"}, Row{"2001:db8::1/32", "2001:db8::/32"}, Row{"::/0", "::/0"},
        Row{"::1/128", "::1/128"}}) {
    CAPTURE(row.text);
    const auto prefix = parse_prefix(row.text);
    REQUIRE(prefix);
    CHECK(to_string(*prefix) == row.shown);
  }
}

TEST_CASE("parse_prefix refuses everything else") {
  for (const char* text : {"", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8",
                           "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8/8", "::/129", "2001:db8::/32/off 0",
                           "10.0.0.256/8", "1e1/8", "10.0.0.0/99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_prefix(text));
  }
  CHECK_FALSE(parse_prefix(std::string_view("10.0.0.0\0/8", 11)));
}

TEST_CASE("parse_address takes of IPv4 what inet_pton takes") {
  generate::Random random(generate::seed());
  const std::string_view characters = "00112255.....6789 :x/-";
  int taken = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int octet = 0; octet < 4; ++octet)
      text += (octet == 0 ? "" : ".") + std::to_string(generate::number(random, 0, 299));
    if (generate::chance(random, 60))
      text[generate::number(random, 0, static_cast<std::uint32_t>(text.size() - 1))] =
          characters[generate::number(random, 0, static_cast<std::uint32_t>(characters.size() - 1))];
    if (text.find(':') != std::string::npos)
      continue;
    in_addr expected{};
    const bool good = inet_pton(AF_INET, text.c_str(), &expected) == 1;
    const std::optional<Address> address = parse_address(text);
    CAPTURE(text);
    REQUIRE(address.has_value() == good);
    if (good)
      REQUIRE(std::memcmp(address->bytes.data(), &expected, sizeof expected) == 0);
    taken += good ? 1 : 0;
  }
  CHECK(taken > 2000);
}

TEST_CASE("a prefix contains its addresses and the longer prefixes within it") {
  const Prefix ten = *parse_prefix("10.0.0.0/8");
  CHECK(ten.contains(*parse_address("10.255.255.255")));
  CHECK_FALSE(ten.contains(*parse_address("11.0.0.0")));
  CHECK_FALSE(ten.contains(*parse_address("::10.0.0.0")));
  CHECK(ten.contains(*parse_prefix("10.1.0.0/16")));
  CHECK(ten.contains(ten));
  CHECK_FALSE(ten.contains(*parse_prefix("0.0.0.0/0")));
  CHECK(Prefix::any(Family::ipv6).contains(*parse_address("2001:db8::1")));
}

TEST_CASE("an IPv6 pattern with an offset looks only at the bits behind it") {
  const Prefix pattern = Prefix::masked(*parse_address("2001:db8:1234::"), 48, 32);
  CHECK(to_string(pattern) == "0:0:1234::/48/off 32");
  CHECK(pattern.contains(*parse_address("ffff:ffff:1234::1")));
  CHECK_FALSE(pattern.contains(*parse_address("2001:db8:1235::1")));
}

TEST_CASE("a value set is the integers it holds, however it was written") {
  const ValueSet set(65535, {{80, 80}, {8000, 8080}, {81, 90}, {85, 100}});
  CHECK(to_string(set) == "80-100,8000-8080");
  CHECK(set.size() == 21 + 81);
  CHECK(set.contains(100));
  CHECK_FALSE(set.contains(101));
  CHECK(to_string(set.complement()) == "0-79,101-7999,8081-65535");
  CHECK(to_string(ValueSet(255)) == "none");
  CHECK(ValueSet(255).complement().full());
  CHECK(ValueSet::all(255).complement().empty());
  CHECK(to_string(ValueSet(255, {{0, 5}, {250, 255}}).complement()) == "6-249");
  CHECK(to_string(set & ValueSet(65535, {{90, 8000}})) == "90-100,8000");
  CHECK(to_string(set | ValueSet(65535, {{101, 7999}})) == "80-8080");
  CHECK(ValueSet::all(0xffffffffU).complement().empty()); // no wrap at the end of 32 bits
}

TEST_CASE("a value set refuses what its domain cannot hold") {
  CHECK_THROWS_AS(ValueSet(63, {{0, 64}}), std::invalid_argument);
  CHECK_THROWS_AS(ValueSet(63, {{5, 4}}), std::invalid_argument);
  CHECK_THROWS_AS(ValueSet::all(63) & ValueSet::all(255), std::invalid_argument);
}

TEST_CASE("bit tests: AND binds tighter than OR, NOT turns one test, the first AND bit means nothing") {
  const BitTest syn{false, false, true, 2};
  const BitTest and_not_ack{true, true, false, 16};
  const BitTest or_rst{false, false, true, 4};
  const BitTests tests{{syn, and_not_ack, or_rst}};
  CHECK(tests.holds(2));
  CHECK_FALSE(tests.holds(18));
  CHECK(tests.holds(4 | 16));
  CHECK(to_string(tests) == "= 2,&∋ ! 16,|= 4");
  CHECK(BitTests{{{true, false, true, 2}}}.holds(2));
  CHECK_FALSE(BitTests{{{false, false, false, 0}}}.holds(0xffff)); // "any of no bits"
  CHECK(BitTests{{{false, false, true, 0}}}.holds(0));             // "all of no bits"
  CHECK_FALSE(BitTests{}.holds(0));
}

TEST_CASE("the sequence carrier option") {
  CHECK(parse_sequence_carrier("rt:65535") == SequenceCarrier{});
  CHECK(parse_sequence_carrier("rt:0")->asn == 0);
  CHECK(parse_sequence_carrier("marking")->largest() == 255);
  CHECK(parse_sequence_carrier("rt:1")->largest() == 4294967295U);
  CHECK(parse_sequence_carrier("none")->kind == SequenceCarrier::Kind::none);
  for (const char* text : {"", "rt", "rt:", "rt:65536", "rt:-1", "rt:1 ", "Marking", "rt:1:2"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_sequence_carrier(text));
  }
  for (const char* text : {"rt:65535", "rt:7", "marking", "none"})
    CHECK(to_string(*parse_sequence_carrier(text)) == text);
}
