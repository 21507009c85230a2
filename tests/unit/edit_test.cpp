// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/edit.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace flowspec;

namespace {

Rule rule(std::uint8_t protocol) {
  Rule result;
  result.protocol = protocol;
  return result;
}

Rule jump(const std::string& chain) {
  Rule result;
  result.target = Jump{chain};
  return result;
}

const Ruleset filter{
    Family::ipv4, "filter", {{"FORWARD", Verdict::accept, {rule(1), rule(2)}}, {"user", {}, {}}}};

} // namespace

TEST_CASE("edits are carried out in order, each on what the one before it left") {
  const Ruleset after =
      apply({InsertRule{"FORWARD", 2, rule(3)}, InsertRule{"FORWARD", 0, rule(0)},
             DeleteRule{"FORWARD", 1, rule(1)}, CreateChain{"new"}, InsertRule{"new", 0, rule(9)},
             InsertRule{"FORWARD", 0, jump("new")}, DeleteChain{"user"}},
            filter);
  const Ruleset expected{
      Family::ipv4,
      "filter",
      {{"FORWARD", Verdict::accept, {jump("new"), rule(0), rule(2), rule(3)}}, {"new", {}, {rule(9)}}}};
  CHECK(after == expected);
  CHECK(apply({}, filter) == filter);
}

TEST_CASE("an edit that does not fit throws") {
  const auto refused = [](const std::vector<Edit>& edits) {
    CHECK_THROWS_AS(apply(edits, filter), std::out_of_range);
  };
  refused({CreateChain{"user"}});
  refused({DeleteChain{"none"}});
  refused({DeleteChain{"FORWARD"}});
  refused({InsertRule{"none", 0, {}}});
  refused({InsertRule{"FORWARD", 3, {}}});
  refused({DeleteRule{"FORWARD", 2, {}}});
  refused({DeleteRule{"none", 0, {}}});
  refused({InsertRule{"user", 0, {}}, DeleteChain{"user"}});
  refused({InsertRule{"FORWARD", 0, jump("user")}, DeleteChain{"user"}});
}
