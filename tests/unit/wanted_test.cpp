// SPDX-License-Identifier: GPL-2.0-or-later
//
// Segments and protections as chains; for the rules of single entries see compile_test.cpp.
#include "common/error.hpp"
#include "common/precedence.hpp"
#include "injector/layout.hpp"
#include "injector/wanted.hpp"
#include "tests/unit/compiled.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <set>

using namespace flowspec;
using namespace flowspec::test;

namespace {

Entry entry(const char* destination, std::uint64_t sequence, std::optional<double> rate,
            std::vector<std::string> targets = {}) {
  Entry result = with(ipv4(destination), rate);
  result.sequence = sequence;
  result.route_targets = std::move(targets);
  return result;
}

Entry default_drop(std::vector<std::string> targets = {}) {
  Entry result = entry("0.0.0.0/0", 0, 0, std::move(targets));
  result.match.source = result.match.destination;
  result.sequence.reset();
  return result;
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
}

/// A line for each rule of one table; comments are "#WORDS", the n-th of the entries in their order is "n",
/// and what limits a rate is "LIMIT".
std::string text_of(const Wanted& wanted, std::size_t table = 0) {
  std::string text;
  for (const Chain& chain : wanted.tables.at(table).chains) {
    if (chain.rules.empty())
      text += "[" + chain.name + "]\n";
    for (const Rule& rule : chain.rules) {
      std::string line = "[" + chain.name + "] " + to_string(rule, Family::ipv4) + "\n";
      if (const std::size_t limit = line.find("-m hashlimit"); limit != std::string::npos)
        line.replace(limit, line.find(" -m comment") - limit, "LIMIT");
      text += line;
    }
  }
  replace_all(text, "-m comment --comment \"flowspec ", "\"#");
  for (std::size_t number = 0; number < wanted.installed.size(); ++number) {
    const Entry& of = wanted.installed[number];
    const std::string name = std::to_string(number + 1);
    if (of.sequence)
      replace_all(text, " seq " + std::to_string(*of.sequence) + "\"", "\"");
    replace_all(text, id(of), name);
  }
  replace_all(text, "\"#", "#");
  replace_all(text, "\" -", " -");
  return text;
}

std::string hooks_of(const Wanted& wanted, std::size_t table = 0) {
  std::string text;
  for (const Hook& hook : wanted.tables.at(table).hooks)
    if (hook.wanted)
      text += hook.parent + " -> " + hook.chain + "\n";
  return text;
}

Wanted arranged(std::vector<Entry> entries, const CompileOptions& options) {
  check_segments(options);
  return arrange(std::move(entries), std::array{Family::ipv4}, options);
}

Protection region(const char* destination, std::optional<double> rate_below, const char* source = nullptr) {
  return {parse_prefix(destination), source == nullptr ? std::nullopt : parse_prefix(source), rate_below};
}

/// Two that share no packet.
CompileOptions two_tenants() {
  CompileOptions options;
  options.segments = {{"a", {"65000:1"}, {{"FORWARD", "", "swp1"}, {"FORWARD", "", "swp2"}}},
                      {"b", {"65000:2"}, {{"FORWARD", "", "swp3"}}}};
  return options;
}

std::string refusal(const CompileOptions& options) {
  try {
    check_segments(options);
    return "";
  } catch (const UsageError& error) {
    return error.what();
  }
}

} // namespace

