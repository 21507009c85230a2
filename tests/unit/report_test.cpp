// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/options.hpp"
#include "injector/report.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace flowspec;

namespace {

Ruleset empty_table(Family family = Family::ipv4) {
  return {family, "filter", {{"FORWARD", Verdict::accept, {}}}};
}
Ruleset empty_mangle(Family family) {
  return {family, "mangle", {{"PREROUTING", Verdict::accept, {}}, {"POSTROUTING", Verdict::accept, {}}}};
}

Pass pass_over(const std::string& text, Family family, const Ruleset& current) {
  RoutesRead routes = read_frr_routes(text, family, {});
  Wanted wanted = arrange(std::move(routes.entries), std::array{family}, {});
  Pass pass(std::move(routes), {}, std::move(wanted));
  for (const WantedTable& table : pass.tables)
    if (table.table == "filter")
      pass.changes.push_back(plan(current, table.chains, table.hooks, {}));
    else if (!table.chains.empty())
      pass.changes.push_back(plan(empty_mangle(family), table.chains, table.hooks, {}));
  return pass;
}

std::string plan_text(const Pass& pass) {
  std::string text;
  for (const Changes& changes : pass.changes)
    text += edits_text(changes);
  return text + findings_text(pass, "") + summary_text(pass, false);
}

std::string route(const std::string& to, const std::string& communities) {
  return "[{\"to\":\"" + to + "\"},{\"ecomlist\":\"" + communities + "\"},{\"time\":\"00:00:01\"}]";
}

std::optional<Options> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "flowspec-injector");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

} // namespace

TEST_CASE("the plan for every capture is the one that was looked at") {
  for (const char* version : {"frr-8.4.4", "frr-10.7.0"})
    for (const char* name :
         {"basic", "ops", "communities", "multipath", "t1.detail", "t2.detail", "t3.detail", "empty", "v6"}) {
      if (version == std::string("frr-10.7.0") && name != std::string("basic") &&
          name != std::string("ops") && name != std::string("empty") && name != std::string("v6"))
        continue; // was not captured there
      const std::string stem = std::string(version) + "/" + name;
      const Family family = name == std::string("v6") ? Family::ipv6 : Family::ipv4;
      CAPTURE(stem);
      CHECK(is_golden(stem + ".plan", plan_text(pass_over(test_data("captures/" + stem + ".txt"), family,
                                                          empty_table(family)))));
    }
}

TEST_CASE("a plan shows what goes and where what comes is placed") {
  const std::string a = route("10.1.0.0/16", "65535:10 FS:rate 0.000000");
  const std::string b = route("10.2.0.0/16", "65535:20");
  const std::string c = route("10.3.0.0/16", "65535:30");
  const Ruleset with_ac = pass_over(a + c, Family::ipv4, empty_table()).changes.at(0).after;
  CHECK(plan_text(pass_over(b + c, Family::ipv4, with_ac)) ==
        "- -A FLOWSPEC -d 10.1.0.0/16 -m comment --comment \"flowspec 47b8319553afa72d seq 10\" -j DROP\n"
        "+ -I FLOWSPEC 1 -d 10.2.0.0/16 -m comment --comment \"flowspec 2773850b40a75435 seq 20\" -j ACCEPT\n"
        "filter: 1 rule to add, 1 to remove; 2 of 2 routes in 2 rules\n");
  const Pass unchanged = pass_over(c + a, Family::ipv4, with_ac);
  CHECK(plan_text(unchanged) == "filter: nothing to do; 2 of 2 routes in 2 rules\n");
  CHECK(summary_text(pass_over("", Family::ipv4, with_ac), true) ==
        "filter: 0 rules added, 2 removed; 0 of 0 routes in 0 rules\n");
}

TEST_CASE("the restore text is the whole desired state, whatever of it is there already") {
  const std::string text = route("10.1.0.0/16", "65535:10 FS:rate 0.000000");
  const std::string expected_rules =
      "-A FLOWSPEC -d 10.1.0.0/16 -m comment --comment \"flowspec 47b8319553afa72d seq 10\" -j DROP\n";
  const Pass fresh = pass_over(text, Family::ipv4, empty_table());
  CHECK(restore_text(fresh, Family::ipv4, {}) ==
        "*filter\n:FLOWSPEC - [0:0]\n" + expected_rules + "-I FORWARD 1 -j FLOWSPEC\nCOMMIT\n");

  Ruleset used = fresh.changes.at(0).after;
  used.chains.push_back({"FLOWSPEC-old", std::nullopt, {}});
  CHECK(restore_text(pass_over(text + route("1.2.3.4/32", "UNK:128, 12"), Family::ipv4, used), Family::ipv4,
                     {}) ==
        "*filter\n:FLOWSPEC - [0:0]\n:FLOWSPEC-old - [0:0]\n" + expected_rules +
            "-D FORWARD -j FLOWSPEC\n-I FORWARD 1 -j FLOWSPEC\n-X FLOWSPEC-old\n"
            "# rejected: dst 1.2.3.4/32: unreadable-action: UNK:128, 12: FRR shows that there is an action, "
            "but not what it "
            "says\nCOMMIT\n");
}

