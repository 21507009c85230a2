// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kernel oracle: random entries as rules in the running kernel, random packets through them, and what
// becomes of each held against the reference matcher.
#include "common/error.hpp"
#include "tests/packet_oracle/observer.hpp"
#include "tests/packet_oracle/report.hpp"
#include "tests/packet_oracle/tally.hpp"
#include "tests/support/packet_parser.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>

using namespace flowspec;

namespace {

struct Options {
  std::uint64_t packets = 20'000;
  std::uint64_t packets_per_set = 40;
  std::uint64_t sets = 0; ///< 0: as many as the packets need
  std::uint64_t seed = generate::seed();
  std::string family = "both";
  std::optional<std::uint64_t> replay;
  std::uint64_t most_differences = 1;

  std::uint64_t number_of_sets() const {
    if (replay)
      return 1;
    return sets != 0 ? sets : (packets + packets_per_set - 1) / packets_per_set;
  }
  std::uint64_t seed_of_set(std::uint64_t index) const {
    if (replay)
      return *replay;
    const bool v6 = family == "6" || (family == "both" && index % 2 == 1);
    return oracle::seed_of(seed, index, v6 ? Family::ipv6 : Family::ipv4);
  }
};

class Oracle {
 public:
  explicit Oracle(const Options& options) : options_(options) {}

  /// True when it may go on.
  bool run_set(std::uint64_t seed) {
    oracle::RuleSet set = oracle::draw(seed);
    oracle::Observer& observer = observer_of(set);
    const oracle::Installed installed = oracle::install(set);
    observer.rules_changed();
    tally_.add_set(set.entries, installed.rejected);
    for (std::uint64_t number = 0; number < options_.packets_per_set; ++number) {
      const auto& near =
          set.entries[generate::number(set.random, 0, static_cast<std::uint32_t>(set.entries.size() - 1))];
      const test::PacketPlan plan = generate::plan_near(set.random, near.match);
      oracle::Difference packet{number, test::build(plan), {}, {}, {}};
      packet.packet = test::parse(packet.bytes);
      const Decision decision = decide(installed.reference, packet.packet, set.options.stateful);
      packet.wanted = oracle::expected(decision, packet.packet, set.options.accept);
      for (const Entry& entry : installed.never_matching)
        if (matches(entry.match, packet.packet))
          packet.wanted.trouble = "matches an entry that is said to match nothing: " + to_string(entry.match);
      packet.seen = observer.observe(packet.bytes);
      tally_.add(decision, packet.packet, plan, packet.seen.in_mangle);
      if (!agree(packet.wanted, packet.seen) && !report(packet, set, installed))
        return false;
    }
    return true;
  }

  std::uint64_t differences() const { return differences_; }
  const oracle::Tally& tally() const { return tally_; }

 private:
  oracle::Observer& observer_of(const oracle::RuleSet& set) {
    std::unique_ptr<oracle::Observer>& observer = observers_[set.family];
    if (!observer)
      observer = std::make_unique<oracle::Observer>(lab_, set.family, set.options.chain);
    return *observer;
  }

  bool report(const oracle::Difference& difference, const oracle::RuleSet& set,
              const oracle::Installed& installed) {
    fmt::print("{}  again: oracle --replay {} --packets-per-set {}\n\n",
               to_string(difference, set, installed), set.seed, options_.packets_per_set);
    return ++differences_ < options_.most_differences;
  }

  const Options& options_;
  test::ForwardingLab lab_;
  std::map<Family, std::unique_ptr<oracle::Observer>> observers_;
  oracle::Tally tally_;
  std::uint64_t differences_ = 0;
};

/// The exit code.
int run_all(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  fmt::print("seed {}\n", options.replay.value_or(options.seed));
  Oracle oracle(options);
  const std::uint64_t sets = options.number_of_sets();
  for (std::uint64_t index = 0; index < sets && oracle.run_set(options.seed_of_set(index)); ++index)
    if ((index + 1) % 1000 == 0) {
      fmt::print("{} packets, {} differences\n", oracle.tally().packets(), oracle.differences());
      std::fflush(stdout);
    }

  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const std::vector<std::string> hardly_met = oracle.tally().hardly_met();
  for (const std::string& name : hardly_met)
    fmt::print("hardly met: {}\n", name);
  fmt::print("{}; {} differences, {:.0f} s\n", oracle.tally().to_string(), oracle.differences(),
             took.count());
  return oracle.differences() == 0 && (hardly_met.empty() || options.replay) ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Sends random packets through the rules of random flowspec routes in this kernel, within a "
               "network\nnamespace, and compares what becomes of them with the reference matcher. Needs "
               "root.\nExit: 0 no difference; 1 a difference, or something hardly met; 2 usage or "
               "environment.");
  app.add_option("--packets", options.packets, "how many in all")->capture_default_str();
  app.add_option("--packets-per-set", options.packets_per_set, "how many through each set of routes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--sets", options.sets, "how many sets, instead of --packets");
  app.add_option("--seed", options.seed,
                 "another seed gives other sets; the default is $FLOWSPEC_TEST_SEED, or 1")
      ->capture_default_str();
  app.add_option("--family", options.family, "4, 6 or both")
      ->check(CLI::IsMember({"4", "6", "both"}))
      ->capture_default_str();
  app.add_option("--replay", options.replay, "only the set with this seed, as a difference shows it");
  app.add_option("--differences", options.most_differences, "stop at so many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    return run_all(options);
  } catch (const std::exception& e) {
    fmt::print(stderr, "oracle: {}\n", e.what());
    return 2;
  }
}
