// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/bird_flow_parser.hpp"
#include "fetcher/lint.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <sstream>

using namespace flowspec;

namespace {

/// A world of a few files.
struct World {
  std::map<std::string, std::string> files;
  std::ostringstream out;
  std::ostringstream err;

  int run(std::vector<std::string> names, bool json = false) {
    return lint(
        {std::move(names), json},
        [this](const std::string& path) {
          if (!files.contains(path))
            throw Error("open " + path + ": No such file or directory");
          return files.at(path);
        },
        out, err);
  }
};

/// What is said of the file "f" that holds `text`, and nothing on the error stream but the counts.
std::string said(const std::string& text) {
  World world{{{"f", text}}, {}, {}};
  const int code = world.run({"f"});
  CHECK((code == 0) == world.out.str().empty());
  return world.out.str();
}

/// What is said of one route with these words in its braces: "KIND: REASON", several with " + " between.
std::string said_of(const std::string& flow) {
  World world{{{"f", "route " + flow + ";\n"}}, {}, {}};
  world.run({"f"}, true);
  std::string kinds;
  const nlohmann::json report = nlohmann::json::parse(world.out.str());
  for (const auto& finding : report["findings"])
    kinds += fmt::format("{}{}: {}", kinds.empty() ? "" : " + ", finding["kind"].get<std::string>(),
                         finding["reason"].get<std::string>());
  return kinds;
}

std::string bytes(const std::string& flow) {
  const std::vector<BirdToken> tokens = bird_tokens(flow, "f");
  const ParsedFlow parsed = parse_flow(tokens, {});
  REQUIRE(parsed.flow);
  const auto nlri = announced_nlri(*parsed.flow);
  return nlri ? fmt::format("{:02x}", fmt::join(*nlri, " ")) : "none";
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int left = times; left > 0; --left)
    all += text;
  return all;
}

} // namespace

TEST_CASE("lint: routes that FRR takes") {
  for (const char* flow : {
           "flow4 { dst 10.0.0.0/8; }",
           "flow4 { dst 0.0.0.0/0; src 0.0.0.0/0; }",
           "flow4 { src 010.001.0.0/0x10; next header 6; dport 080,0x1bb; }",
           "flow4 { dport 1,2,3,4,5; sport 1..1023,1194,3306; }",
           "flow4 { dport = 80 || = 443 || >= 8000 && <= 8080; }",
           "flow4 { dport 80; dport 443; }",
           "flow4 { dport > 1023 && < 2048 || 53; length > 1500; icmp type 3; icmp code 1; dscp 8..15; }",
           "flow4 { tcp flags 0x03/0x0f; fragment is_fragment && !dont_fragment; }",
           "flow4 { tcp flags 0/0xff || !0/1, !3/3; }",
           "flow4 { fragment dont_fragment, is_fragment || !first_fragment && last_fragment; }",
           "flow4 { dport 0..65535; proto <= 255; }",
           "flow6 { dst ::/0; src 2001:db8::/32 offset 0; proto 6; label 65535; }",
           "flow6 { src fe80::/64; fragment !last_fragment; label 1..5; }",
       }) {
    INFO(flow);
    CHECK(said_of(flow) == "");
  }
}