TEST_CASE("the JSON report") {
  const Pass pass =
      pass_over(route("10.1.0.0/16", "65535:10 65000:1 FS:rate inf") + route("1.2.3.4/32", "UNK:128, 12"),
                Family::ipv4, empty_table());
  const auto report = report_json(pass, true);
  CHECK(report["routes"] == 2);
  REQUIRE(report["tables"].size() == 1);
  const auto& table = report["tables"][0];
  CHECK(table["family"] == "ipv4");
  CHECK(table["table"] == "filter");
  CHECK(table["rules"] == 1);
  CHECK(table["committed"] == true);
  CHECK(table["edits"].size() == 3);
  CHECK(table["edits"][2]["op"] == "insert-rule");
  CHECK(table["edits"][2]["number"] == 1);
  const auto& entry = report["entries"][0];
  CHECK(entry["id"] == "47b8319553afa72d");
  CHECK(entry["sequence"] == 10);
  CHECK(entry["match"]["destination"] == "10.1.0.0/16");
  CHECK(entry["actions"]["rate"] == "unlimited");
  CHECK(entry["route_targets"][0] == "65000:1");
  CHECK(report["rejected"][0]["reason"] == "unreadable-action");
  CHECK(report["notes"][0]["reason"] == "rate-rounded");
  CHECK(report_json(pass, false)["tables"][0]["committed"] == false);
}

TEST_CASE("options: what is given, and what stands without") {
  const auto plain = parse({"sync", "--config", "/dev/null"});
  REQUIRE(plain);
  CHECK(plain->command == Command::sync);
  CHECK_FALSE(plain->routes);
  CHECK(plain->poll.reading.carrier == SequenceCarrier{});
  CHECK(plain->compile.stateful == Stateful::default_drop);
  CHECK(plain->compile.parents == std::vector<std::string>{"FORWARD"});
  CHECK(plain->timeout.count() == 10000);

  const auto all = parse({"plan",
                          "--routes",
                          "a",
                          "--routes6",
                          "-",
                          "--vtysh",
                          "/v",
                          "--pathspace",
                          "p",
                          "--timeout",
                          "0.5",
                          "--settle",
                          "5",
                          "--sequence",
                          "marking",
                          "--operator-table",
                          "draft",
                          "--chain",
                          "FS",
                          "--parent",
                          "INPUT,FORWARD",
                          "--stateful",
                          "always",
                          "--accept-target",
                          "RETURN",
                          "--conntrack",
                          "off",
                          "--burst",
                          "3",
                          "--nflog-group",
                          "7",
                          "--redirect",
                          "65000:1=0x10/0xff",
                          "--redirect",
                          "192.0.2.1:2=5",
                          "--wait",
                          "0",
                          "--strict",
                          "--exit-code",
                          "--from-empty",
                          "--format",
                          "iptables-restore"});
  REQUIRE(all);
  CHECK(all->routes == "a");
  CHECK(all->routes6 == "-");
  CHECK(all->vtysh == "/v");
  CHECK(all->pathspace == "p");
  CHECK(all->timeout.count() == 500);
  CHECK(all->poll.settle.count() == 5000);
  CHECK(all->lock_wait.count() == 0);
  CHECK(all->poll.reading.carrier.kind == SequenceCarrier::Kind::marking);
  CHECK(all->poll.reading.operator_table == OperatorTable::draft);
  CHECK(parse({"plan", "--family", "both"})->families == std::vector<Family>{Family::ipv4, Family::ipv6});
  CHECK(parse({"plan", "--family", "auto"})->families.empty());
  CHECK(all->conntrack == Conntrack::off);
  CHECK(all->compile.burst == 3);
  CHECK(all->compile.nflog_group == 7);
  CHECK(all->compile.redirects ==
        std::map<std::string, MarkTarget>{{"65000:1", {0x10, 0xff}}, {"192.0.2.1:2", {5, 0xffffffff}}});
  CHECK(all->compile.chain == "FS");
  CHECK(all->compile.accept == Verdict::return_);
  CHECK(all->compile.stateful == Stateful::always);
  CHECK(all->compile.parents == std::vector<std::string>{"INPUT", "FORWARD"});
  CHECK((all->strict && all->exit_code && all->from_empty));
  CHECK(all->format == Format::iptables_restore);
  CHECK(parse({"plan", "--json"})->format == Format::json);
  CHECK(parse({"plan", "--parent", "FORWARD,INPUT,FORWARD"})->compile.parents ==
        std::vector<std::string>{"FORWARD", "INPUT"});
}

