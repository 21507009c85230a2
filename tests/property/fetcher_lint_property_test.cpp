// SPDX-License-Identifier: GPL-2.0-or-later
//
// `lint` on what the fetcher writes, on that with one thing wrong, on anything; and BIRD's own parser beside
// it.
#include "common/error.hpp"
#include "common/process.hpp"
#include "fetcher/bird_config.hpp"
#include "fetcher/bird_route.hpp"
#include "fetcher/frr_limits.hpp"
#include "fetcher/lint.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

using namespace flowspec;

namespace {

using generate::Random;

struct Linted {
  int code = 0;
  std::string findings;
};

Linted linted(const std::string& config) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = lint(
      {{"f"}, false}, [&config](const std::string&) { return config; }, out, err);
  return {code, out.str()};
}

/// One that FRR takes and BIRD has words for.
Entry takeable_entry(Random& random) {
  for (;;) {
    const Family family = generate::chance(random, 50) ? Family::ipv4 : Family::ipv6;
    Entry entry = generate::entry(random, family, {.every_component = true});
    if (!frr::takes(entry.match))
      continue;
    // BIRD has no words for larger ones: it announces them without the bits above.
    if (entry.match.flow_label &&
        !(*entry.match.flow_label & ValueSet(domain::flow_label, {{65536, domain::flow_label}})).empty())
      continue;
    try {
      bird_route(entry, {});
      return entry;
    } catch (const std::invalid_argument&) {
    }
  }
}

/// The route with `words` as one component more, and what it had of that component left out.
std::string with_words(Entry entry, std::optional<ValueSet> Components::*component,
                       const std::string& words) {
  entry.match.*component = std::nullopt;
  std::string text = bird_route(entry, {});
  const std::string::size_type brace = text.find('}');
  return text.insert(brace, words + " ");
}

template <std::size_t Size>
std::string one_of(Random& random, const std::array<const char*, Size>& words) {
  return words[generate::number(random, 0, Size - 1)];
}

/// What may stand in a flow, mostly where it may.
std::string some_component(Random& random) {
  const auto number = [&random] {
    return std::to_string(generate::number(random, 0, generate::chance(random, 90) ? 63 : 70000));
  };
  const auto bit_test = [&] {
    const std::uint32_t mask = generate::number(random, generate::chance(random, 98) ? 1 : 0, 0xff);
    return (generate::chance(random, 20) ? "!" : "") +
           std::to_string(generate::chance(random, 80) ? mask : generate::number(random, 0, 0xff)) + "/" +
           std::to_string(mask);
  };
  std::string words;
  const std::uint32_t kind = generate::number(random, 0, 9);
  if (kind == 0)
    return one_of<8>(random, {"dst 10.0.0.0/8", "src 0.0.0.0/0", "dst 010.001.0.0/0x10", "src 10.0.0.1/31",
                              "dst 2001:db8::/32", "src ::/0 offset 0", "dst ::ffff:10.0.0.0/104",
                              "src 2001:db8::/32 offset 40"}) +
           "; ";
  const std::uint32_t count = generate::number(random, 1, 4);
  if (kind == 1) {
    words = "fragment ";
    for (std::uint32_t index = 0; index < count; ++index)
      words += (index == 0 ? "" : one_of<3>(random, {" && ", " || ", ","})) +
               (generate::chance(random, 30) ? "!" : "") +
               one_of<4>(random, {"is_fragment", "first_fragment", "last_fragment", "dont_fragment"});
  } else if (kind == 2) {
    words = "tcp flags ";
    for (std::uint32_t index = 0; index < count; ++index)
      words += (index == 0 ? "" : one_of<3>(random, {" && ", " || ", ","})) + bit_test();
  } else {
    words = one_of<10>(random, {"proto ", "next header ", "port ", "dport ", "sport ", "icmp type ",
                                "icmp code ", "length ", "dscp ", "label "});
    for (std::uint32_t index = 0; index < count; ++index)
      words += (index == 0 ? "" : one_of<4>(random, {" && ", " || ", ",", ","})) +
               one_of<10>(random, {"", "", "", "", "= ", "< ", ">= ", "!= ", "true ", "false "}) + number() +
               (generate::chance(random, 20) ? ".." + number() : "");
  }
  return words + "; ";
}

std::string some_route(Random& random) {
  std::string words;
  for (std::uint32_t left = generate::number(random, 0, 3); left > 0; --left)
    words += some_component(random);
  if (!words.empty() && generate::chance(random, 20)) // one byte gone, or something else
    words.replace(generate::number(random, 0, static_cast<std::uint32_t>(words.size()) - 1), 1,
                  generate::chance(random, 50) ? "" : one_of<6>(random, {"  ", ";;", "0", "{", "}", "x"}));
  return std::string(generate::chance(random, 50) ? "route flow4 { " : "route flow6 { ") + words +
         (generate::chance(random, 80) ? "};\n" : "} { bgp_med = 1; };\n");
}

} // namespace

