// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/rule_text.hpp"
#include "fetcher/publication.hpp"
#include "fetcher/save_text.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flowspec;

namespace {

std::string saved(const Ruleset& ruleset) {
  std::string text = "*filter\n";
  for (const Chain& chain : ruleset.chains)
    text += ":" + chain.name + " " + (chain.policy ? std::string(name(*chain.policy)) : "-") + " [0:0]\n";
  for (const Chain& chain : ruleset.chains)
    for (const Rule& rule : chain.rules)
      text += "-A " + chain.name + " " + to_string(rule, ruleset.family) + "\n";
  return text + "COMMIT\n";
}

Ruleset random_ruleset(generate::Random& random, Family family) {
  Ruleset ruleset;
  ruleset.family = family;
  ruleset.chains = {{"FORWARD", Verdict::drop, {}}, {"mine", std::nullopt, {}}};
  for (std::uint32_t left = generate::number(random, 0, 5); left > 0; --left) {
    Rule rule = generate::rule(random, family);
    if (generate::chance(random, 10))
      rule.target = Jump{"mine", generate::chance(random, 50)};
    ruleset.chains[generate::chance(random, 70) ? 0 : 1].rules.push_back(std::move(rule));
  }
  return ruleset;
}

/// Text that no iptables printed may be refused; it may do nothing else that is bad.
void read_and_publish(const std::string& text, Family family) {
  try {
    publish(parse_save(text, family), "FORWARD", [](std::string_view, std::size_t) { return ""; });
  } catch (const Error&) {
  }
}

} // namespace

TEST_CASE("parse_save is the inverse of to_string") {
  generate::Random random(generate::seed());
  INFO("seed " << generate::seed());
  for (int i = 0; i < 3000; ++i) {
    const Family family = generate::chance(random, 70) ? Family::ipv4 : Family::ipv6;
    const Ruleset ruleset = random_ruleset(random, family);
    const std::string text = saved(ruleset);
    INFO(text);
    REQUIRE(parse_save(text, family) == ruleset);
  }
}

TEST_CASE("no bytes make parse_save do anything but read or throw Error") {
  generate::Random random(generate::seed());
  INFO("seed " << generate::seed());
  for (int i = 0; i < 3000; ++i) {
    const Family family = generate::chance(random, 70) ? Family::ipv4 : Family::ipv6;
    std::string text = saved(random_ruleset(random, family));
    const auto place = [&] {
      return generate::number(random, 0, static_cast<std::uint32_t>(text.size() - 1));
    };
    for (std::uint32_t left = generate::number(random, 1, 8); left > 0; --left) {
      const std::uint32_t kind = generate::number(random, 0, 3);
      const std::size_t at = place();
      if (kind == 0)
        text[at] = static_cast<char>(generate::number(random, 0, 255));
      else if (kind == 1)
        text.erase(at, generate::number(random, 1, 20));
      else if (kind == 2)
        text.insert(at, text.substr(place(), generate::number(random, 1, 40)));
      else
        text.insert(at, 1, " \n\"\\!-:,/*#@=&"[generate::number(random, 0, 13)]);
      if (text.empty())
        text = " ";
    }
    read_and_publish(text, family);
  }
  for (int i = 0; i < 500; ++i) {
    std::string text(generate::number(random, 0, 200), '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(generate::number(random, 0, 255)); });
    read_and_publish(text, Family::ipv4);
    read_and_publish("*filter\n:FORWARD DROP [0:0]\n-A FORWARD " + text + "\nCOMMIT\n", Family::ipv4);
  }
}
