// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/compile.hpp"
#include "injector/explain.hpp"
#include "injector/explain_report.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

namespace {

using What = Decision::What;

ValueSet ports(std::vector<Interval> intervals) {
  return {domain::port, std::move(intervals)};
}
ValueSet protocol_set(std::uint32_t number) {
  return ValueSet::single(domain::protocol, number);
}

Components to(const char* destination) {
  Components match;
  match.destination = parse_prefix(destination);
  match.family = match.destination->family();
  return match;
}

Components web(const char* destination) {
  Components match = to(destination);
  match.protocol = protocol_set(6);
  match.destination_port = ports({{80, 80}, {443, 443}});
  return match;
}

Entry entry(Components match, std::optional<double> rate, std::optional<std::uint64_t> sequence = {}) {
  Entry result;
  result.match = std::move(match);
  result.actions.rate = rate;
  result.sequence = sequence;
  return result;
}

Entry default_drop() {
  Components match = to("0.0.0.0/0");
  match.source = match.destination;
  return entry(std::move(match), 0, 5); // the number does not count
}

Question question(const char* source, const char* destination) {
  Question result;
  result.source = *parse_address(source);
  result.destination = *parse_address(destination);
  result.family = result.source.family;
  return result;
}

/// TCP from 10.0.0.1 port 1234 to 10.0.3.10, all of it said.
Question tcp(std::uint16_t destination_port) {
  Question result = question("10.0.0.1", "10.0.3.10");
  result.protocol = protocol::tcp;
  result.source_port = std::uint16_t{1234};
  result.destination_port = destination_port;
  result.tcp_flags = std::uint16_t{2};
  result.length = 60U;
  result.dscp = std::uint8_t{0};
  result.fragment = FragmentPlace::none;
  result.dont_fragment = true;
  result.established = false;
  return result;
}

std::string text_of(const std::vector<Entry>& entries, const Question& question,
                    Stateful stateful = Stateful::default_drop) {
  return explain_text(explain(entries, question, stateful), {});
}

/// In their order: 1 accepts, 2 drops, 3 limits, 4 is the default policy.
const std::vector<Entry> servers{
    entry(web("10.0.3.9/32"), {}, 10),
    entry(web("10.0.3.10/32"), 0, 12),
    entry(to("10.0.0.0/8"), 125000),
    default_drop(),
};

} // namespace

TEST_CASE("the first line of an explanation is what happens to the packet, and why") {
  CHECK(text_of(servers, tcp(443)) ==
        "dropped by entry 2 (sequence 12): dst 10.0.3.10/32 proto 6 dport 80,443: discard\n"
        "no rule holds this entry\n"
        "close, but for one component:\n"
        "  entry 1 (sequence 10): dst 10.0.3.9/32 proto 6 dport 80,443: accept\n"
        "    destination 10.0.3.9/32: the packet has 10.0.3.10\n");
  CHECK(text_of(servers, tcp(81)) ==
        "limited by entry 3: dst 10.0.0.0/8: rate 125000 B/s\n"
        "no rule holds this entry\n"
        "close, but for one component:\n"
        "  entry 2 (sequence 12): dst 10.0.3.10/32 proto 6 dport 80,443: discard\n"
        "    destination port 80,443: the packet has 81\n");
  CHECK(text_of({servers[0]}, tcp(81)) == "no entry matches: the packet goes on through FORWARD\n");
  CHECK(explain_text(explain({}, tcp(81), Stateful::never), {}, "INPUT") ==
        "no entry matches: the packet goes on through INPUT\n");
  CHECK(text_of({entry(to("10.0.3.10/32"), {})}, tcp(81)) ==
        "accepted by entry 1: dst 10.0.3.10/32: accept\nno rule holds this entry\n");
}