TEST_CASE("lint finds nothing in what is written for FRR") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  std::string all;
  for (int left = 3000; left > 0; --left) {
    const Route route{takeable_entry(random), "a rule"};
    const std::string config = bird_config(std::span(&route, 1), {}, {});
    const Linted one = linted(config);
    CHECK(one.findings == "");
    CHECK(one.code == 0);
    all += config;
  }
  // Beside each other, routes can be lost. Nothing else.
  std::istringstream lines(linted(all).findings);
  for (std::string line; std::getline(lines, line);)
    CHECK(line.find(": lost: ") != std::string::npos);
}

TEST_CASE("lint finds the one thing that is wrong") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  struct Wrong {
    std::optional<ValueSet> Components::*component;
    const char* words;
    const char* kind;
  };
  const std::array<Wrong, 11> table{{
      {&Components::destination_port, "dport != 5;", "reset"},
      {&Components::destination_port, "dport 1 || true 0;", "reset"},
      {&Components::source_port, "sport 1,2,3,4,5,6;", "reset"},
      {&Components::source_port, "sport 1..2,4..5,7..8;", "reset"},
      {&Components::packet_length, "length > 3 && != 10;", "reset"},
      {&Components::dscp, "dscp false 1;", "misread"},
      {&Components::port, "port 90..80;", "misread"},
      {&Components::port, "port = 80, 443;", "refused-by-bird"},
      {&Components::icmp_type, "icmp type 256;", "refused-by-bird"},
      {&Components::icmp_code, "icmp code (1 + 1);", "unknown"},
      {&Components::protocol, "proto UDP;", "unknown"},
  }};
  for (int left = 200; left > 0; --left) {
    const Entry entry = takeable_entry(random);
    for (const auto& [component, words, kind] : table) {
      const std::string text = with_words(entry, component, words);
      INFO(text);
      const Linted found = linted(text);
      CHECK(found.code == 1);
      CHECK(found.findings.starts_with(std::string("f:1: ") + kind + ": "));
      CHECK(found.findings.find('\n') == found.findings.size() - 1);
    }
  }
}

TEST_CASE("lint refuses what BIRD refuses") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("flowspec-lint-" + std::to_string(getpid()) + ".conf");
  int refused = 0;
  for (int left = 300; left > 0; --left) {
    const std::string route = some_route(random);
    const std::string version = route.substr(10, 1);
    const std::string text =
        "router id 192.0.2.1;\nflow4 table t4;\nflow6 table t6;\nprotocol static {\n  flow" + version +
        " { table t" + version + "; };\n" + route + "}\n";
    std::ofstream(file, std::ios::binary) << text;
    const Finished bird = run({"bird", "-p", "-c", file.string()});
    INFO(route << bird.err);
    std::string findings;
    try {
      findings = linted(text).findings;
    } catch (const Error& error) {
      findings = ": refused-by-bird: ";
    }
    const bool not_told =
        findings.find(": unknown: ") != std::string::npos || findings.find("garbles") != std::string::npos;
    if (!not_told)
      CHECK((findings.find(": refused-by-bird: ") != std::string::npos) == (bird.exit_code != 0));
    refused += bird.exit_code != 0;
  }
  std::filesystem::remove(file);
  CHECK(refused > 50);
  CHECK(refused < 250);
}

TEST_CASE("lint takes any bytes") {
  Random random(generate::seed());
  INFO("seed " << generate::seed());
  const std::string words = "route flow4 { dst 10.0.0.0/8 offset ; dport = != 80,443 .. 90 && || ( ) } { "
                            "define X = include \"a\" flow6 "
                            "tcp flags ! 0x2/0x2 # /* */ 'y' 2001:db8:: \n ; };";
  for (int left = 5000; left > 0; --left) {
    std::string text;
    for (std::uint32_t bytes = generate::number(random, 0, 200); bytes > 0; --bytes)
      if (generate::chance(random, 5))
        text += static_cast<char>(generate::number(random, 0, 255));
      else
        text += words.substr(generate::number(random, 0, static_cast<std::uint32_t>(words.size()) - 1),
                             generate::number(random, 1, 12));
    try {
      const Linted found = linted(text);
      CHECK((found.code == 0) == found.findings.empty());
    } catch (const Error& error) {
      CHECK(std::string(error.what()).starts_with("f:"));
    }
  }
}