TEST_CASE("lint: routes that reset the session") {
  const std::string six = "flow4 { dport 1,2,3,4,5,6; }";
  const std::vector<std::pair<std::string, std::string>> table{
      {"flow4 { }", "reset: it has no component"},
      {"flow6 {}", "reset: it has no component"},
      {"flow4 { dport != 5; }", "reset: dport has \"!=\", which FRR does not take"},
      {"flow4 { proto > 5 && != 17; }", "reset: proto has \"!=\", which FRR does not take"},
      {"flow4 { length true 0; }", "reset: length has \"true\", which FRR does not take"},
      {"flow6 { label != 5; }", "reset: label has \"!=\", which FRR does not take"},
      {six, "reset: dport has 6 values, of which a range is two; FRR takes 5"},
      {"flow4 { dport 1; dport 2..3,4..5,6; }",
       "reset: dport has 6 values, of which a range is two; FRR takes 5"},
      {"flow4 { tcp flags 1/3,4/0xc,0x10/0x30; }",
       "reset: tcp flags has 6 values, of which one V/M is up to two; FRR takes 5"},
      {"flow4 { fragment !dont_fragment || is_fragment || is_fragment || is_fragment || is_fragment || "
       "is_fragment; }",
       "reset: fragment has 6 values, of which one V/M is up to two; FRR takes 5"},
      {"flow6 { dst 2001:db8::/32 offset 8; }",
       "reset: dst with offset 8: FRR reads 4 bytes of the prefix where RFC 8956 has 3"},
      {"flow6 { src 0:0:0:1::/64 offset 64; }",
       "reset: src with offset 64: FRR reads 8 bytes of the prefix where RFC 8956 has 0"},
  };
  for (const auto& [flow, reason] : table) {
    INFO(flow);
    CHECK(said_of(flow) == reason);
  }
  CHECK(said_of("flow6 { dst 0:0:0:1:1000::/68 offset 4; }") ==
        "reset: dst with offset 4: FRR reads 9 bytes of the prefix where RFC 8956 has 8");
  const std::string ports = repeated("1000,", 79) + "1000";
  CHECK(said_of("flow4 { dport " + ports + "; }") ==
        "reset: dport has 80 values, of which a range is two; FRR takes 5 + "
        "reset: it has 241 bytes; FRR before 7.4 takes 239");
}

TEST_CASE("lint: routes that arrive as something else") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"flow4 { dport 90..80; }",
       "misread: dport: FRR shows \">= 90 , <= 80\", which reads as 0-80,90-65535 and is meant as none"},
      {"flow4 { dport > 5 && > 1000; }",
       "misread: dport: FRR shows \"> 5 , > 1000\" and hides which of these are joined by AND"},
      {"flow4 { dport > 100 || < 50 && < 10; }",
       "misread: dport: FRR shows \"> 100 , < 50 , < 10\" and hides which of these are joined by AND"},
      {"flow4 { dport > 100 && < 50 || < 10; }",
       "misread: dport: FRR shows \"> 100 , < 50 , < 10\" and hides which of these are joined by AND"},
      {"flow4 { length false 5; }",
       "misread: length has \"false\", which FRR shows as a value without an operator (\" 5\")"},
      {"flow4 { tcp flags 0/0; proto 6; }",
       "misread: tcp flags 0x0/0x0: BIRD leaves it out, it tests no bit"},
      {"flow4 { dst 10.0.0.0/8; dst 11.0.0.0/8; }",
       "misread: dst comes again, and BIRD announces the first only"},
      {"flow4 { dport 80; proto 6; dport 443; }",
       "misread: dport comes again, and BIRD announces the first only"},
      {"flow4 { proto 6; dport 80; proto 17; proto 1; }",
       "misread: proto comes again, and BIRD announces the first only + misread: proto comes again, and BIRD "
       "garbles the route"},
      {"flow6 { label 0x12345; }", "misread: label 74565: BIRD announces it as 9029"},
      {"flow6 { dst 0:0:0:1::/64 offset 7; }",
       "misread: dst with offset 7: FRR takes what is sent for a prefix that begins at bit 0"},
  };
  for (const auto& [flow, reason] : table) {
    INFO(flow);
    CHECK(said_of(flow) == reason);
  }
}