TEST_CASE("an explanation tells of the default policy and whom it spares") {
  struct Row {
    Stateful stateful;
    std::optional<bool> established;
    std::string text;
  };
  const std::string dropped =
      "dropped by entry 1 (the default policy): dst 0.0.0.0/0 src 0.0.0.0/0: discard\n";
  const std::string passes = "a packet of a tracked connection passes\n";
  const std::string no_rule = "no rule holds this entry\n";
  const std::vector<Row> rows{
      {Stateful::default_drop, {}, dropped + passes + no_rule},
      {Stateful::default_drop, false, dropped + no_rule},
      {Stateful::default_drop, true,
       "passes as a packet of a tracked connection, in front of entry 1 (the default policy): dst 0.0.0.0/0 "
       "src "
       "0.0.0.0/0: discard\n" +
           no_rule},
      {Stateful::never, {}, dropped + no_rule},
      {Stateful::never, true, dropped + no_rule},
      {Stateful::always, {}, dropped + passes + no_rule},
      {Stateful::always, false, dropped + no_rule},
      {Stateful::always, true,
       "passes: a packet of a tracked connection does so before any entry is looked at\n"},
  };
  for (const Row& row : rows) {
    Question asked = tcp(80);
    asked.established = row.established;
    CHECK(text_of({default_drop()}, asked, row.stateful) == row.text);
  }
  // Explicit drops cut running connections.
  Question tracked = tcp(80);
  tracked.established = true;
  CHECK(explain(servers, tracked, Stateful::default_drop).what == What::discard);
  // A default policy that accepts spares nobody.
  Entry open = default_drop();
  open.actions.rate.reset();
  tracked.established.reset();
  CHECK_FALSE(explain(std::vector{open}, tracked, Stateful::default_drop).tracked_passes);
}

TEST_CASE("an explanation names the entries that depend on what is not said, and goes on behind them") {
  Components large = to("10.0.3.10/32");
  large.packet_length = ValueSet(domain::packet_length, {{1000, 65535}});
  Components never = web("10.0.3.10/32");
  never.protocol = protocol_set(1);
  const std::vector<Entry> entries{entry(large, 0, 1), entry(never, 0, 2), entry(web("10.0.3.10/32"), {}, 3),
                                   entry(to("10.0.0.0/8"), 0)};
  Question asked = question("10.0.0.1", "10.0.3.10");
  const Explanation bare = explain(entries, asked, Stateful::never);
  REQUIRE(bare.depends.size() == 2); // a port of ICMP depends on nothing
  CHECK(bare.depends[0].options == std::vector<std::string_view>{"--length"});
  CHECK(bare.depends[0].what == What::discard);
  CHECK(bare.depends[1].options == std::vector<std::string_view>{"--proto", "--dport"});
  CHECK(bare.depends[1].what == What::accept);
  CHECK(bare.place == Place{4, &entries[3]});
  CHECK_FALSE(bare.told());

  asked.protocol = protocol::udp;
  CHECK(text_of(entries, asked, Stateful::never) ==
        "cannot be told: it depends on what is not said of the packet\n"
        "  entry 1 (sequence 1): dst 10.0.3.10/32 length 1000-65535: discard: it depends on --length\n"
        "otherwise: dropped by entry 4: dst 10.0.0.0/8: discard\n"
        "no rule holds this entry\n");
  asked.length = 100U;
  CHECK(explain(entries, asked, Stateful::never).told());
}

TEST_CASE("a text with many open entries counts the rest of them") {
  std::vector<Entry> entries;
  for (std::uint64_t number = 1; number <= 12; ++number) {
    Components match = to("10.0.3.10/32");
    match.dscp = ValueSet::single(domain::dscp, static_cast<std::uint32_t>(number));
    entries.push_back(entry(match, 0, number));
  }
  const std::string text = text_of(entries, question("10.0.0.1", "10.0.3.10"));
  CHECK(text.find("  and 2 more\notherwise: no entry matches") != std::string::npos);
  CHECK(text.find("(sequence 10)") != std::string::npos);
  CHECK(text.find("(sequence 11)") == std::string::npos);
}

TEST_CASE("near misses are earlier entries with one failing component, the closest first") {
  std::vector<Entry> entries;
  for (std::uint64_t number = 1; number <= 8; ++number) {
    Components match = to("10.0.3.10/32");
    match.destination_port =
        ports({{static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number)}});
    entries.push_back(entry(match, 0, number));
  }
  entries[6].match.protocol = protocol_set(17);                   // two fail
  entries[5].match.dscp = ValueSet::single(domain::dscp, 1);      // two fail
  entries.push_back(entry(to("10.0.3.10/32"), {}, 9));            // decides
  entries.push_back(entry(web("10.0.3.10/32"), 0, 10));           // is not reached
  entries.insert(entries.begin(), entry(to("2001:db8::/32"), 0)); // of the other family: not counted
  const auto near = [&](std::size_t count) {
    std::vector<std::size_t> numbers;
    for (const NearMiss& miss : explain(entries, tcp(100), Stateful::never, count).near)
      numbers.push_back(miss.place.number);
    return numbers;
  };
  CHECK(near(5) == std::vector<std::size_t>{8, 5, 4, 3, 2});
  CHECK(near(1) == std::vector<std::size_t>{8});
  CHECK(near(0).empty());
  const Explanation all = explain(entries, tcp(100), Stateful::never);
  CHECK(all.place == Place{9, &entries[9]});
  CHECK(all.near.front() == NearMiss{{8, &entries[8]}, "destination_port", "8", "100"});
}

