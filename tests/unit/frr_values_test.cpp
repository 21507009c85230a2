// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/frr_values.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

ShownPath path_with(std::initializer_list<std::pair<int, const char*>> components) {
  ShownPath path;
  for (const auto& [type, text] : components)
    path.components[static_cast<std::size_t>(type - 1)] = text;
  return path;
}

/// The match in words, or the reason why it is not used.
std::string read(const ShownPath& path, Family family = Family::ipv4,
                 OperatorTable table = OperatorTable::rfc8955) {
  const auto result = read_components(path, family, table);
  if (const auto* rejected = std::get_if<Rejected>(&result))
    return std::string(name(rejected->reason));
  return to_string(std::get<ComponentsRead>(result).match);
}

} // namespace

TEST_CASE("every component of IPv4 is read") {
  CHECK(read(path_with({{1, "203.255.0.0/9"},
                        {2, "10.0.0.0/8"},
                        {3, "= 6 "},
                        {4, ">= 80 , <= 90 "},
                        {5, "= 443 "},
                        {6, "< 1024 , > 50000 "},
                        {7, "= 8 "},
                        {8, "= 0 "},
                        {9, "= 2,&∋ ! 16"},
                        {10, ">= 100 , <= 200 "},
                        {11, "= 46 "},
                        {12, "∋ 1,|= ! 2"}})) ==
        "dst 203.128.0.0/9 src 10.0.0.0/8 proto 6 port 80-90 dport 443 sport 0-1023,50001-65535 icmp-type 8 "
        "icmp-code 0 "
        "tcp-flags = 2,&∋ ! 16 length 100-200 dscp 46 fragment ∋ 1,|= ! 2");
}

TEST_CASE("how a component was announced is kept where canonical_nlri has it otherwise") {
  const auto result = read_components(path_with({{1, "10.0.0.0/8"},
                                                 {3, "= 17 , = 6 "},
                                                 {4, ">= 80 , <= 90 "},
                                                 {6, "> 1023 "},
                                                 {9, "= 2,&∋ ! 16"},
                                                 {10, "= 60 "},
                                                 {12, "∋ 17"}}),
                                      Family::ipv4, OperatorTable::rfc8955);
  const AnnouncedBytes& announced = std::get<ComponentsRead>(result).announced;
  const auto bytes = [&announced](std::uint8_t type) {
    const auto of_type = announced.of(type);
    return std::vector<std::uint8_t>(of_type.begin(), of_type.end());
  };
  CHECK(bytes(3) == std::vector<std::uint8_t>{0x01, 17, 0x81, 6});
  CHECK(bytes(6) == std::vector<std::uint8_t>{0x92, 0x03, 0xff});
  CHECK(bytes(12) == std::vector<std::uint8_t>{0x80, 17}); // with the bit that means nothing
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{1, 4, 9, 10})
    CHECK(bytes(type).empty());
}

TEST_CASE("IPv6 components") {
  CHECK(read(path_with({{1, "2001:db8::/32/off 0"}, {3, "= 58 "}, {13, "= 703710 "}}), Family::ipv6) ==
        "dst 2001:db8::/32 proto 58 flow-label 703710");
  CHECK(read(path_with({{1, "2001:db8:5::/48/off 16"}}), Family::ipv6) == "not-enforceable");
  CHECK(read(path_with({{13, "= 1048576 "}}), Family::ipv6) == "value-out-of-range");
}

TEST_CASE("what a component cannot hold is refused, never masked") {
  for (const auto& [type, text] :
       std::initializer_list<std::pair<int, const char*>>{{5, "= -1 "},
                                                          {5, "= 65536 "},
                                                          {5, "= 4294967376 "},
                                                          {5, "= 99999999999999999999999 "},
                                                          {3, "= 256 "},
                                                          {7, "= 256 "},
                                                          {8, "= 256 "},
                                                          {10, "= 65536 "},
                                                          {11, "= 64 "},
                                                          {9, "= 65536"},
                                                          {12, "= 256"},
                                                          {3, "= 6 , = 300 "}}) {
    CAPTURE(type, text);
    CHECK(read(path_with({{type, text}})) == "value-out-of-range");
  }
}