TEST_CASE("each segment has a chain, and packets of none another") {
  const Wanted wanted = arranged(
      {entry("10.1.0.0/16", 1, 0, {"65000:1"}), entry("10.2.0.0/16", 2, {}, {"65000:2", "65000:1"}),
       entry("10.3.0.0/16", 3, 0, {"65000:9"}), entry("10.4.0.0/16", 4, 0), default_drop({"65000:2"})},
      two_tenants());
  CHECK(text_of(wanted) == "[FLOWSPEC] -o swp1 #segment a -g FLOWSPEC-a\n"
                           "[FLOWSPEC] -o swp2 #segment a -g FLOWSPEC-a\n"
                           "[FLOWSPEC] -o swp3 #segment b -g FLOWSPEC-b\n"
                           "[FLOWSPEC] #no segment -g FLOWSPEC-ALL\n"
                           "[FLOWSPEC-a] -d 10.1.0.0/16 #1 -j DROP\n"
                           "[FLOWSPEC-a] -d 10.2.0.0/16 #2 -j ACCEPT\n"
                           "[FLOWSPEC-a] -d 10.3.0.0/16 #3 -j DROP\n"
                           "[FLOWSPEC-a] -d 10.4.0.0/16 #4 -j DROP\n"
                           "[FLOWSPEC-b] -d 10.2.0.0/16 #2 -j ACCEPT\n"
                           "[FLOWSPEC-b] -d 10.3.0.0/16 #3 -j DROP\n"
                           "[FLOWSPEC-b] -d 10.4.0.0/16 #4 -j DROP\n"
                           "[FLOWSPEC-b] -m conntrack --ctstate RELATED,ESTABLISHED #established -j ACCEPT\n"
                           "[FLOWSPEC-b] #5 -j DROP\n"
                           "[FLOWSPEC-ALL] -d 10.3.0.0/16 #3 -j DROP\n"
                           "[FLOWSPEC-ALL] -d 10.4.0.0/16 #4 -j DROP\n");
  CHECK(hooks_of(wanted) == "FORWARD -> FLOWSPEC\n");
  CHECK(wanted.installed.size() == 5);
  CHECK(wanted.aside.empty());
}

TEST_CASE("routes without a segment's target are for all, for nobody, or for one segment") {
  const std::vector<Entry> entries{entry("10.1.0.0/16", 1, 0, {"65000:1"}),
                                   entry("10.2.0.0/16", 2, 0, {"65000:7", "65000:8"}),
                                   entry("10.3.0.0/16", 3, 0)};
  CompileOptions options = two_tenants();
  options.untargeted = {Untargeted::Where::none, ""};
  const Wanted none = arranged(entries, options);
  CHECK(text_of(none) == "[FLOWSPEC] -o swp1 #segment a -g FLOWSPEC-a\n"
                         "[FLOWSPEC] -o swp2 #segment a -g FLOWSPEC-a\n"
                         "[FLOWSPEC] -o swp3 #segment b -g FLOWSPEC-b\n"
                         "[FLOWSPEC-a] -d 10.1.0.0/16 #1 -j DROP\n"
                         "[FLOWSPEC-b]\n");
  REQUIRE(none.aside.size() == 2);
  CHECK(none.aside[0] ==
        Rejected{"dst 10.2.0.0/16", Reason::no_segment, "no segment imports 65000:7, 65000:8"});
  CHECK(none.aside[1].detail == "it has no route target");
  CHECK(none.rejected.empty());

  options.untargeted = {Untargeted::Where::segment, "b"};
  const Wanted one = arranged(entries, options);
  CHECK(text_of(one).find("ALL") == std::string::npos);
  CHECK(text_of(one).ends_with("[FLOWSPEC-a] -d 10.1.0.0/16 #1 -j DROP\n"
                               "[FLOWSPEC-b] -d 10.2.0.0/16 #2 -j DROP\n"
                               "[FLOWSPEC-b] -d 10.3.0.0/16 #3 -j DROP\n"));
  CHECK(one.aside.empty());
}

TEST_CASE("a packet of two segments is judged by both, once by each, and accepted by neither for good") {
  CompileOptions options;
  options.segments = {{"a", {"65000:1"}, {{"FORWARD", "swp1", ""}, {"FORWARD", "", "swp1"}}},
                      {"b", {"65000:2"}, {{"FORWARD", "", "swp2"}}}};
  options.stateful = Stateful::always;
  const Wanted wanted = arranged(
      {entry("10.1.0.0/16", 1, {}, {"65000:1"}), entry("10.2.0.0/16", 2, 125000, {"65000:2"})}, options);
  const std::string tracked = "-m conntrack --ctstate RELATED,ESTABLISHED #established -j RETURN\n";
  CHECK(text_of(wanted) == "[FLOWSPEC] #segment a -j FLOWSPEC-a-G\n"
                           "[FLOWSPEC] -o swp2 #segment b -j FLOWSPEC-b\n"
                           "[FLOWSPEC] -i swp1 #segment a -j RETURN\n"
                           "[FLOWSPEC] -o swp1 #segment a -j RETURN\n"
                           "[FLOWSPEC] -o swp2 #segment b -j RETURN\n"
                           "[FLOWSPEC] #no segment -g FLOWSPEC-ALL\n"
                           "[FLOWSPEC-a-G] -i swp1 #segment a -g FLOWSPEC-a\n"
                           "[FLOWSPEC-a-G] -o swp1 #segment a -g FLOWSPEC-a\n"
                           "[FLOWSPEC-a] " +
                               tracked + "[FLOWSPEC-a] -d 10.1.0.0/16 #1 -j RETURN\n[FLOWSPEC-b] " + tracked +
                               "[FLOWSPEC-b] -d 10.2.0.0/16 LIMIT #2 -j DROP\n"
                               "[FLOWSPEC-b] -d 10.2.0.0/16 #2 -j RETURN\n[FLOWSPEC-ALL] " +
                               tracked);
}

