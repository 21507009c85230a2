// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/iptc.hpp"
#include "common/rule_text.hpp"
#include "injector/ownership.hpp"
#include "injector/ruleset_diff.hpp"
#include "injector/sync.hpp"

#include <catch2/catch.hpp>

#include <memory>

using namespace flowspec;

namespace {

/// A rule told from others by its comment.
Rule rule(const std::string& comment) {
  Rule result;
  result.matches.emplace_back(CommentMatch{comment});
  result.target = Verdict::drop;
  return result;
}

Rule jump_to(const std::string& chain) {
  Rule result;
  result.target = Jump{chain, false};
  return result;
}

std::vector<Rule> rules(const std::string& letters) {
  std::vector<Rule> result;
  for (const char letter : letters)
    result.push_back(rule(std::string(1, letter)));
  return result;
}

Ruleset table(std::vector<Chain> chains) {
  return {Family::ipv4, "filter", std::move(chains)};
}

Chain forward(std::vector<Rule> with) {
  return {"FORWARD", Verdict::accept, std::move(with)};
}

/// "+1x" inserts rule x as number 1, "-2y" deletes number 2.
std::string words(const std::vector<Edit>& edits) {
  struct Words {
    std::string operator()(const CreateChain& edit) const { return "new " + edit.chain; }
    std::string operator()(const DeleteChain& edit) const { return "gone " + edit.chain; }
    std::string operator()(const InsertRule& edit) const {
      return "+" + std::to_string(edit.index) + letter(edit.rule.rule());
    }
    std::string operator()(const DeleteRule& edit) const {
      return "-" + std::to_string(edit.index) + letter(edit.rule.rule());
    }
    static std::string letter(const Rule& rule) {
      return rule.matches.empty() ? "j" : std::get<CommentMatch>(rule.matches[0]).text;
    }
  };
  std::string text;
  for (const Edit& edit : edits)
    text += (text.empty() ? "" : " ") + std::visit(Words{}, edit);
  return text;
}

const Hook forward_hook{"FORWARD", "FLOWSPEC"};
const std::vector<Hook> hooks{forward_hook};

/// A table that can be told to fail.
struct FakeTable {
  Ruleset rules;
  int lost_races = 0; ///< how many commits find the table changed
  int opened = 0;
  int committed = 0;

  TableOpener opener() {
    return [this] {
      ++opened;
      return OpenTable{rules, [this](const std::vector<Edit>& edits) {
                         if (lost_races > 0) {
                           --lost_races;
                           rules.chains[0].rules.push_back(rule("x"));
                           throw TableChanged("somebody was quicker");
                         }
                         ++committed;
                         rules = flowspec::apply(edits, rules);
                       }};
    };
  }
};

} // namespace

TEST_CASE("diff keeps the rules that can stay") {
  struct Row {
    const char* before;
    const char* after;
    const char* edits;
  };
  for (const Row& row :
       {Row{"", "", ""}, Row{"abc", "abc", ""}, Row{"", "ab", "+0a +1b"}, Row{"ab", "", "-1b -0a"},
        Row{"abc", "axc", "-1b +1x"}, Row{"abc", "xabc", "+0x"}, Row{"abc", "abcx", "+3x"},
        Row{"abcd", "bcda", "-0a +3a"}, Row{"abcd", "dabc", "-3d +0d"}, Row{"aab", "aba", "-2b +1b"},
        Row{"aa", "a", "-1a"}, Row{"abcdef", "acxdf", "-4e -1b +2x"}}) {
    CAPTURE(row.before, row.after);
    const Ruleset before = table({forward(rules(row.before))});
    const Ruleset after = table({forward(rules(row.after))});
    CHECK(words(diff(before, after)) == row.edits);
    CHECK(flowspec::apply(diff(before, after), before) == after);
  }
}

TEST_CASE("chains are made before anything goes to them, and go when nothing does any more") {
  const Ruleset before = table({forward({jump_to("OLD")}), {"OLD", std::nullopt, rules("a")}});
  const Ruleset after = table({forward({jump_to("NEW")}), {"NEW", std::nullopt, rules("b")}});
  CHECK(words(diff(before, after)) == "new NEW -0j -0a +0j +0b gone OLD");
  CHECK(flowspec::apply(diff(before, after), before) == after);
}

TEST_CASE("what is ours") {
  const Ownership ours;
  CHECK(ours.owns("FLOWSPEC"));
  CHECK(ours.owns("FLOWSPEC-1234"));
  for (const char* other : {"FLOWSPECIAL", "FORWARD", "flowspec", "XFLOWSPEC", ""})
    CHECK_FALSE(ours.owns(other));
  CHECK(to_string(forward_hook.jump(), Family::ipv4) == "-j FLOWSPEC");
}

