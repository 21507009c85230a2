// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/state.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

const Origin here{"boot-1", "17", "FLOWSPEC"};

State example() {
  State state;
  FamilyMemory& memory = state.families[Family::ipv4];
  memory.source = "FRR (vtysh)";
  memory.polled = 1234567ms;
  memory.table_version = 99;
  memory.peers = {{"192.0.2.1", "Established", 3, 2, 40, 1000ms, 5000ms},
                  {"2001:db8::1", "removed", 0, 0, 0, 0ms, 7ms}};
  memory.held = {{"0123456789abcdef", 5ms, {"192.0.2.1", "2001:db8::1"}}, {"fedcba9876543210", 6ms, {}}};
  state.families[Family::ipv6].from_frr = false;
  state.marks = {{Family::ipv4, "filter", {"a", "b"}}, {Family::ipv6, "mangle", {}}};
  state.totals.passes_changed = 0xffffffffffffffffU;
  state.totals.passes_unchanged = 2;
  state.totals.failures = {{"lock", 3}};
  state.totals.commits = {{"IPv6 mangle", 4}};
  state.totals.repairs = {{"jump-gone", 5}};
  state.totals.lock_waits = 6;
  state.totals.lock_waited = 7ms;
  state.last_pass = 1795293089;
  state.last_success = 1795293000;
  state.last_failure = "a \"quote\"\nand \x01";
  state.gauges = {{"flowspec_routes{family=\"ipv4\",state=\"active\"}", 12}, {"x", 0.25}};
  return state;
}

} // namespace

TEST_CASE("a state is read as it was written") {
  for (const State& state : {State(), example()}) {
    const std::string text = state_text(state, here);
    CHECK(text.find('\n') == text.size() - 1);
    CHECK(parse_state(text, here) == state);
  }
}

TEST_CASE("bytes that are not UTF-8 do not keep a state from being written") {
  State state;
  state.last_failure = "vtysh said \xff\xfe";
  CHECK_THAT(parse_state(state_text(state, here), here).last_failure, Catch::Contains("vtysh said"));
}

TEST_CASE("a state of another start, network or chain says nothing of this one") {
  const std::string text = state_text(example(), here);
  CHECK_THROWS_WITH(parse_state(text, {"boot-2", "17", "FLOWSPEC"}),
                    Catch::Contains("the machine has started"));
  CHECK_THROWS_WITH(parse_state(text, {"boot-1", "18", "FLOWSPEC"}),
                    Catch::Contains("another network namespace"));
  CHECK_THROWS_WITH(parse_state(text, {"boot-1", "17", "PEERS"}), Catch::Contains("of chain FLOWSPEC"));
}

TEST_CASE("a damaged state is an error, wherever it is cut or changed") {
  const std::string text = state_text(example(), here);
  for (std::size_t length = 0; length + 1 < text.size(); ++length)
    REQUIRE_THROWS_AS(parse_state(text.substr(0, length), here), Error);
  for (std::size_t at = 0; at < text.size(); ++at)
    for (const char octet : {'\0', '"', '-', '9', '{', '\xff'}) {
      std::string changed = text;
      changed[at] = octet;
      try {
        parse_state(changed, here); // some changes only change a text or a number
      } catch (const Error&) {
      }
    }
  for (const char* bad : {"", "{}", "[]", "null", "7", R"({"format":2})", R"({"format":1,"chain":7})"})
    CHECK_THROWS_AS(parse_state(bad, here), Error);
}