TEST_CASE("parents whose packets go different ways have chains of their own") {
  CompileOptions options = two_tenants();
  options.segments[1].parents = {{"INPUT", "eth0", ""}};
  options.parents = {"FORWARD", "OUTPUT"};
  const Wanted wanted = arranged({}, options);
  CHECK(hooks_of(wanted) == "FORWARD -> FLOWSPEC\nOUTPUT -> FLOWSPEC-OUTPUT\nINPUT -> FLOWSPEC-INPUT\n");
  CHECK(text_of(wanted) == "[FLOWSPEC] -o swp1 #segment a -g FLOWSPEC-a\n"
                           "[FLOWSPEC] -o swp2 #segment a -g FLOWSPEC-a\n"
                           "[FLOWSPEC] #no segment -g FLOWSPEC-ALL\n"
                           "[FLOWSPEC-OUTPUT] #no segment -g FLOWSPEC-ALL\n"
                           "[FLOWSPEC-INPUT] -i eth0 #segment b -g FLOWSPEC-b\n"
                           "[FLOWSPEC-a]\n[FLOWSPEC-b]\n[FLOWSPEC-ALL]\n");
  options.segments = {{"a", {"65000:1"}, {{"FORWARD", "", "swp1"}, {"DOCKER-USER", "", "swp1"}}}};
  options.parents = {"FORWARD", "DOCKER-USER"}; // the same ways
  CHECK(hooks_of(arranged({}, options)) == "FORWARD -> FLOWSPEC\nDOCKER-USER -> FLOWSPEC\n");
}

TEST_CASE("jumps that other settings may have left are taken away") {
  const auto left = [](const CompileOptions& options) {
    std::string text;
    for (const Hook& hook : filter_hooks(options))
      text += (hook.wanted ? "+" : "-") + hook.parent + ":" + hook.chain + " ";
    return text;
  };
  CHECK(left({}) == "+FORWARD:FLOWSPEC -INPUT:FLOWSPEC -OUTPUT:FLOWSPEC -FORWARD:FLOWSPEC-FORWARD "
                    "-INPUT:FLOWSPEC-INPUT -OUTPUT:FLOWSPEC-OUTPUT ");
  CompileOptions options = two_tenants();
  options.segments[1].parents = {{"INPUT", "eth0", ""}};
  CHECK(left(options) == "+FORWARD:FLOWSPEC +INPUT:FLOWSPEC-INPUT -INPUT:FLOWSPEC -OUTPUT:FLOWSPEC "
                         "-FORWARD:FLOWSPEC-FORWARD -OUTPUT:FLOWSPEC-OUTPUT ");
}

