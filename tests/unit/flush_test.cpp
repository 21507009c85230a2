// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/flush.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace flowspec;

namespace {

Rule jump_to(const std::string& chain) {
  Rule rule;
  rule.target = Jump{chain, false};
  return rule;
}

Rule drop() {
  Rule rule;
  rule.target = Verdict::drop;
  return rule;
}

/// Other people's rules around ours.
Ruleset host(const std::string& chain = "FLOWSPEC", Family family = Family::ipv4) {
  return {family,
          "filter",
          {{"INPUT", Verdict::drop, {drop(), jump_to(chain)}},
           {"FORWARD", Verdict::accept, {jump_to(chain), drop(), jump_to("OTHER")}},
           {"OUTPUT", Verdict::accept, {}},
           {"OTHER", std::nullopt, {drop()}},
           {chain, std::nullopt, {jump_to(chain + "-a"), drop()}},
           {chain + "-a", std::nullopt, {drop()}},
           {"FLOWSPECIAL", std::nullopt, {drop()}}}};
}

const Ruleset bare{Family::ipv4,
                   "filter",
                   {{"INPUT", Verdict::drop, {drop()}},
                    {"FORWARD", Verdict::accept, {drop(), jump_to("OTHER")}},
                    {"OUTPUT", Verdict::accept, {}},
                    {"OTHER", std::nullopt, {drop()}},
                    {"FLOWSPECIAL", std::nullopt, {drop()}}}};

Changes flush(const Ruleset& ruleset, const CompileOptions& options = {}) {
  for (const WantedTable& wanted : nothing_wanted(options))
    if (wanted.family == ruleset.family && wanted.table == ruleset.table)
      return plan(ruleset, wanted.chains, wanted.hooks, {options.chain});
  throw std::logic_error("no such table");
}

std::string text(const std::vector<Changes>& changes, const char* chain = "FLOWSPEC") {
  return flush_text(changes, {chain});
}

} // namespace

TEST_CASE("flush takes what is ours, and leaves everything else") {
  const Changes changes = flush(host());
  CHECK(changes.after == bare);
  CHECK(text({changes}) ==
        "filter: removed 3 rules, 2 chains (FLOWSPEC, FLOWSPEC-a) and the jumps from INPUT, FORWARD\n");
  CHECK(
      flush_json(std::array{changes}, {}) ==
      nlohmann::ordered_json::parse(
          R"({"tables": [{"family": "ipv4", "table": "filter", "rules": 3, "chains": ["FLOWSPEC", "FLOWSPEC-a"],
                            "jumps": ["INPUT", "FORWARD"], "kept": []}]})"));
}

TEST_CASE("a second flush finds nothing") {
  const Changes again = flush(flush(host()).after);
  CHECK(again.edits.empty());
  CHECK(text({again}) == "nothing to remove: there are no rules of FLOWSPEC\n");
  CHECK(text({}) == "nothing to remove: there are no rules of FLOWSPEC\n");
  CHECK(flush_json(std::array{again}, {})["tables"][0]["chains"].empty());
}

TEST_CASE("a chain to which somebody refers stays, empty") {
  Ruleset ruleset = host();
  ruleset.find("OTHER")->rules.push_back(jump_to("FLOWSPEC"));
  ruleset.find("OTHER")->rules.push_back(jump_to("FLOWSPEC"));
  Rule conditional = jump_to("FLOWSPEC");
  conditional.in_interface = "eth0"; // an operator's own
  ruleset.find("FORWARD")->rules.push_back(conditional);
  const Changes changes = flush(ruleset);
  const char* const stays = "filter: chain FLOWSPEC stays, empty: rules of FORWARD, OTHER refer to it\n";
  CHECK(text({changes}) ==
        std::string("filter: removed 3 rules, 1 chain (FLOWSPEC-a) and the jumps from INPUT, FORWARD\n") +
            stays);
  CHECK(text({flush(changes.after)}) == stays);
  const auto kept = flush_json(std::array{changes}, {})["tables"][0]["kept"];
  CHECK(kept ==
        nlohmann::ordered_json::parse(R"([{"chain": "FLOWSPEC", "referred_to_by": ["FORWARD", "OTHER"]}])"));
}

TEST_CASE("a second instance stays") {
  Ruleset both = host();
  for (const Chain& chain : host("PEERS").chains)
    if (both.find(chain.name) == nullptr)
      both.chains.push_back(chain);
  both.find("FORWARD")->rules.insert(both.find("FORWARD")->rules.begin(), jump_to("PEERS"));
  CompileOptions options;
  options.chain = "PEERS";
  CHECK(flush(both, options).after == host());
  CHECK(text({flush(both, options)}, "PEERS") ==
        "filter: removed 3 rules, 2 chains (PEERS, PEERS-a) and the jump from FORWARD\n");
}

TEST_CASE("several tables, a line each; many chains are counted") {
  Ruleset mangle{Family::ipv6,
                 "mangle",
                 {{"PREROUTING", Verdict::accept, {jump_to("FLOWSPEC-MARK")}},
                  {"POSTROUTING", Verdict::accept, {jump_to("FLOWSPEC-DSCP"), drop()}},
                  {"FLOWSPEC-MARK", std::nullopt, {}},
                  {"FLOWSPEC-DSCP", std::nullopt, {}}}};
  for (int number = 0; number < 10; ++number)
    mangle.chains.push_back({"FLOWSPEC-" + std::to_string(number), std::nullopt, {drop()}});
  CHECK(text({flush(host()), flush(mangle)}) ==
        "filter: removed 3 rules, 2 chains (FLOWSPEC, FLOWSPEC-a) and the jumps from INPUT, FORWARD\n"
        "IPv6 mangle: removed 10 rules, 12 chains (FLOWSPEC-MARK, FLOWSPEC-DSCP, FLOWSPEC-0, FLOWSPEC-1, "
        "FLOWSPEC-2, FLOWSPEC-3, FLOWSPEC-4, FLOWSPEC-5 and 4 more) and the jumps from PREROUTING, "
        "POSTROUTING\n");
  Ruleset only_jump = bare;
  only_jump.find("FORWARD")->rules.insert(only_jump.find("FORWARD")->rules.begin(), jump_to("FLOWSPEC"));
  only_jump.chains.push_back({"FLOWSPEC", std::nullopt, {}});
  CHECK(text({flush(only_jump)}) == "filter: removed 1 chain (FLOWSPEC) and the jump from FORWARD\n");
}

TEST_CASE("every jump that a pass places or takes away is one that flush looks for") {
  CompileOptions options;
  options.chain = "FS";
  options.parents = {"DOCKER-USER", "INPUT"};
  const std::vector<WantedTable> nothing = nothing_wanted(options);
  const std::array families{Family::ipv4, Family::ipv6};
  const Wanted wanted = arrange({}, families, options);
  REQUIRE(nothing.size() == wanted.tables.size());
  for (std::size_t table = 0; table < nothing.size(); ++table) {
    CHECK(nothing[table].family == wanted.tables[table].family);
    CHECK(nothing[table].table == wanted.tables[table].table);
    CHECK(nothing[table].chains.empty());
    std::vector<Hook> hooks = wanted.tables[table].hooks;
    for (Hook& hook : hooks)
      hook.wanted = false;
    CHECK(nothing[table].hooks == hooks);
  }
}