TEST_CASE("lint: what BIRD refuses") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"flow4 { dst 10.0.0.1/8; }", "10.0.0.1/8 has bits behind its length: 10.0.0.0/8"},
      {"flow4 { dst 10.0.0.0/33; }", "10.0.0.0/33 is no prefix"},
      {"flow4 { dst 10.0.0.256/32; }", "10.0.0.256/32 is no prefix"},
      {"flow4 { dst 10.0.0.0; }", "\";\" where \"/\" should be"},
      {"flow4 { dst 10.0.0.0/P; }", "\"P\" cannot stand there"},
      {"flow4 { dst 2001:db8::/32; }", "2001:db8::/32 in a route of ipv4"},
      {"flow6 { dst 10.0.0.0/8; }", "10.0.0.0/8 in a route of ipv6"},
      {"flow6 { dst 2001:db8::/32 offset 33; }", "the offset 33 is over the length 32"},
      {"flow4 { dst 10.0.0.0/8 offset 0; }", "\"offset\" where \";\" should be"},
      {"flow4 { dport = 80, 443; }", "\",\" where \";\" should be"},
      {"flow4 { dport 80, = 443; }", "\"=\" cannot stand there"},
      {"flow4 { dport > 5 && 80; }", "\"80\" cannot stand there"},
      {"flow4 { dport 65536; }", "65536 is over 65535"},
      {"flow4 { dport 4294967296; }", "4294967296 is over 65535"},
      {"flow4 { dport -1; }", "\"-\" cannot stand there"},
      {"flow4 { dport 0X50; }", "\"X50\" where \";\" should be"},
      {"flow4 { dport true; }", "\";\" cannot stand there"},
      {"flow4 { dport (); }", "() is no value"},
      {"flow4 { dscp 64; }", "64 is over 63"},
      {"flow4 { proto tcp; }", "\"tcp\" cannot stand there"},
      {"flow4 { icmp 8; }", "\"icmp\" cannot stand there"},
      {"flow4 { label 5; }", "a flow label in IPv4"},
      {"flow6 { label 5/5; }", "\"/\" where \";\" should be"},
      {"flow6 { fragment !dont_fragment; }", "IPv6 has no dont_fragment"},
      {"flow4 { fragment 1/1; }", "\"1\" cannot stand there"},
      {"flow4 { tcp flags 3; }", "\";\" where \"/\" should be"},
      {"flow4 { tcp flags 3/1; }", "the value 0x3 is outside of the mask 0x1"},
      {"flow4 { tcp flags !3/7; }", "!0x3/0x7: behind ! the value must be 0 or the mask"},
      {"flow4 { tcp flags 0x1000/0x1000; }", "the mask 0x1000 is over 0xfff"},
      {"flow4 { ; }", "\";\" cannot stand there"},
      {"flow4 { dport 80 }", "\"}\" where \";\" should be"},
      {"flow4 dport 80", "\"dport\" where \"{\" should be"},
      {"flow4 { DPORT 80; }", "\"DPORT\" cannot stand there"},
      {"flow4 { dport 80\r\n; }", "\"\\x0d\" where \";\" should be"},
      {"flow4 { dport 80; } blackhole", "\"blackhole\" behind the route's match where \";\" should be"},
  };
  for (const auto& [flow, reason] : table) {
    INFO(flow);
    CHECK(said_of(flow) == "refused-by-bird: " + reason);
  }
  CHECK(said_of("flow4 { tcp flags 0/0 && 2/2; }") ==
        "misread: tcp flags 0x0/0x0: BIRD leaves it out, it tests no bit + "
        "refused-by-bird: tcp flags: && behind nothing");
}