TEST_CASE("packets of a region are judged by what may touch them") {
  CompileOptions options;
  options.protect = {*parse_prefix("10.9.0.0/16")};
  options.protections = {region("10.1.0.0/16", 1000), region("10.1.1.0/24", 200000, "10.7.0.0/16"),
                         region("10.8.0.0/16", std::nullopt, "10.7.0.0/16"), region("10.4.0.0/16", 1000),
                         region("10.5.0.0/16", 1000)};
  const Wanted wanted = arranged({entry("10.1.1.0/24", 1, {}), entry("10.1.0.0/16", 2, 125000),
                                  entry("10.4.0.0/16", 3, 0), entry("10.5.0.0/16", 4, 1000)},
                                 options);
  CHECK(text_of(wanted) ==
        "[FLOWSPEC] -d 10.9.0.0/16 #protected -j RETURN\n"
        "[FLOWSPEC] -s 10.9.0.0/16 #protected -j RETURN\n"
        "[FLOWSPEC] -s 10.7.0.0/16 -d 10.8.0.0/16 #protected -j RETURN\n"
        // The strictest first; nothing harms 10.1/16 and 10.5/16, nothing may touch 10.4/16.
        "[FLOWSPEC] -s 10.7.0.0/16 -d 10.1.1.0/24 #protected -g FLOWSPEC-P1\n"
        "[FLOWSPEC] -d 10.4.0.0/16 #protected -j RETURN\n"
        "[FLOWSPEC] -d 10.1.1.0/24 #1 -j ACCEPT\n"
        "[FLOWSPEC] -d 10.1.0.0/16 LIMIT #2 -j DROP\n"
        "[FLOWSPEC] -d 10.1.0.0/16 #2 -j ACCEPT\n"
        "[FLOWSPEC] -d 10.4.0.0/16 #3 -j DROP\n"
        "[FLOWSPEC] -d 10.5.0.0/16 LIMIT #4 -j DROP\n"
        "[FLOWSPEC] -d 10.5.0.0/16 #4 -j ACCEPT\n"
        "[FLOWSPEC-P1] -d 10.1.1.0/24 #1 -j ACCEPT\n");
  CHECK(wanted.installed.size() == 4);
}

TEST_CASE("a region of every address asks for none, as the kernel has it") {
  CompileOptions options;
  options.protections = {region("0.0.0.0/0", 1000, "10.7.0.0/16"), region("0.0.0.0/0", 500)};
  CHECK(text_of(arranged({entry("10.1.1.0/24", 1, {}), entry("10.2.0.0/16", 2, 0)}, options)) ==
        "[FLOWSPEC] -s 10.7.0.0/16 #protected -g FLOWSPEC-P1\n"
        "[FLOWSPEC] #all protected -g FLOWSPEC-P2\n"
        "[FLOWSPEC] -d 10.1.1.0/24 #1 -j ACCEPT\n"
        "[FLOWSPEC] -d 10.2.0.0/16 #2 -j DROP\n"
        "[FLOWSPEC-P1] -d 10.1.1.0/24 #1 -j ACCEPT\n"
        "[FLOWSPEC-P2] -d 10.1.1.0/24 #1 -j ACCEPT\n");
  options.protections = {region("0.0.0.0/0", std::nullopt)};
  CHECK(text_of(arranged({}, options)) == "[FLOWSPEC] #all protected -j RETURN\n");
}

TEST_CASE("a default drop and its exception for tracked connections stay out of a region") {
  CompileOptions options;
  options.protections = {region("10.1.0.0/16", 0)};
  CHECK(text_of(arranged({entry("10.1.1.0/24", 1, {}), default_drop()}, options)) ==
        "[FLOWSPEC] -d 10.1.0.0/16 #protected -g FLOWSPEC-P1\n"
        "[FLOWSPEC] -d 10.1.1.0/24 #1 -j ACCEPT\n"
        "[FLOWSPEC] -m conntrack --ctstate RELATED,ESTABLISHED #established -j ACCEPT\n"
        "[FLOWSPEC] #2 -j DROP\n"
        "[FLOWSPEC-P1] -d 10.1.1.0/24 #1 -j ACCEPT\n");
}

TEST_CASE("regions in the lists of segments") {
  CompileOptions options = two_tenants();
  options.protections = {region("10.1.0.0/16", 1000), region("10.2.0.0/16", std::nullopt)};
  CHECK(text_of(arranged({entry("10.1.1.0/24", 1, {}, {"65000:1"}), entry("10.1.0.0/16", 2, 0, {"65000:1"})},
                         options)) == "[FLOWSPEC] -d 10.2.0.0/16 #protected -j RETURN\n"
                                      "[FLOWSPEC] -o swp1 #segment a -g FLOWSPEC-a\n"
                                      "[FLOWSPEC] -o swp2 #segment a -g FLOWSPEC-a\n"
                                      "[FLOWSPEC] -o swp3 #segment b -g FLOWSPEC-b\n"
                                      "[FLOWSPEC] #no segment -g FLOWSPEC-ALL\n"
                                      "[FLOWSPEC-a] -d 10.1.0.0/16 #protected -g FLOWSPEC-a-P1\n"
                                      "[FLOWSPEC-a] -d 10.1.1.0/24 #1 -j ACCEPT\n"
                                      "[FLOWSPEC-a] -d 10.1.0.0/16 #2 -j DROP\n"
                                      "[FLOWSPEC-a-P1] -d 10.1.1.0/24 #1 -j ACCEPT\n"
                                      "[FLOWSPEC-b]\n[FLOWSPEC-ALL]\n");
}

