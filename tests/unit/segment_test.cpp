// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/segment.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace flowspec;

namespace {

Segment segment(std::string name, std::vector<SegmentParent> parents) {
  return {std::move(name), {"65000:1"}, std::move(parents)};
}

/// What parse_segments() says of a document, without the file's name; empty when it takes it.
std::string complaint(const std::string& document) {
  try {
    parse_segments(document, "segments.json");
    return "";
  } catch (const UsageError& error) {
    const std::string text = error.what();
    REQUIRE(text.starts_with("segments.json: "));
    return text.substr(15);
  }
}

/// A document with one segment that has `member` instead of its own.
std::string with(const std::string& key, const std::string& value) {
  std::string text = R"({"segments": [{)";
  for (const auto& [name, usual] : {std::pair<std::string, std::string>{"name", R"("a")"},
                                    {"import", R"(["65000:1"])"},
                                    {"parents", R"([{"in_interface": "eth0"}])"}})
    text += "\"" + name + "\": " + (name == key ? value : usual) + (name == "parents" ? "" : ", ");
  return text + "}]}";
}

std::string with_parent(const std::string& parent) {
  return with("parents", "[" + parent + "]");
}

} // namespace

TEST_CASE("a document of segments") {
  const std::vector<Segment> segments = parse_segments(
      R"({"$schema": "segments.schema.json",
          "segments": [{"name": "tenant-a", "import": ["65000:101", "192.0.2.1:7"],
                        "parents": [{"chain": "FORWARD", "out_interface": "swp3"},
                                    {"chain": "INPUT", "in_interface": "eth+"}]},
                       {"name": "quarantine_2", "import": [], "parents": [{}]}]})",
      "segments.json");
  CHECK(segments ==
        std::vector<Segment>{
            {"tenant-a", {"65000:101", "192.0.2.1:7"}, {{"FORWARD", "", "swp3"}, {"INPUT", "eth+", ""}}},
            {"quarantine_2", {}, {{"FORWARD", "", ""}}}});
}

TEST_CASE("the example of segments is one") {
  const std::vector<Segment> segments =
      parse_segments(test_data("../../examples/segments.json"), "segments.json");
  CHECK(segments.size() == 2);
  CHECK_FALSE(may_share_packets(segments, {"FORWARD"}));
}

TEST_CASE("what is no document of segments is refused by place") {
  struct Row {
    std::string document;
    const char* place; ///< in front of what was expected; empty: it is taken
  };
  for (const Row& row : {
           Row{with("name", R"("tenant-a_01234")"), ""},
           Row{"", "expected a JSON document"},
           Row{"{", "expected a JSON document"},
           Row{"[]", "expected an object"},
           Row{"{}", "expected a member \"segments\""},
           Row{R"({"segments": {}})", "/segments: "},
           Row{R"({"segments": []})", "/segments: "}, // nobody writes this to have every route everywhere
           Row{R"({"segments": [], "segments": []})", "/segments: "},
           Row{R"({"segments": [], "more": 1})", "/more: "},
           Row{R"({"segments": [1]})", "/segments/0: "},
           Row{R"({"segments": [{}]})", "/segments/0: "},
           Row{with("name", "1"), "/segments/0/name: "},
           Row{with("name", R"("")"), "/segments/0/name: "},
           Row{with("name", R"("tenant-a_012345")"), "/segments/0/name: "}, // 15
           Row{with("name", R"("MARK")"), "/segments/0/name: "},
           Row{with("name", R"("-a")"), "/segments/0/name: "},
           Row{with("name", R"("a b")"), "/segments/0/name: "},
           Row{with("import", R"("65000:1")"), "/segments/0/import: "},
           Row{with("import", R"(["65000"])"), "/segments/0/import/0: "},
           Row{with("import", R"(["RT:65000:1"])"), "/segments/0/import/0: "},
           Row{with("import", R"(["65000:1", "065000:1"])"), "/segments/0/import/1: "},
           Row{with("import", R"(["65536:65536"])"), "/segments/0/import/0: "},
           Row{with("import", R"(["65536:65535", "4294967295:1", "65535:4294967295"])"), ""},
           Row{with("import", R"(["65000:1", "65000:1"])"), "/segments/0/import/1: "},
           Row{with("parents", "[]"), "/segments/0/parents: "},
           Row{with("parents", R"(["FORWARD"])"), "/segments/0/parents/0: "},
           Row{with("parents", R"([{}, {"chain": "FORWARD"}])"), "/segments/0/parents/1: "},
           Row{with_parent(R"({"interface": "eth0"})"), "/segments/0/parents/0/interface: "},
           Row{with_parent(R"({"chain": ""})"), "/segments/0/parents/0/chain: "},
           Row{with_parent(R"({"chain": "DROP"})"), "/segments/0/parents/0/chain: "},
           Row{with_parent(R"({"chain": "a b"})"), "/segments/0/parents/0/chain: "},
           Row{with_parent(R"({"chain": "ABCDEFGHIJKLMNOPQRSTUVWXYZABC"})"), "/segments/0/parents/0/chain: "},
           Row{with_parent(R"({"chain": "DOCKER-USER"})"), ""},
           Row{with_parent(R"({"in_interface": ""})"), "/segments/0/parents/0/in_interface: "},
           Row{with_parent(R"({"in_interface": "+"})"), "/segments/0/parents/0/in_interface: "},
           Row{with_parent(R"({"in_interface": ".."})"), "/segments/0/parents/0/in_interface: "},
           Row{with_parent(R"({"in_interface": "eth 0"})"), "/segments/0/parents/0/in_interface: "},
           Row{with_parent(R"({"in_interface": "eth/0"})"), "/segments/0/parents/0/in_interface: "},
           Row{with_parent(R"({"in_interface": "eth:0"})"), "/segments/0/parents/0/in_interface: "},
           Row{with_parent(R"({"in_interface": "eth0\u0000"})"), "/segments/0/parents/0/in_interface: "},
           Row{with_parent(R"({"in_interface": "0123456789abcde"})"), ""},
           Row{with_parent(R"({"in_interface": "0123456789abcdef"})"),
               "/segments/0/parents/0/in_interface: "},
           Row{with_parent(R"({"chain": "INPUT", "out_interface": "eth0"})"),
               "/segments/0/parents/0/out_interface: "},
           Row{with_parent(R"({"chain": "OUTPUT", "in_interface": "eth0"})"),
               "/segments/0/parents/0/in_interface: "},
       }) {
    CAPTURE(row.document);
    const std::string said = complaint(row.document);
    if (*row.place == '\0')
      CHECK(said.empty());
    else
      CHECK(said.starts_with(row.place));
  }
  const std::string one = R"({"name": "a", "import": [], "parents": [{}]})";
  CHECK(complaint(R"({"segments": [)" + one + ", " + one + "]}") ==
        "/segments/1/name: there is another segment a");
}