TEST_CASE("lint: constants") {
  const std::string defines = "define WEB = 80;\ndefine HOME = 10.0.0.0/8;\ndefine SUM = 1 + 2;\n"
                              "define BAD = flow4 { dst 10.0.0.0/8; dport != 5; };\ndefine 'q-d' = 443;\n";
  const std::vector<std::pair<std::string, std::string>> table{
      {"route flow4 { dst HOME; dport WEB..'q-d'; sport (WEB),(9); };", ""},
      {"route flow4 { dport WEB,WEB,WEB,WEB,WEB,WEB; };",
       "f:6: reset: dport has 6 values, of which a range is two; FRR takes 5: route flow4 { dport "
       "WEB,WEB,WEB,WEB,WEB,WEB; }\n"},
      {"route flow4 { dport SUM; proto udp; };",
       "f:6: unknown: the number that SUM stands for is not worked out: route flow4 { dport SUM; proto udp; "
       "}\n"
       "f:6: unknown: udp is not defined in what was read: route flow4 { dport SUM; proto udp; }\n"},
      {"route flow4 { dport (WEB + 1); };", "f:6: unknown: the number that an expression stands for is not "
                                            "worked out: route flow4 { dport (WEB + 1); }\n"},
      {"route flow4 { dst OFFICE; dport != LATER; };",
       "f:6: unknown: OFFICE is not defined in what was read: route flow4 { dst OFFICE; dport != LATER; }\n"
       "f:6: unknown: LATER is not defined in what was read: route flow4 { dst OFFICE; dport != LATER; }\n"
       "f:6: reset: dport has \"!=\", which FRR does not take: route flow4 { dst OFFICE; dport != LATER; "
       "}\n"},
      {"route flow4 { dscp WEB; };", "f:6: refused-by-bird: 80 is over 63: route flow4 { dscp WEB ...\n"},
      {"route flow6 { dst HOME; };",
       "f:6: refused-by-bird: 10.0.0.0/8 in a route of ipv6: route flow6 { dst HOME ...\n"},
      {"route BAD { bgp_med = 5; };", "f:6: reset: dport has \"!=\", which FRR does not take: route BAD\n"},
      {"route HOME blackhole; route HOME via 10.0.0.1;", ""},
      {"route NOWHERE;", "f:6: unknown: NOWHERE is not defined in what was read: route NOWHERE ...\n"},
  };
  for (const auto& [route, findings] : table) {
    INFO(route);
    CHECK(said(defines + route) == findings);
  }
}

TEST_CASE("lint: finds the routes in a whole configuration") {
  CHECK(
      said("log \"route flow4 { };\" all;\n# route flow4 { };\n/* route\nflow4 { }; */ ipv4 table t;\n"
           "flow4 table flowtab4;\n"
           "filter f { if net ~ [ 10.0.0.0/8{8,32} ] then { print \"}\"; accept; } else: reject; }\n"
           "protocol static s {\n  flow4 { table flowtab4; };\n  route 10.0.0.0/8 via 10.1.1.1;\n"
           "  route flow4 { dst 10.0.0.0/8; } { bgp_ext_community.add((generic, 0x80060000, 0x0)); };\n"
           "  route flow4 {\n    dst 10.0.0.0/8; # all\n    dport /* not */ != 5;\n  } { if 1 = 1 then { "
           "bgp_med "
           "= 1; } };\n"
           "  route 2001:db8::/32 unreachable;\n}\n"
           "protocol bgp { neighbor 10.0.0.1 as 65000; flow4 { import none; export all; }; }\n") ==
      "f:11: reset: dport has \"!=\", which FRR does not take: route flow4 { dst 10.0.0.0/8; dport != 5; }\n"
      "f:11: lost: its bytes begin with those of f:10: FRR 10.7 keeps one of the two: route flow4 { dst "
      "10.0.0.0/8; dport != 5; }\n");
  CHECK(said("") == "");
}

TEST_CASE("lint: goes on behind a route that BIRD refuses") {
  CHECK(
      said("route flow4 { dport 80 ;\nroute flow4 { dst 10.0.0.0/8; } { bgp_med = 1; \n"
           "route flow4 { dport = 80, 90; };\nroute flow4 { dport != 80; };\nroute flow4 { dport 80; };\n") ==
      "f:1: refused-by-bird: \"route\" cannot stand there: route flow4 { dport 80 ; ...\n"
      "f:2: refused-by-bird: \"route\" behind the route's match where \";\" should be: route flow4 { dst "
      "10.0.0.0/8; }\n"
      "f:3: refused-by-bird: \",\" where \";\" should be: route flow4 { dport = 80 ...\n"
      "f:4: reset: dport has \"!=\", which FRR does not take: route flow4 { dport != 80; }\n");
}

