// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/ask_socket.hpp"
#include "injector/vty_reply.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace flowspec;
using namespace std::string_literals;

namespace {

constexpr std::size_t plenty = 1000;

/// The end of a reply.
std::string end_of(int code) {
  return "\0\0\0"s + static_cast<char>(code);
}

/// A bgpd that says the same to everything, in pieces of `piece_size`, and closes then.
struct FakeBgpd {
  std::string says;
  std::size_t piece_size = plenty;
  std::vector<std::string> heard{};

  AskFrr asked(std::size_t largest_answer = plenty) {
    return ask_socket(
        [this](std::string_view request, const std::function<bool(std::string_view)>& take) {
          heard.emplace_back(request);
          for (std::size_t at = 0; at < says.size(); at += piece_size)
            if (take(std::string_view(says).substr(at, piece_size)))
              return;
          throw Error("receive from /x: closed");
        },
        largest_answer);
  }
};

} // namespace

TEST_CASE("a reply is read wherever it was cut") {
  const std::vector<std::pair<std::string, int>> replies{
      {"", 0},   {"", 1}, {"x", 0}, {"[{\"to\":\"10.0.0.0/8\"}]\n", 0}, {"% Unknown command: x\n", 2},
      {"x", 255}};
  for (const auto& [text, code] : replies) {
    const std::string bytes = text + end_of(code);
    for (std::size_t first = 0; first <= bytes.size(); ++first)
      for (std::size_t second = first; second <= bytes.size(); ++second) {
        CAPTURE(text, code, first, second);
        const std::string_view all(bytes);
        VtyReply reply(plenty);
        CHECK(reply.take(all.substr(0, first)) == (first == bytes.size()));
        CHECK(reply.take(all.substr(first, second - first)) == (second == bytes.size()));
        CHECK(reply.take(all.substr(second)));
        CHECK(reply.whole());
        CHECK(reply.code() == code);
        CHECK(reply.text() == text);
      }
  }
}

TEST_CASE("a reply is not whole before its last byte") {
  for (const int code : {0, 1}) {
    VtyReply reply(plenty);
    for (const char byte : "text"s + end_of(code).substr(0, 3))
      CHECK_FALSE(reply.take({&byte, 1}));
    CHECK_FALSE(reply.take(""));
    CHECK(reply.take(end_of(code).substr(3)));
  }
}

TEST_CASE("what is no reply is refused") {
  struct Row {
    std::string bytes, words;
  };
  const std::vector<Row> rows{
      {"te\0xt"s, "bgpd's answer has a NUL at byte 2 that does not end it"},
      {"te\0\0xt"s, "bgpd's answer has a NUL at byte 2 that does not end it"},
      {"\0\1"s, "bgpd's answer has a NUL at byte 0 that does not end it"},
      {"ok" + end_of(0) + "more", "bgpd's answer goes on behind its end, which is at byte 2"},
      {"ok" + end_of(0) + end_of(0), "bgpd's answer goes on behind its end, which is at byte 2"},
      {std::string(plenty + 1, 'x'), "bgpd's answer has more than 1000 bytes"},
  };
  for (const Row& row : rows)
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, row.bytes.size()}) {
      CAPTURE(row.words, piece);
      VtyReply reply(plenty);
      CHECK_THROWS_WITH(
          [&] {
            for (std::size_t at = 0; at < row.bytes.size(); at += piece)
              reply.take(std::string_view(row.bytes).substr(at, piece));
          }(),
          Catch::Equals(row.words));
    }
  VtyReply reply(plenty);
  CHECK(reply.take(std::string(plenty, 'x') + end_of(0))); // as much as the limit is no more than it
}

TEST_CASE("FRR's text is what it sent, and its command ends in a NUL") {
  FakeBgpd bgpd{"{\n  \"peers\":{}\n}\n" + end_of(0), 3};
  const AskFrr ask = bgpd.asked();
  CHECK(ask("show bgp ipv4 flowspec summary json") == "{\n  \"peers\":{}\n}\n");
  bgpd.says = end_of(0); // an empty table
  CHECK(ask("show bgp ipv4 flowspec detail json").empty());
  CHECK(bgpd.heard ==
        std::vector{"show bgp ipv4 flowspec summary json\0"s, "show bgp ipv4 flowspec detail json\0"s});
}

TEST_CASE("every failure is NoAnswer, and the next command is asked as if nothing had been") {
  struct Row {
    std::string says, words;
  };
  const std::vector<Row> rows{
      {"", "ask FRR (show x): receive from /x: closed"},
      {"[{\"to\"", "ask FRR (show x): receive from /x: closed"},
      {"[]" + end_of(0).substr(0, 3), "ask FRR (show x): receive from /x: closed"},
      {"% Unknown command: show x\n" + end_of(2),
       "ask FRR (show x): return code 2 (no such command): % Unknown command: show x"},
      {"{\n  \"warning\":\"Default BGP instance not found\"\n}\n" + end_of(1),
       R"(ask FRR (show x): return code 1 (warning): { "warning":"Default BGP instance not found" })"},
      {end_of(255), "ask FRR (show x): return code 255: without a word"},
      {std::string(500, 'y') + end_of(1),
       "ask FRR (show x): return code 1 (warning): " + std::string(200, 'y') + "..."},
      {"a\0b"s, "ask FRR (show x): bgpd's answer has a NUL at byte 1 that does not end it"},
      {std::string(plenty + 1, 'z'), "ask FRR (show x): bgpd's answer has more than 1000 bytes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.words);
    FakeBgpd bgpd{row.says};
    const AskFrr ask = bgpd.asked();
    CHECK_THROWS_AS(ask("show x"), NoAnswer);
    CHECK_THROWS_WITH(ask("show x"), Catch::Equals(row.words));
    bgpd.says = "ok" + end_of(0);
    CHECK(ask("show x") == "ok");
  }
}

TEST_CASE("half an answer is none, whatever the other side of the seam believes") {
  const AskFrr ask = ask_socket([](std::string_view, const auto& take) { take("[]"); });
  CHECK_THROWS_WITH(ask("show x"), Catch::Equals("ask FRR (show x): the answer has no end"));
}

TEST_CASE("what bgpd would not take as one command is not sent") {
  FakeBgpd bgpd{"ok" + end_of(0)};
  const AskFrr ask = bgpd.asked();
  CHECK_THROWS_AS(ask("show x\0configure terminal"s), NoAnswer);
  CHECK_THROWS_AS(ask(std::string(4095, 'x')), NoAnswer);
  CHECK(bgpd.heard.empty());
  CHECK(ask(std::string(4094, 'x')) == "ok");
}

TEST_CASE("bgpd's socket is in the directory of its pathspace") {
  CHECK(bgpd_socket(std::nullopt) == "/var/run/frr/bgpd.vty");
  CHECK(bgpd_socket("leaf01") == "/var/run/frr/leaf01/bgpd.vty");
}