TEST_CASE("a segment takes what has one of its targets") {
  const Segment taker{"a", {"65000:1", "65000:2"}, {{}}};
  const auto takes = [&](std::vector<std::string> targets) {
    Entry entry;
    entry.route_targets = std::move(targets);
    return taker.takes(entry);
  };
  CHECK(takes({"65000:2"}));
  CHECK(takes({"65000:9", "65000:1"}));
  CHECK_FALSE(takes({}));
  CHECK_FALSE(takes({"65000:10"}));
}

TEST_CASE("interfaces that may be one") {
  struct Row {
    const char* a;
    const char* b;
    bool may;
  };
  for (const Row& row : {Row{"", "eth0", true}, Row{"eth0", "eth0", true}, Row{"eth0", "eth1", false},
                         Row{"eth+", "eth0", true}, Row{"eth+", "eth", true}, Row{"eth+", "et", false},
                         Row{"eth+", "swp+", false}, Row{"eth+", "e+", true}, Row{"eth1+", "eth2+", false},
                         Row{"eth1", "eth10", false}}) {
    CAPTURE(row.a, row.b);
    CHECK(may_be_one_interface(row.a, row.b) == row.may);
    CHECK(may_be_one_interface(row.b, row.a) == row.may);
  }
}

TEST_CASE("segments that may share packets") {
  struct Row {
    SegmentParent a;
    SegmentParent b;
    bool may;
  };
  for (const Row& row : {
           Row{{"FORWARD", "", "swp1"}, {"FORWARD", "", "swp2"}, false},
           Row{{"FORWARD", "swp1", ""}, {"FORWARD", "swp2", ""}, false},
           Row{{"FORWARD", "swp1", ""}, {"FORWARD", "", "swp2"}, true},
           Row{{"FORWARD", "swp1", "swp2"}, {"FORWARD", "swp1", "swp3"}, false},
           Row{{"FORWARD", "swp+", ""}, {"FORWARD", "swp2", ""}, true},
           Row{{"FORWARD", "", ""}, {"FORWARD", "swp2", ""}, true},
           Row{{"FORWARD", "", ""}, {"INPUT", "", ""}, false},
           Row{{"FORWARD", "", ""}, {"DOCKER-USER", "", ""}, true}, // FORWARD may call it
           Row{{"FORWARD", "swp1", ""}, {"DOCKER-USER", "swp2", ""}, false},
       }) {
    CAPTURE(row.a.chain, row.a.in_interface, row.a.out_interface, row.b.chain, row.b.in_interface);
    CHECK(may_share_packets({segment("a", {row.a}), segment("b", {row.b})}) == row.may);
    CHECK(may_share_packets({segment("b", {{"OUTPUT", "", ""}, row.b}), segment("a", {row.a})}) == row.may);
  }
  const std::vector<Segment> docker{segment("a", {{"DOCKER-USER", "eth0", ""}})};
  CHECK_FALSE(may_share_packets(docker));
  CHECK_FALSE(may_share_packets(docker, {"DOCKER-USER"}));
  CHECK(may_share_packets(docker, {"FORWARD"}));
  CHECK_FALSE(may_share_packets({segment("a", {{"FORWARD", "", "swp1"}})}, {"FORWARD", "INPUT"}));
}

TEST_CASE("segments in words") {
  const std::vector<Segment> segments{
      {"a", {"65000:1", "65000:2"}, {{"FORWARD", "swp1", ""}, {"INPUT", "swp1", ""}}},
      {"b", {}, {{"FORWARD", "", "swp2"}}}};
  CHECK(segments_text(segments, {Untargeted::Where::segment, "b"}) ==
        "segment a: routes for 65000:1, 65000:2; packets of FORWARD in by swp1, and of INPUT in by swp1\n"
        "segment b: no route targets; packets of FORWARD out by swp2\n"
        "routes without a segment's target: in segment b\n"
        "a packet may be in two of them: it passes when none of them drops it, what is accepted goes back to "
        "the parent chain, and no route marks or redirects packets\n");
  CHECK(segments_text({segments[0]}, {}) ==
        "segment a: routes for 65000:1, 65000:2; packets of FORWARD in by swp1, and of INPUT in by swp1\n"
        "routes without a segment's target: in every segment, and for packets of no segment\n");
  CHECK(segments_text({segments[0]}, {Untargeted::Where::none, ""}).ends_with("target: left out\n"));
  CHECK(segments_text({}, {}) == "no segments: every route is for all packets\n");
}