TEST_CASE("the rules of an entry are those that carry its comment") {
  const Entry ours = entry(web("10.0.3.10/32"), 0, 12);
  const auto rule = [](const std::string& comment, Target target) {
    Rule result;
    result.matches = {CommentMatch{comment}};
    result.target = std::move(target);
    return result;
  };
  const std::vector<Chain> chains{
      {"FLOWSPEC",
       {},
       {rule("flowspec established", Verdict::accept), rule(comment_of(ours), Jump{"FLOWSPEC-1", false}),
        rule(comment_of(ours) + "3", Verdict::accept), Rule{}}},
      {"FLOWSPEC-1", {}, {rule(comment_of(ours), Verdict::drop)}}};
  const std::string comment = "-m comment --comment \"" + comment_of(ours) + "\" ";
  const std::vector<HeldRule> held = rules_of(ours, {Family::ipv4, "filter", chains});
  CHECK(held == std::vector<HeldRule>{{"filter", "FLOWSPEC", 2, comment + "-j FLOWSPEC-1"},
                                      {"filter", "FLOWSPEC-1", 1, comment + "-j DROP"}});
  CHECK(rules_of(entry(web("10.0.3.10/32"), 0), {Family::ipv4, "mangle", chains}).empty());

  const std::vector<Entry> entries{ours};
  const Explanation explanation = explain(entries, tcp(80), Stateful::never);
  CHECK(explain_text(explanation, held) ==
        "dropped by entry 1 (sequence 12): dst 10.0.3.10/32 proto 6 dport 80,443: discard\n"
        "rules, as sync places them:\n"
        "  filter FLOWSPEC 2: " +
            comment + "-j FLOWSPEC-1\n  filter FLOWSPEC-1 1: " + comment + "-j DROP\n");
}

TEST_CASE("an explanation in JSON") {
  const std::vector<HeldRule> held{{"filter", "FLOWSPEC", 2, "-j DROP"}};
  const auto document = explain_json(explain(servers, tcp(443), Stateful::default_drop), tcp(443), held);
  CHECK(document["packet"]["destination"] == "10.0.3.10");
  CHECK(document["packet"]["tcp_flags"] == 2);
  CHECK(document["packet"]["fragment"] == "none");
  CHECK(document["packet"]["dont_fragment"] == true);
  CHECK_FALSE(document["packet"].contains("icmp_type"));
  CHECK(document["verdict"] == "discard");
  CHECK(document["told"] == true);
  CHECK(document["tracked_connection_passes"] == false);
  CHECK(document["entry"]["number"] == 2);
  CHECK(document["entry"]["sequence"] == 12);
  CHECK(document["entry"]["match"]["destination_port"] == "80,443");
  CHECK(document["rules"][0].dump() ==
        R"({"table":"filter","chain":"FLOWSPEC","number":2,"rule":"-j DROP"})");
  CHECK(document["depends"].empty());
  CHECK(document["near"][0]["component"] == "destination");
  CHECK(document["near"][0]["has"] == "10.0.3.10");
  CHECK(document["near"][0]["entry"]["number"] == 1);

  const Question bare = question("10.0.0.1", "10.0.3.10");
  const auto open = explain_json(explain(servers, bare, Stateful::never), bare, {});
  CHECK(open["told"] == false);
  CHECK(open["verdict"] == "rate-limit");
  CHECK(open["depends"][0]["options"].dump() == R"(["--proto","--dport"])");
  CHECK(open["depends"][0]["verdict"] == "discard");
  CHECK(open["depends"][0]["entry"]["number"] == 2);

  const auto none = explain_json(explain({}, bare, Stateful::never), bare, {});
  CHECK(none["verdict"] == "no-entry");
  CHECK(none["entry"].is_null());
  CHECK((none["rules"].is_array() && none["near"].is_array()));
}