TEST_CASE("a fragment test of bits that stand for nothing is not one that always holds") {
  CHECK(read(path_with({{12, "= 16"}})) == "value-out-of-range");
  CHECK(read(path_with({{12, "= 1"}}), Family::ipv6) == "value-out-of-range"); // don't fragment
  CHECK(read(path_with({{12, "∋ 2,|∋ ! 240"}}), Family::ipv6) == "value-out-of-range");
  CHECK(read(path_with({{12, "∋ 3"}}), Family::ipv6) == "fragment ∋ 2");
  CHECK(read(path_with({{12, "∋ 1"}}), Family::ipv6) == "fragment ∋ 0"); // which never holds
  CHECK(read(path_with({{12, "= 0"}})) == "fragment = 0");
}

TEST_CASE("other reasons not to use a route") {
  CHECK(read({}) == "empty-match");
  CHECK(read(path_with({{5, "> 5 , > 1000 "}})) == "ambiguous-operators");
  CHECK(read(path_with({{1, "10.0.0.0/8"}, {3, " 6 "}})) == "dst 10.0.0.0/8 proto none");
  CHECK(read(path_with({{1, "10.0.0.0/8"}, {3, " 6 "}}), Family::ipv4, OperatorTable::draft) ==
        "dst 10.0.0.0/8 proto 0-255");
  const auto rejected =
      std::get<Rejected>(read_components(path_with({{1, "10.0.0.0/8"}, {5, "= -1 "}}), Family::ipv4, {}));
  CHECK(to_string(rejected) ==
        "to 10.0.0.0/8 dstp \"= -1 \": value-out-of-range: dstp \"= -1 \": -1 is not within 0..65535");
}

TEST_CASE("a text outside of the grammar is no route but a bad answer, also behind a reason not to use it") {
  for (const auto& [type, text] :
       std::initializer_list<std::pair<int, const char*>>{{1, ""},
                                                          {1, "10.0.0.0"},
                                                          {1, "10.0.0.0/33"},
                                                          {1, "2001:db8::/32/off 0"},
                                                          {1, "any"},
                                                          {3, ""},
                                                          {3, "= 6"},
                                                          {3, "=6 "},
                                                          {3, "6 "},
                                                          {3, "= 6 ,"},
                                                          {3, "= 6 , "},
                                                          {3, "= 6 = 7 "},
                                                          {3, "== 6 "},
                                                          {3, "= x "},
                                                          {3, "= --6 "},
                                                          {3, "= 6 & = 7 "},
                                                          {3, "= 1 , = 2 , = 3 , = 4 , = 5 , = 6 , = 7 "},
                                                          {9, ""},
                                                          {9, "2"},
                                                          {9, "= 2 "},
                                                          {9, "= 2,= 4"},
                                                          {9, "= 2,&"},
                                                          {9, "= 2,|x"},
                                                          {9, "∋"},
                                                          {9, "= ! ! 2"},
                                                          {9, "syn"}}) {
    CAPTURE(type, text);
    CHECK_THROWS_AS(read(path_with({{type, text}})), Error);
  }
  CHECK_THROWS_AS(read(path_with({{3, "= 300 "}, {5, "http"}})), Error);
  CHECK_THROWS_AS(read(path_with({{1, "2001:db8::/32"}}), Family::ipv6), Error);
  CHECK_THROWS_AS(read(path_with({{1, "2001:db8::/32/off x"}}), Family::ipv6), Error);
  CHECK_THROWS_AS(read(path_with({{1, "10.0.0.0/8/off 0"}}), Family::ipv6), Error);
}
