// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/question_options.hpp"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

using Words = std::vector<std::string>;

Question parse(Words words) {
  CLI::App app;
  RawQuestion raw;
  add_question_options(app, raw);
  std::reverse(words.begin(), words.end()); // as CLI11 wants them
  app.parse(words);
  return question_of(raw);
}

/// The options behind two addresses.
Question about(const Words& more, Family family = Family::ipv4) {
  Words words = family == Family::ipv4 ? Words{"--src", "10.0.0.1", "--dst", "10.0.3.10"}
                                       : Words{"--src", "2001:db8::1", "--dst", "2001:db8::3:10"};
  words.insert(words.end(), more.begin(), more.end());
  return parse(words);
}

std::string refusal(const std::function<void()>& ask) {
  try {
    ask();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing was refused";
}

} // namespace

TEST_CASE("a question holds what was said and nothing else") {
  const Question bare = about({});
  Question expected;
  expected.source = *parse_address("10.0.0.1");
  expected.destination = *parse_address("10.0.3.10");
  CHECK(bare == expected);

  expected.protocol = std::uint8_t{6};
  expected.source_port = std::uint16_t{0};
  expected.destination_port = std::uint16_t{65535};
  expected.tcp_flags = std::uint16_t{0x12};
  expected.length = 20U;
  expected.dscp = std::uint8_t{63};
  expected.fragment = FragmentPlace::first;
  expected.dont_fragment = true;
  expected.established = true;
  CHECK(about({"--proto", "tcp", "--sport", "0", "--dport", "65535", "--tcp-flags", "syn,ack", "--length",
               "20", "--dscp", "63", "--fragment", "first", "--dont-fragment", "--established"}) == expected);

  Question v6;
  v6.family = Family::ipv6;
  v6.source = *parse_address("2001:db8::1");
  v6.destination = *parse_address("2001:db8::3:10");
  v6.protocol = std::uint8_t{58};
  v6.icmp_type = std::uint8_t{128};
  v6.icmp_code = std::uint8_t{0};
  v6.flow_label = 1048575U;
  v6.established = false;
  CHECK(about({"--proto", "icmpv6", "--icmp-type", "128", "--icmp-code", "0", "--flow-label", "1048575",
               "--not-established"},
              Family::ipv6) == v6);
  CHECK(about({"--may-fragment"}).dont_fragment == false);
}

TEST_CASE("protocols by name and by number") {
  const std::vector<std::pair<std::string, int>> rows{
      {"tcp", 6}, {"udp", 17},   {"icmp", 1},  {"igmp", 2}, {"vrrp", 112}, {"gre", 47}, {"esp", 50},
      {"ah", 51}, {"sctp", 132}, {"ospf", 89}, {"0", 0},    {"255", 255},  {"58", 58}};
  for (const auto& [word, number] : rows) {
    CAPTURE(word);
    CHECK(about({"--proto", word}).protocol == number);
  }
  CHECK(about({"--proto", "ipv6-icmp"}, Family::ipv6).protocol == 58);
  CHECK(about({"--proto", "1"}, Family::ipv6).protocol == 1);
}

TEST_CASE("TCP flags by name and by number") {
  const std::vector<std::pair<std::string, int>> rows{
      {"fin", 0x1},  {"syn", 0x2},  {"rst", 0x4},    {"psh", 0x8},  {"ack", 0x10},
      {"urg", 0x20}, {"ece", 0x40}, {"cwr", 0x80},   {"ae", 0x100}, {"ack,syn,syn", 0x12},
      {"none", 0},   {"0x0", 0},    {"0xFff", 0xfff}};
  for (const auto& [word, flags] : rows) {
    CAPTURE(word);
    CHECK(about({"--proto", "tcp", "--tcp-flags", word}).tcp_flags == flags);
  }
}

TEST_CASE("what a question says of fragments") {
  for (const FragmentPlace place : fragment_places)
    CHECK(about({"--fragment", std::string(name(place))}).fragment == place);
}