TEST_CASE("lint: routes that do not arrive beside others") {
  CHECK(said("route flow4 { dst 10.0.0.0/8; proto 6; dport 80; };\n"
             "route flow4 { dst 10.0.0.0/8; dport 80; };\n"
             "route flow4 { proto 6; dst 10.0.0.0/8; };\n"
             "route flow4 { dport 80; dst 10.0.0.0/8; };\n"
             "route flow4 { dst 10.0.0.0/9; };\n"
             "route flow4 { };\n"
             "route flow6 { proto 6; };\n"
             "route flow4 { proto 6; };\n") ==
        "f:1: lost: its bytes begin with those of f:3: FRR 10.7 keeps one of the two: route flow4 { dst "
        "10.0.0.0/8; proto 6; dport 80; }\n"
        "f:4: lost: it is the same as f:2: BIRD keeps the first: route flow4 { dport 80; dst 10.0.0.0/8; }\n"
        "f:6: reset: it has no component: route flow4 { }\n");
  CHECK(said("route flow4 { proto 6; };\nroute flow4 { proto 6; dport X; };\nroute flow4 { proto 6; dport 80 "
             "};\n")
            .find("lost") == std::string::npos);
}

TEST_CASE("lint: the bytes that BIRD announces") { // as BIRD 2.0.12 sent them
  const std::vector<std::pair<std::string, std::string>> table{
      {"flow4 { proto 6; dport 80; }", "03 81 06 05 81 50"},
      {"flow4 { dport 80; dport 443; }", "05 01 50 91 01 bb"},
      {"flow4 { dst 10.3.0.0/16; tcp flags 2/2 || 0/0; }", "01 10 0a 03 09 81 02"},
      {"flow4 { dst 10.2.0.0/16; tcp flags 0/0 || 2/2; }", "01 10 0a 02 09 81 02"},
      {"flow4 { dst 10.9.0.0/16; tcp flags 0x03/0x0f, 0x100/0x100 || !0/0xff; fragment !is_fragment, "
       "first_fragment; }",
       "01 10 0a 09 09 01 03 42 0c 51 01 00 80 ff 0c 02 02 c1 04"},
      {"flow4 { dst 10.8.0.0/16; dport false 3 || true 4 || != 5; }", "01 10 0a 08 05 00 03 07 04 86 05"},
      {"flow4 { dst 10.5.0.0/16; dport 90..80; }", "01 10 0a 05 05 03 5a c5 50"},
      {"flow4 { dport 80; proto 6; dport 443; }", "03 81 06 05 81 50"},
      {"flow4 { proto 6; dport 80; proto 17; proto 1; }", "none"},
      {"flow4 { dst 10.4.0.0/16; proto 6; tcp flags 0/0; tcp flags 2/2; }", "none"},
      {"flow4 { dport X; }", "none"},
      {"flow6 { dst ::/0; }", "01 00 00"},
      {"flow6 { label 0x10045; }", "0d 81 45"},
      {"flow6 { label 0x12345; }", "0d 91 23 45"},
      {"flow6 { dst 0:0:0:1:1000::/68 offset 4; }", "none"}, // 2.16 sends something else
      {"flow6 { dst ::1234:5678:9800:0/101 offset 64; }", "01 65 40 12 34 56 78 98"},
      {"flow6 { dst 2001:db8::/32 offset 8; }", "01 20 08 01 0d b8"},
  };
  for (const auto& [flow, nlri] : table) {
    INFO(flow);
    CHECK(bytes(flow) == nlri);
  }
}

TEST_CASE("lint: follows includes") {
  World world{
      {{"etc/bird.conf", "  include \"conf.d/a.conf\";\ninclude \"/b.conf\";\ninclude \"x/*.conf\";\n"
                         "include \"none\";\nroute flow4 { dport TWO; };\n"},
       {"etc/conf.d/a.conf", "define TWO = 2;\ninclude \"../bird.conf\";\nroute flow4 { dport != 1; };\n"},
       {"/b.conf", "include \"c.conf\";\nroute flow4 { dport TWO,TWO,TWO,TWO,TWO,TWO; };\n"},
       {"/c.conf", "route flow4 { };\n"}},
      {},
      {}};
  CHECK(world.run({"etc/bird.conf", "etc/../etc/bird.conf", "/c.conf"}) == 1);
  CHECK(world.out.str() ==
        "etc/conf.d/a.conf:3: reset: dport has \"!=\", which FRR does not take: route flow4 { dport != 1; }\n"
        "/c.conf:1: reset: it has no component: route flow4 { }\n"
        "/b.conf:2: reset: dport has 6 values, of which a range is two; FRR takes 5: route flow4 { dport "
        "TWO,TWO,TWO,TWO,TWO,TWO; }\n");
  CHECK(world.err.str() ==
        "etc/bird.conf:3: include \"x/*.conf\" was not read: it is a pattern\n"
        "etc/bird.conf:4: include \"none\" was not read: open etc/none: No such file or directory\n"
        "4 routes, 3 findings (3 reset)\n");
}