TEST_CASE("the example of a configuration file says what stands without it") {
  const auto example = parse({"sync", "--config", FLOWSPEC_TEST_DATA "/../../examples/injector.toml"});
  const auto plain = parse({"sync", "--config", "/dev/null"});
  REQUIRE(example);
  CHECK(example->vtysh == plain->vtysh);
  CHECK(example->timeout == plain->timeout);
  CHECK(example->poll.settle == plain->poll.settle);
  CHECK(example->poll.reading.carrier == plain->poll.reading.carrier);
  CHECK(example->poll.reading.operator_table == plain->poll.reading.operator_table);
  CHECK(example->ours.chain == plain->ours.chain);
  CHECK(example->compile.parents == plain->compile.parents);
  CHECK(example->compile.stateful == plain->compile.stateful);
  CHECK(example->compile.accept == plain->compile.accept);
  CHECK(example->lock_wait == plain->lock_wait);
  CHECK(example->strict == plain->strict);
}

TEST_CASE("options that make no sense are refused before anything is read") {
  for (const std::vector<const char*>& arguments : std::vector<std::vector<const char*>>{
           {},
           {"enforce"},
           {"sync", "--bogus"},
           {"sync", "extra"},
           {"sync", "--exit-code"}, // of plan only
           {"plan", "--format", "xml"},
           {"plan", "--json", "--format", "iptables-restore"},
           {"plan", "--routes", "-", "--routes6", "-"},
           {"plan", "--routes"},
           {"plan", "--timeout", "0"},
           {"plan", "--timeout", "soon"},
           {"plan", "--wait", "-1"},
           {"plan", "--wait", "nan"},
           {"plan", "--timeout", "nan"},
           {"plan", "--format", "1"},
           {"plan", "--routes6", "x", "--format", "iptables-restore"},
           {"plan", "--sequence", "rt:65536"},
           {"plan", "--operator-table", "rfc5575"},
           {"plan", "--stateful", "sometimes"},
           {"plan", "--accept-target", "DROP"},
           {"plan", "--chain", ""},
           {"plan", "--chain", "FORWARD"},
           {"plan", "--chain", "ELEVENLETTE"},
           {"plan", "--chain", "a b"},
           {"plan", "--chain", "-j"},
           {"plan", "--parent", "FLOWSPEC"},
           {"plan", "--family", "ipv5"},
           {"plan", "--family", "ipv6", "--routes", "x"},
           {"plan", "--parent", ""},
           {"plan", "--parent", "a b"},
           {"plan", "--parent", "ACCEPT"},
           {"plan", "--chain", "REJECT"},
           {"explain", "--src", "10.0.0.1", "--dst", "10.0.0.2", "--near", "-1"},
           {"plan", "--conntrack", "maybe"},
           {"plan", "--burst", "0"},
           {"plan", "--nflog-group", "65536"},
           {"plan", "--redirect", "65000:1"},
           {"plan", "--redirect", "65000=1"},
           {"plan", "--redirect", "65000:1=x"},
           {"plan", "--redirect", "65000:1=-1"},
           {"plan", "--redirect", "65000:1=0x100000000"},
           {"plan", "--redirect", "65000:1=0x10/0x0f"},
           {"plan", "--redirect", "65000:1=1/0"},
           {"plan", "--redirect", "65000:1=0"},
           {"plan", "--redirect", "foo:bar=5"},
           {"plan", "--redirect", "65000:01=5"},
           {"plan", "--redirect", "65000:1:2=5"},
           {"plan", "--redirect", "65000:1=1", "--redirect", "65000:1=2"},
           {"plan", "--routes", "x", "--format", "ip6tables-restore"},
           {"explain"},
           {"explain", "--src", "10.0.0.1"},
           {"explain", "--src", "10.0.0.1", "--dst", "::1"},
           {"plan", "--config", "/nonexistent/injector.toml"},
           {"plan", "--config", FLOWSPEC_TEST_DATA "/captures/frr-8.4.4/basic.txt"},
       }) {
    CAPTURE(arguments);
    CHECK_THROWS_AS(parse(arguments), UsageError);
  }
}