TEST_CASE("a question that makes no sense is refused with the value and the cause") {
  struct Row {
    Words words;
    std::string message;
  };
  const std::vector<Row> rows{
      {{"--proto", "tpc"},
       "--proto tpc: it is no protocol: icmp, igmp, tcp, udp, gre, esp, ah, icmpv6, ospf, vrrp, sctp, "
       "ipv6-icmp, or a "
       "number from 0 to 255"},
      {{"--proto", "icmpv6"},
       "--proto icmpv6: the addresses are IPv4, whose ICMP is 1 (icmp); a number says just that protocol"},
      {{"--dport", "80"}, "--dport 80: it needs --proto tcp or udp"},
      {{"--proto", "sctp", "--sport", "80"},
       "--sport 80: it needs --proto tcp or udp, and the protocol is 132 (sctp)"},
      {{"--proto", "tcp", "--dport", "65536"}, "--dport 65536: it is no number from 0 to 65535"},
      {{"--proto", "tcp", "--icmp-type", "8"},
       "--icmp-type 8: it needs --proto icmp, and the protocol is 6 (tcp)"},
      {{"--icmp-code", "0"}, "--icmp-code 0: it needs --proto icmp"},
      {{"--proto", "udp", "--tcp-flags", "syn"},
       "--tcp-flags syn: it needs --proto tcp, and the protocol is 17 (udp)"},
      {{"--proto", "tcp", "--tcp-flags", "syn,,ack"},
       "--tcp-flags syn,,ack: \"\" is no flag: fin, syn, rst, psh, ack, urg, ece, cwr, ae, joined by commas; "
       "or "
       "none, or a number with 0x"},
      {{"--proto", "tcp", "--tcp-flags", "0x1000"}, "--tcp-flags 0x1000: it is no number from 0x0 to 0xfff"},
      {{"--length", "19"}, "--length 19: it is no number from 20 to 65535"},
      {{"--dscp", "64"}, "--dscp 64: it is no number from 0 to 63"},
      {{"--flow-label", "1"}, "--flow-label 1: the addresses are IPv4, which has no flow label"},
      {{"--fragment", "whole"}, "--fragment whole: it is one of none, first, middle, last"},
      {{"--proto", "tcp", "--dport", "80", "--fragment", "last"},
       "--dport 80: --fragment last: only the first fragment has that header"},
      {{"--dont-fragment", "--may-fragment"}, "--dont-fragment and --may-fragment: only one of them"},
      {{"--established", "--not-established"}, "--established and --not-established: only one of them"},
  };
  for (const Row& row : rows)
    CHECK(refusal([&] { about(row.words); }) == row.message);

  for (const char* number : {"", "-1", "+1", " 1", "1 ", "0x10", "1e1", "99999999999999999999", "soon"}) {
    CAPTURE(number);
    CHECK(refusal([&] {
            about({"--dscp", number});
          }) == "--dscp " + std::string(number) + ": it is no number from 0 to 63");
  }
  for (const char* flags : {"", "syn,", "SYN", "0x", "0x-1", "2", "none,syn"}) {
    CAPTURE(flags);
    CHECK(refusal([&] { about({"--proto", "tcp", "--tcp-flags", flags}); }) != "nothing was refused");
  }
}

TEST_CASE("a question about IPv6 has no words of IPv4, and its own protocols") {
  CHECK(refusal([] { about({"--dont-fragment"}, Family::ipv6); }) ==
        "--dont-fragment: the addresses are IPv6, which has no such bit");
  CHECK(refusal([] {
          about({"--proto", "icmp"}, Family::ipv6);
        }) ==
        "--proto icmp: the addresses are IPv6, whose ICMP is 58 (icmpv6); a number says just that protocol");
  CHECK(refusal([] {
          about({"--proto", "ah"}, Family::ipv6);
        }) == "--proto ah: an extension header of IPv6 is not looked at; say the protocol behind it");
  CHECK(refusal([] {
          about({"--length", "39"}, Family::ipv6);
        }) == "--length 39: it is no number from 40 to 65535");
  CHECK(refusal([] {
          about({"--flow-label", "1048576"}, Family::ipv6);
        }) == "--flow-label 1048576: it is no number from 0 to 1048575");
}

TEST_CASE("the two addresses of a question are needed and are of one family") {
  CHECK(refusal([] {
          parse({"--src", "10.0.0.1", "--dst", "2001:db8::1"});
        }) == "--src 10.0.0.1 and --dst 2001:db8::1: one is IPv4 and the other IPv6");
  CHECK(refusal([] {
          parse({"--src", "10.0.0.0/8", "--dst", "10.0.0.1"});
        }) == "--src 10.0.0.0/8: it is no IP address");
  CHECK(refusal([] { question_of({}); }) == "--src: it is missing, and an answer needs it");
  CHECK_THROWS_AS(parse({"--src", "10.0.0.1"}), CLI::RequiredError);
  CHECK_THROWS_AS(parse({"--src", "10.0.0.1", "--dst", "10.0.0.2", "--dst", "10.0.0.3"}), CLI::ParseError);
}