TEST_CASE("what may not touch a packet may not mark it") {
  CompileOptions options;
  options.protections = {region("10.1.0.0/16", 1000), region("10.2.0.0/16", std::nullopt)};
  Entry slow = entry("10.1.1.0/24", 1, 10);
  slow.actions.dscp_mark = 8;
  Entry marked = entry("10.0.0.0/8", 2, {});
  marked.actions.dscp_mark = 46;
  CHECK(text_of(arranged({slow, marked}, options), 1) ==
        "[FLOWSPEC-DSCP] -d 10.2.0.0/16 #protected -j RETURN\n"
        "[FLOWSPEC-DSCP] -d 10.1.0.0/16 #protected -g FLOWSPEC-DSCP-P1\n"
        "[FLOWSPEC-DSCP] -d 10.1.1.0/24 #1 -g FLOWSPEC-1d\n"
        "[FLOWSPEC-DSCP] -d 10.0.0.0/8 #2 -g FLOWSPEC-2d\n"
        "[FLOWSPEC-DSCP-P1] -d 10.0.0.0/8 #2 -g FLOWSPEC-2d\n"
        "[FLOWSPEC-1d] #1 -j DSCP --set-dscp 0x08\n"
        "[FLOWSPEC-2d] #2 -j DSCP --set-dscp 0x2e\n");
}

TEST_CASE("a rate that a packet meets in several lists is charged once in each") {
  const auto buckets = [](CompileOptions options, const Entry& limited) {
    const Wanted wanted = arranged({limited}, options);
    std::string names;
    for (const Chain& chain : wanted.tables.at(0).chains)
      for (const Rule& rule : chain.rules)
        for (const Match& match : rule.matches)
          if (const auto* limit = std::get_if<HashlimitMatch>(&match))
            names += chain.name + ": " + limit->name + "\n";
    replace_all(names, id(limited), "ID");
    return names;
  };
  CompileOptions options = two_tenants();
  const Entry limited = entry("10.1.0.0/16", 1, 100000);
  CHECK(buckets(options, limited) == "FLOWSPEC-a: FLOWSPEC-ID-100000\n"
                                     "FLOWSPEC-b: FLOWSPEC-ID-100000\n"
                                     "FLOWSPEC-ALL: FLOWSPEC-ID-100000\n");
  options.segments[0].parents = {{"FORWARD", "swp3", ""}}; // from one tenant to the other
  CHECK(buckets(options, limited) == "FLOWSPEC-a: FLOWSPEC-a-ID-100000\n"
                                     "FLOWSPEC-b: FLOWSPEC-b-ID-100000\n"
                                     "FLOWSPEC-ALL: FLOWSPEC-ALL-ID-100000\n");
  // Several rules of one list draw on one bucket, in a chain of that list.
  Entry wide = limited;
  wide.match.port = ValueSet::single(domain::port, 53);
  const Wanted wanted = arranged({wide}, options);
  REQUIRE(wanted.rejected.empty());
  std::set<std::string> names;
  for (const Chain& chain : wanted.tables.at(0).chains)
    CHECK(names.insert(chain.name).second);
  CHECK(std::ranges::count_if(names,
                              [](const std::string& name) { return name.starts_with("FLOWSPEC-R"); }) == 3);
  CHECK_FALSE(names.contains("FLOWSPEC-" + id(wide)));
}