TEST_CASE("lint: goes as deep into includes as BIRD") {
  World world;
  for (int depth = 1; depth <= 9; ++depth)
    world.files[fmt::format("f{}", depth)] = fmt::format("include \"f{}\";\n", depth + 1);
  CHECK(world.run({"f1"}) == 0);
  CHECK(world.err.str() == "f8:1: include \"f9\" was not read: BIRD goes no deeper\n0 routes, 0 findings\n");
}

TEST_CASE("lint: what cannot be read is an error that names it") {
  const std::vector<std::pair<std::string, std::string>> table{
      {std::string("\n\0x", 3), "f:2: this is not text"},
      {"a\n/* b\n", "f:2: the comment that begins here does not end"},
      {"log \"\n", "f:1: the string that begins here does not end on its line"},
      {"'a", "f:1: the symbol that begins here does not end on its line"},
      {"\nroute flow4 { dst 10.0.0.0/8;", "f:2: the file ends inside of this route"},
      {"\nroute flow4 { dport (1", "f:2: the file ends inside of this route"},
      {"route flow4 { dport 80; }", "f:1: the file ends inside of this route"},
      {"route flow4 { dport 80; }\n{ bgp_med = 1; ", "f:1: the file ends inside of this route"},
      {"route flow4", "f:1: the file ends inside of this route"},
  };
  for (const auto& [text, message] : table) {
    INFO(text);
    World world{{{"f", text}}, {}, {}};
    CHECK_THROWS_MATCHES(world.run({"f"}), Error, Catch::Matchers::Message(message));
    World including{{{"f", text}, {"g", "include \"f\";"}}, {}, {}};
    CHECK_THROWS_MATCHES(including.run({"g"}), Error, Catch::Matchers::Message(message));
  }
  World world;
  CHECK_THROWS_AS(world.run({"nowhere"}), Error);
}

TEST_CASE("lint: JSON, and output that is one line a finding") {
  World world{
      {{"a\nb", "include \"\xc3\xa4*\";\nroute flow4 { dst 10.0.0.0/8; \"\x1b[2J\xc3\xa4\"; };\n"}}, {}, {}};
  CHECK(world.run({"a\nb"}, true) == 1);
  CHECK(nlohmann::json::parse(world.out.str()) ==
        nlohmann::json::parse(R"({"findings": [{"file": "a\nb", "line": 2, "kind": "refused-by-bird",
            "reason": "\"\"\\x1b[2J\\xc3\\xa4\"\" cannot stand there",
            "route": "route flow4 { dst 10.0.0.0/8; ..."}], "routes": 1,
            "not_read": [{"file": "a\nb", "line": 1, "include": "ä*", "reason": "it is a pattern"}]})"));
  world.out.str("");
  world.err.str("");
  CHECK(world.run({"a\nb"}) == 1);
  CHECK(world.out.str() == "a\\x0ab:2: refused-by-bird: \"\"\\x1b[2J\xc3\xa4\"\" cannot stand there: "
                           "route flow4 { dst 10.0.0.0/8; ...\n");
  CHECK(world.err.str() == "a\\x0ab:1: include \"\xc3\xa4*\" was not read: it is a pattern\n"
                           "1 route, 1 finding (1 refused-by-bird)\n");
  world.out.setstate(std::ios::badbit);
  CHECK_THROWS_AS(world.run({"a\nb"}), Error);
}
