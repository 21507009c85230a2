// SPDX-License-Identifier: GPL-2.0-or-later
//
// The chains of segments and protected regions: the kernel takes them as they are, and a second pass finds
// nothing to do. What segments leave goes when they do.
#include "common/iptc.hpp"
#include "injector/flush.hpp"
#include "injector/wanted.hpp"
#include "tests/support/legacy.hpp"
#include "tests/support/namespace.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

using namespace flowspec;

namespace {

Entry entry(Family family, unsigned number, std::optional<double> rate, std::vector<std::string> targets) {
  Entry result;
  result.match.family = family;
  Address address{family, {}};
  address.bytes[0] = family == Family::ipv4 ? 10 : 0x20;
  address.bytes[1] = static_cast<std::uint8_t>(number);
  result.match.destination = Prefix::masked(address, 16);
  result.actions.rate = rate;
  result.sequence = number;
  result.route_targets = std::move(targets);
  return result;
}

std::vector<Entry> entries(Family family, bool marks) {
  Entry policy = entry(family, 0, 0, {"65000:2"});
  policy.match.destination = policy.match.source = Prefix::any(family);
  std::vector<Entry> all{policy, entry(family, 1, 0, {"65000:1"}), entry(family, 2, 125000, {}),
                         entry(family, 3, std::nullopt, {"65000:1", "65000:2"}),
                         entry(family, 4, std::nullopt, {"65000:1"})};
  for (std::uint32_t port = 1; port < 40; port += 2) // a chain of its own
    all.push_back(entry(family, 10 + port, 0, {"65000:2"}));
  all.back().match.destination_port = ValueSet(domain::port, {{1, 1}, {5, 9}});
  all.back().actions.rate = 1e6;
  if (marks)
    all.at(4).actions.dscp_mark = 46;
  return all;
}

CompileOptions options_of(Family family, bool shared) {
  CompileOptions options;
  options.segments = {{"tenant-a_01234", {"65000:1"}, {{"FORWARD", "", "swp1"}, {"FORWARD", "", "swp2"}}},
                      {"b", {"65000:2"}, {{"FORWARD", "", "swp+"}, {"INPUT", "eth0", ""}}}};
  if (!shared)
    options.segments[1].parents[0].out_interface = "eth+";
  options.protections = {{entry(family, 2, 0, {}).match.destination, std::nullopt, 1e6},
                         {std::nullopt, entry(family, 3, 0, {}).match.destination, std::nullopt},
                         {Prefix::any(family), entry(family, 9, 0, {}).match.destination, 1000}};
  return options;
}

/// One pass over the kernel's table; the answer is how much there was to do.
std::size_t pass(const WantedTable& wanted) {
  KernelTable table(wanted.family, wanted.table);
  const Changes changes = plan(table.read(), wanted.chains, wanted.hooks, {});
  if (!changes.edits.empty())
    table.commit(changes.edits);
  return changes.edits.size();
}

void require_held(const WantedTable& wanted) {
  const Ruleset held = KernelTable(wanted.family, wanted.table).read();
  for (const Chain& chain : wanted.chains) {
    CAPTURE(chain.name);
    const Chain* found = held.find(chain.name);
    REQUIRE(found != nullptr);
    REQUIRE(*found == chain);
  }
}

} // namespace

TEST_CASE("the kernel takes the chains of segments and gives them back unchanged") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const bool shared = GENERATE(false, true);
  const test::NetworkNamespace network;
  const CompileOptions options = options_of(family, shared);
  check_segments(options);
  const Wanted wanted = arrange(entries(family, !shared), std::array{family}, options);
  REQUIRE(wanted.rejected.empty());
  REQUIRE(wanted.tables.at(1).chains.empty() == shared);
  for (const WantedTable& table : wanted.tables) {
    pass(table);
    require_held(table);
    CHECK(pass(table) == 0);
  }
}

TEST_CASE("the rules are what iptables makes of their text") {
  const Family family = GENERATE(Family::ipv4, Family::ipv6);
  const test::NetworkNamespace network;
  const Wanted wanted = arrange(entries(family, false), std::array{family}, options_of(family, true));
  pass(wanted.tables.at(0));
  std::vector<std::string> saved = test::saved(family, "filter");
  std::string text;
  for (const std::string& line : saved)
    text += line + "\n";
  test::restore(family, text, {"--counters"});
  require_held(wanted.tables.at(0));
  CHECK(test::saved(family, "filter") == saved);
}

TEST_CASE("what segments leave goes with them, and with a flush") {
  const test::NetworkNamespace network;
  const std::vector<std::string> empty = test::saved(Family::ipv4, "filter");
  const CompileOptions options = options_of(Family::ipv4, true);
  const auto chains_like = [](const char* part) {
    const Ruleset held = KernelTable(Family::ipv4, "filter").read();
    return std::ranges::count_if(
        held.chains, [&](const Chain& chain) { return chain.name.find(part) != std::string::npos; });
  };
  pass(arrange(entries(Family::ipv4, false), std::array{Family::ipv4}, options).tables.at(0));
  CHECK(chains_like("FLOWSPEC-INPUT") == 1);
  CHECK(chains_like("FLOWSPEC-tenant-a_01234-G") == 1);
  CHECK(chains_like("-P") > 0);
  pass(arrange(entries(Family::ipv4, false), std::array{Family::ipv4}, {}).tables.at(0));
  CHECK(chains_like("FLOWSPEC-INPUT") == 0);
  CHECK(chains_like("FLOWSPEC-tenant") == 0);
  CHECK(chains_like("-P") == 0);
  pass(arrange(entries(Family::ipv4, false), std::array{Family::ipv4}, options).tables.at(0));
  for (const WantedTable& table : nothing_wanted(options))
    if (table.family == Family::ipv4 && table.table == "filter")
      pass(table);
  CHECK(test::saved(Family::ipv4, "filter") == empty);
}