TEST_CASE("packets are altered only where FORWARD itself is a parent") {
  Entry marked = entry("10.1.0.0/16", 1, {});
  marked.actions.dscp_mark = 10;
  const auto why = [&](std::vector<std::string> parents) {
    CompileOptions options;
    options.parents = std::move(parents);
    const Wanted wanted = arranged({marked}, options);
    return wanted.rejected.empty() ? std::string() : wanted.rejected.front().detail;
  };
  CHECK(why({"INPUT", "FORWARD", "DOCKER-USER"}).empty());
  CHECK(why({"INPUT", "DOCKER-USER"}) ==
        "only chain DOCKER-USER knows which packets it gets, and table mangle would "
        "alter all that are forwarded: that needs --parent FORWARD");
  CHECK(why({"INPUT"}) == "marks and redirects are for forwarded packets, and no --parent sees those");
}

TEST_CASE("packets of a segment are altered where they can be told") {
  Entry marked = entry("10.1.0.0/16", 2, {}, {"65000:1"});
  marked.actions.dscp_mark = 46;
  const Entry before = entry("10.1.1.0/24", 1, {}, {"65000:1"});
  const Entry others = entry("10.1.2.0/24", 1, {}, {"65000:2"});
  const Wanted wanted = arranged({before, others, marked}, two_tenants());
  CHECK(hooks_of(wanted, 1) == "POSTROUTING -> FLOWSPEC-DSCP\n");
  CHECK(text_of(wanted, 1) == "[FLOWSPEC-DSCP] -o swp1 #segment a -g FLOWSPEC-a-D\n"
                              "[FLOWSPEC-DSCP] -o swp2 #segment a -g FLOWSPEC-a-D\n"
                              "[FLOWSPEC-a-D] -d 10.1.1.0/24 #1 -j RETURN\n"
                              "[FLOWSPEC-a-D] -d 10.1.0.0/16 #3 -g FLOWSPEC-3d\n"
                              "[FLOWSPEC-3d] #3 -j DSCP --set-dscp 0x2e\n");
  marked.route_targets.clear();
  CHECK(text_of(arranged({marked}, two_tenants()), 1) ==
        "[FLOWSPEC-DSCP] -o swp1 #segment a -g FLOWSPEC-a-D\n"
        "[FLOWSPEC-DSCP] -o swp2 #segment a -g FLOWSPEC-a-D\n"
        "[FLOWSPEC-DSCP] -o swp3 #segment b -g FLOWSPEC-b-D\n"
        "[FLOWSPEC-DSCP] #no segment -g FLOWSPEC-ALL-D\n"
        "[FLOWSPEC-a-D] -d 10.1.0.0/16 #1 -g FLOWSPEC-1d\n"
        "[FLOWSPEC-b-D] -d 10.1.0.0/16 #1 -g FLOWSPEC-1d\n"
        "[FLOWSPEC-ALL-D] -d 10.1.0.0/16 #1 -g FLOWSPEC-1d\n"
        "[FLOWSPEC-1d] #1 -j DSCP --set-dscp 0x2e\n");
}

TEST_CASE("packets that cannot be told in table mangle are not altered") {
  struct Row {
    std::vector<SegmentParent> a;
    std::vector<SegmentParent> b;
    const char* mark; ///< why not; empty: they can
    const char* dscp;
  };
  const char* const leave =
      "packets of segment a are told by the interface they leave by, which is not known "
      "before routing";
  const char* const came = "packets of segment a are told by the interface they came by, which cannot be "
                           "asked for behind the filter";
  const char* const host = "marks and redirects are for forwarded packets, and segment a has others";
  const char* const other = "packets of segment a cannot be told there from those of segment b";
  const char* const both = "a packet may be in two segments, and none may alter what is another's too";
  for (const Row& row : {
           Row{{{"FORWARD", "", "swp1"}}, {{"FORWARD", "", "swp2"}}, leave, ""},
           Row{{{"FORWARD", "swp1", ""}}, {{"FORWARD", "swp2", ""}}, "", came},
           Row{{{"FORWARD", "swp1", "swp2"}}, {{"FORWARD", "swp3", ""}}, leave, came},
           Row{{{"FORWARD", "swp1", ""}}, {{"FORWARD", "", "swp2"}}, both, both},
           Row{{{"INPUT", "swp1", ""}}, {{"FORWARD", "swp2", ""}}, host, host},
           Row{{{"FORWARD", "swp1", ""}}, {{"INPUT", "swp1", ""}}, other, came},
           Row{{{"FORWARD", "swp1", ""}}, {{"INPUT", "swp2", ""}}, "", came},
           Row{{{"FORWARD", "", "swp1"}}, {{"INPUT", "swp1", ""}}, leave, ""},
           Row{{{"FORWARD", "", "swp1"}}, {{"OUTPUT", "", "swp1"}}, leave, other},
           Row{{{"FORWARD", "", ""}}, {{"INPUT", "swp1", ""}, {"OUTPUT", "", "swp1"}}, other, other},
       }) {
    CompileOptions options;
    options.redirects = {{"65000:100", {1, 1}}};
    options.segments = {{"a", {"65000:1"}, row.a}, {"b", {"65000:2"}, row.b}};
    const auto why = [&](bool mark) {
      Entry asking = entry("10.0.0.0/8", 1, {}, {"65000:1"});
      if (mark)
        asking.actions.redirect = "65000:100";
      else
        asking.actions.dscp_mark = 10;
      const Wanted wanted = arranged({asking}, options);
      CHECK(wanted.tables.at(1).chains.empty() == !wanted.rejected.empty());
      return wanted.rejected.empty() ? std::string() : wanted.rejected.front().detail;
    };
    CHECK(why(true) == row.mark);
    CHECK(why(false) == row.dscp);
  }
}