TEST_CASE("with_ours places the jump first, once, and leaves everything else") {
  const Ownership ours;
  const std::vector<Chain> chains{{"FLOWSPEC", std::nullopt, rules("ab")}};
  const Chain other{"DOCKER", std::nullopt, rules("xy")};
  const Rule jump = forward_hook.jump();
  const Ruleset expected = table({forward({jump, rule("1"), rule("2")}), other, chains[0]});
  for (const std::vector<Rule>& before : {std::vector<Rule>{rule("1"), rule("2")},
                                          {jump, rule("1"), rule("2")},
                                          {rule("1"), jump, rule("2")},
                                          {jump, rule("1"), jump, rule("2"), jump}})
    CHECK(with_ours(table({forward(before), other}), chains, hooks, ours) == expected);
  CHECK(with_ours(expected, chains, hooks, ours) == expected);

  Rule conditional = jump;
  conditional.in_interface = "eth0"; // an operator's own
  CHECK(with_ours(table({forward({conditional})}), chains, hooks, ours).chains[0].rules ==
        std::vector<Rule>{jump, conditional});
  CHECK_THROWS_AS(with_ours(table({{"INPUT", Verdict::accept, {}}}), chains, hooks, ours), Error);
}

TEST_CASE("jumps to other injectors may stand before ours: two that fight for the head never end") {
  const auto said = [](const char* comment) {
    Rule of = rule("a");
    of.matches.emplace_back(CommentMatch{comment});
    return of;
  };
  const std::vector<Chain> chains{{"FLOWSPEC", std::nullopt, rules("ab")}};
  const Rule ours_jump = forward_hook.jump();
  const Rule other_jump = jump_to("PEERS");
  const auto after = [&](const std::vector<Rule>& before, const std::vector<Rule>& peers) {
    return with_ours(table({forward(before), {"PEERS", std::nullopt, peers}}), chains, hooks, {})
        .chains[0]
        .rules;
  };
  const std::vector<Rule> injectors{said("flowspec 0123456789abcdef seq 1"), said("flowspec established")};
  const std::vector<Rule> behind{other_jump, ours_jump, rule("1")};
  CHECK(after(behind, injectors) == behind);
  CHECK(after(behind, {}) == behind);
  CHECK(after({other_jump, rule("1")}, injectors) == std::vector<Rule>{ours_jump, other_jump, rule("1")});
  CHECK(after({other_jump, ours_jump, ours_jump}, injectors) == std::vector<Rule>{other_jump, ours_jump});
  // Somebody else's chain, or rule, decides before us.
  const std::vector<Rule> first{ours_jump, other_jump, rule("1")};
  CHECK(after(behind, {injectors[0], rule("x")}) == first);
  CHECK(after(behind, {said("flow 0123456789abcdef")}) == first);
  Rule conditional = other_jump;
  conditional.in_interface = "eth0";
  CHECK(after({conditional, ours_jump}, injectors) == std::vector<Rule>{ours_jump, conditional});
  CHECK(after({other_jump, rule("1"), ours_jump}, injectors) == first);
}

TEST_CASE("chains of ours that are not wanted go, unless somebody refers to them") {
  const Ownership ours;
  const std::vector<Chain> chains{{"FLOWSPEC", std::nullopt, {}}};
  const Ruleset before = table({forward({forward_hook.jump(), jump_to("FLOWSPEC-b")}),
                                {"FLOWSPEC", std::nullopt, {jump_to("FLOWSPEC-a")}},
                                {"FLOWSPEC-a", std::nullopt, rules("a")},
                                {"FLOWSPEC-b", std::nullopt, rules("b")}});
  const Ruleset after = with_ours(before, chains, hooks, ours);
  CHECK(after.find("FLOWSPEC-a") == nullptr);
  REQUIRE(after.find("FLOWSPEC-b") != nullptr);
  CHECK(after.find("FLOWSPEC-b")->rules.empty());
}

TEST_CASE("several parents each get the jump") {
  const std::vector<Hook> both{{"INPUT", "FS"}, {"FORWARD", "FS"}};
  const Ruleset after = with_ours(table({{"INPUT", Verdict::drop, rules("a")}, forward({})}),
                                  {{"FS", std::nullopt, {}}}, both, {"FS"});
  CHECK(after.chains[0].rules[0] == both[0].jump());
  CHECK(after.chains[1].rules[0] == both[1].jump());
}

TEST_CASE("a hook that is not wanted any more goes with its chain, and only that") {
  const Hook former{"FORWARD", "FLOWSPEC", false};
  const Ruleset before = table({forward({former.jump(), rule("1")}), {"FLOWSPEC", std::nullopt, rules("a")}});
  CHECK(with_ours(before, {}, {former}, {}) == table({forward({rule("1")})}));
  CHECK(holds_ours(before, {}));
  CHECK_FALSE(holds_ours(table({forward({rule("1")})}), {}));
  // Where there is no such chain, there is no such hook.
  CHECK(with_ours(table({}), {}, {former}, {}) == table({}));
}

TEST_CASE("a jump to a chain that is named after its parent is ours wherever it is left") {
  const Chain mine{"MINE", std::nullopt, {rule("1"), jump_to("FLOWSPEC-MINE"), jump_to("FLOWSPEC")}};
  const Chain other{"OTHER", std::nullopt, {jump_to("FLOWSPEC-MINE")}};
  const Ruleset before =
      table({mine, other, {"FLOWSPEC-MINE", std::nullopt, {}}, {"FLOWSPEC", std::nullopt, {}}});
  const Ruleset after = with_ours(before, {{"FLOWSPEC", std::nullopt, {}}}, {}, {});
  CHECK(after.find("MINE")->rules == std::vector<Rule>{rule("1"), jump_to("FLOWSPEC")});
  CHECK(after.find("OTHER")->rules == other.rules); // somebody's own
  CHECK(after.find("FLOWSPEC-MINE") != nullptr);
  const std::vector<Hook> wanted{{"MINE", "FLOWSPEC-MINE"}};
  CHECK(with_ours(before, {{"FLOWSPEC-MINE", std::nullopt, {}}}, wanted, {}).find("MINE")->rules ==
        std::vector<Rule>{jump_to("FLOWSPEC-MINE"), rule("1"), jump_to("FLOWSPEC")});
}

TEST_CASE("sync commits once, and not at all when nothing has to change") {
  FakeTable kernel{table({forward(rules("z"))})};
  const std::vector<Chain> chains{{"FLOWSPEC", std::nullopt, rules("ab")}};
  const Changes first = sync(kernel.opener(), chains, hooks, {});
  CHECK(first.added() == 3);
  CHECK(first.removed() == 0);
  CHECK(kernel.committed == 1);
  CHECK(kernel.rules == first.after);
  CHECK(sync(kernel.opener(), chains, hooks, {}).edits.empty());
  CHECK(kernel.committed == 1);
}

TEST_CASE("sync reads again when somebody was quicker, keeps what they did, and gives up in the end") {
  FakeTable kernel{table({forward(rules("z"))}), 3};
  const std::vector<Chain> chains{{"FLOWSPEC", std::nullopt, rules("ab")}};
  sync(kernel.opener(), chains, hooks, {});
  CHECK(kernel.opened == 4);
  CHECK(kernel.committed == 1);
  CHECK(words(diff(table({forward({})}), table({kernel.rules.chains[0]}))) == "+0j +1z +2x +3x +4x");

  FakeTable hostile{table({forward({})}), 1000};
  CHECK_THROWS_AS(sync(hostile.opener(), chains, hooks, {}), Error);
  CHECK(hostile.committed == 0);
  CHECK(hostile.opened == 20);
}

TEST_CASE("several tables: all are read before one is changed, and a failure says what was") {
  const std::vector<Chain> chains{{"FLOWSPEC", std::nullopt, rules("ab")}};
  FakeTable good{table({forward({})})};
  FakeTable bad{table({forward({})}), 1000};
  bad.rules.family = Family::ipv6;
  CHECK_THROWS_WITH(sync_all({{good.opener(), chains, hooks}, {bad.opener(), chains, hooks}}, {}),
                    Catch::Contains("somebody was quicker") &&
                        Catch::Contains("changed before that: filter"));
  CHECK(good.committed == 1);

  FakeTable untouched{table({forward({})})};
  const TableOpener unreadable = []() -> OpenTable { throw Error("no such table"); };
  CHECK_THROWS_WITH(sync_all({{untouched.opener(), chains, hooks}, {unreadable, chains, hooks}}, {}),
                    "no such table");
  CHECK(untouched.committed == 0);

  const std::vector<Changes> nothing = sync_all({{good.opener(), chains, hooks}}, {});
  CHECK(nothing.at(0).edits.empty());
  CHECK(good.committed == 1);
}