TEST_CASE("an accepting route without rules in table mangle stops marks in its own segments") {
  Components ports = ipv4("10.1.0.0/16"); // rules of table mangle have no chain to enter and leave
  std::vector<Interval> many;
  for (std::uint32_t port = 1; port < 4000; port += 2)
    many.push_back({port, port});
  ports.source_port = ports.destination_port = test::ports(many);
  Entry awkward = with(ports, std::nullopt);
  awkward.sequence = 1;
  awkward.route_targets = {"65000:1"};
  const auto rejected = [&](const char* target) {
    Entry marked = entry("10.0.0.0/8", 2, {}, {target});
    marked.actions.dscp_mark = 10;
    const Wanted wanted = arranged({awkward, marked}, two_tenants());
    return wanted.rejected.size();
  };
  CHECK(rejected("65000:1") == 1);
  CHECK(rejected("65000:2") == 0);
}

TEST_CASE("segments whose chains cannot be") {
  const auto with_parent = [](const char* chain) {
    CompileOptions options = two_tenants();
    options.segments[1].parents = {{chain, "", "swp3"}};
    return refusal(options);
  };
  CHECK(with_parent("DOCKER-USER").empty());
  CHECK(with_parent("a") == "segment a: its chain FLOWSPEC-a is that of parent a");
  CHECK(with_parent("MARK") == "parent MARK: its chain FLOWSPEC-MARK is that of table mangle");
  CHECK(with_parent("ALL") == "packets of no segment: its chain FLOWSPEC-ALL is that of parent ALL");
  CHECK(with_parent("0123456789abcdefm") ==
        "parent 0123456789abcdefm: its chain FLOWSPEC-0123456789abcdefm could be a route's");
  CHECK(with_parent("FLOWSPEC-b") == "segment b: parent FLOWSPEC-b: that chain is our own");
  CHECK(with_parent("ABCDEFGHIJKLMNOPQRST") ==
        "parent ABCDEFGHIJKLMNOPQRST: its chain FLOWSPEC-ABCDEFGHIJKLMNOPQRST would have 29 characters, and "
        "the kernel takes 28");

  CompileOptions options = two_tenants();
  options.segments[0].name = "tenant-a_01234"; // 14
  options.protections = {region("10.1.0.0/16", 1000)};
  CHECK(refusal(options).empty());
  options.chain = "FLOWSPEC10";
  CHECK(refusal(options) == "segment tenant-a_01234: its chain FLOWSPEC10-tenant-a_01234-M-P1 would have 30 "
                            "characters, and the kernel takes 28");
  options = two_tenants();
  options.untargeted = {Untargeted::Where::segment, "c"};
  CHECK(refusal(options) == "--untargeted segment c: there is no such segment");
  options.segments.clear();
  CHECK(refusal(options) == "--untargeted segment c: there is no such segment");
  CHECK(refusal({}).empty());
}
