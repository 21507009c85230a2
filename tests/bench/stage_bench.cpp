// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each stage between FRR's text and the kernel's bytes costs, for sets of routes of several kinds and
// sizes. Nothing here asks the kernel.
//
//     cmake --build --preset release --target stage_bench && build/release/tests/bench/stage_bench
//
// A name is STAGE/SET/ROUTES: --benchmark_filter=arrange.*/hosts/100000 measures one of them.
#include "common/policy.hpp"
#include "common/precedence.hpp"
#include "common/xtables_codec.hpp"
#include "injector/frr_routes.hpp"
#include "injector/ruleset_diff.hpp"
#include "injector/wanted.hpp"
#include "tests/bench/fastest.hpp"
#include "tests/bench/route_sets.hpp"
#include "tests/support/files.hpp"
#include "tests/support/frr_text.hpp"

#include <fmt/format.h>

#include <benchmark/benchmark.h>

#include <array>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace flowspec;
using bench::RouteSet;

constexpr std::array<std::uint32_t, 3> sizes{1000, 10'000, 100'000};
constexpr std::array families{Family::ipv4};

/// How the lists of entries are laid out: a stage "arrange-NAME" for each.
struct Arranged {
  std::string_view name;
  CompileOptions options;
};

std::vector<Arranged> layouts() {
  CompileOptions linear;
  linear.layout = flowspec::Layout::linear;
  CompileOptions tree;
  tree.layout = flowspec::Layout::tree;
  return {{"linear", linear}, {"tree", tree}};
}

void ensure(bool condition, const char* otherwise) {
  if (!condition)
    throw std::logic_error(otherwise);
}

Policy example_policy() {
  const std::string file = "../../examples/policy.json";
  return parse_policy(test_data(file), file, nullptr);
}

/// What the stages begin with; each is made when it is first asked for.
class Material {
 public:
  Material(const RouteSet& set, std::uint32_t count) : set_(&set), count_(count) {}

  bool is_of(const RouteSet& set, std::uint32_t count) const { return set_ == &set && count_ == count; }

  const std::string& text() {
    if (text_.empty())
      text_ = test::frr_text(bench::routes_of(*set_, count_), SequenceCarrier());
    return text_;
  }

  /// As they were read, in FRR's order.
  const std::vector<Entry>& entries() {
    if (entries_.empty()) {
      entries_ = read_frr_routes(text(), Family::ipv4, {}).entries;
      ensure(entries_.size() == count_, "not every route was read");
    }
    return entries_;
  }

  const std::vector<Rule>& rules() {
    if (rules_.empty())
      for (const Entry& entry : entries()) {
        auto compiled = std::get<Compiled>(compile(entry, {}));
        std::move(compiled.rules.begin(), compiled.rules.end(), std::back_inserter(rules_));
      }
    return rules_;
  }

  const Ruleset& ruleset() {
    if (ruleset_.chains.empty())
      ruleset_ = ruleset_of(entries());
    return ruleset_;
  }

  /// With another action for the route in the middle.
  const Ruleset& changed() {
    if (changed_.chains.empty()) {
      std::vector<Entry> other = entries();
      std::optional<double>& rate = other.at(count_ / 2).actions.rate;
      rate = rate ? std::nullopt : std::optional(0.0);
      changed_ = ruleset_of(std::move(other));
    }
    return changed_;
  }

 private:
  Ruleset ruleset_of(std::vector<Entry> entries) const {
    Wanted wanted = arrange(std::move(entries), families, {});
    ensure(wanted.installed.size() == count_, "not every route has rules");
    return {Family::ipv4, "filter", std::move(wanted.tables.at(0).chains)};
  }

  const RouteSet* set_;
  std::uint32_t count_;
  std::string text_;
  std::vector<Entry> entries_;
  std::vector<Rule> rules_;
  Ruleset ruleset_;
  Ruleset changed_;
};

/// Only the last is kept: the stages of one set and size stand together.
Material& material(const RouteSet& set, std::uint32_t count) {
  static std::optional<Material> last;
  if (!last || !last->is_of(set, count))
    last.emplace(set, count);
  return *last;
}

/// Measures `run` on what `prepare` gives, without the time that this takes, nor that to destroy the result.
template <class Prepare, class Run>
void measure(benchmark::State& state, Prepare prepare, Run run) {
  for (auto _ : state) {
    state.PauseTiming();
    {
      auto input = prepare();
      state.ResumeTiming();
      auto result = run(input);
      benchmark::DoNotOptimize(result);
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
}

struct Stage {
  std::string name;
  std::function<void(benchmark::State&, Material&)> run;
};

Stage arranging(const Arranged& layout) {
  return {fmt::format("arrange-{}", layout.name),
          [options = layout.options](benchmark::State& state, Material& of) {
            measure(
                state, [&] { return of.entries(); },
                [&](std::vector<Entry>& entries) { return arrange(std::move(entries), families, options); });
          }};
}

void apply_policy(benchmark::State& state, Material& of) {
  const Policy policy = example_policy();
  measure(
      state, [&] { return of.entries(); },
      [&](std::vector<Entry>& entries) {
        std::size_t accepted = 0;
        for (Entry& entry : entries)
          accepted += static_cast<std::size_t>(apply(policy, entry).accepted);
        return accepted;
      });
}

void compile_each(benchmark::State& state, Material& of) {
  const CompileOptions options;
  for (const Entry& entry : of.entries())
    ensure(std::holds_alternative<Compiled>(compile(entry, options)), "a route has no rules");
  for (auto _ : state)
    for (const Entry& entry : of.entries()) {
      auto compiled = compile(entry, options);
      benchmark::DoNotOptimize(compiled);
    }
}

void difference(benchmark::State& state, const Ruleset& current, const Ruleset& desired, bool some) {
  for (auto _ : state) {
    std::vector<Edit> edits = diff(current, desired);
    ensure(edits.empty() != some, "another difference than was made");
    benchmark::DoNotOptimize(edits);
  }
}

std::vector<Stage> stages() {
  std::vector<Stage> all{
      {"parse",
       [](benchmark::State& state, Material& of) {
         measure(
             state, [&] { return &of.text(); },
             [](const std::string* text) { return read_frr_routes(*text, Family::ipv4, {}); });
       }},
      {"policy", apply_policy},
      {"order",
       [](benchmark::State& state, Material& of) {
         measure(
             state, [&] { return of.entries(); },
             [](std::vector<Entry>& entries) {
               sort_by_precedence(entries);
               return entries.size();
             });
       }},
      {"compile", compile_each}};
  for (const Arranged& layout : layouts())
    all.push_back(arranging(layout));
  all.push_back({"diff-unchanged", [](benchmark::State& state, Material& of) {
                   const Ruleset same = of.ruleset(); // as one that was read
                   difference(state, same, of.ruleset(), false);
                 }});
  all.push_back({"diff-one-route", [](benchmark::State& state, Material& of) {
                   difference(state, of.ruleset(), of.changed(), true);
                 }});
  all.push_back({"encode", [](benchmark::State& state, Material& of) {
                   std::vector<std::byte> bytes;
                   const std::vector<Rule>& rules = of.rules();
                   for (auto _ : state)
                     for (const Rule& rule : rules) {
                       bytes.clear();
                       encode_into(bytes, rule, Family::ipv4);
                       benchmark::DoNotOptimize(bytes.data());
                     }
                 }});
  all.push_back({"encode-apart", [](benchmark::State& state, Material& of) {
                   const std::vector<Rule>& rules = of.rules();
                   for (auto _ : state)
                     for (const Rule& rule : rules) {
                       auto bytes = encode(rule, Family::ipv4);
                       benchmark::DoNotOptimize(bytes);
                     }
                 }});
  return all;
}

/// What a stage is held against.
struct Comparison {
  std::string stage;
  std::string other;
  std::string_view words; ///< what the other is
};

std::vector<Comparison> comparisons() {
  std::vector<Comparison> all{{"policy", "parse", "reading the same routes"},
                              {"diff-one-route", "diff-unchanged", "finding no difference"},
                              {"encode", "encode-apart", "a buffer of its own for each rule"}};
  for (const Arranged& layout : layouts()) {
    const std::string stage = fmt::format("arrange-{}", layout.name);
    all.push_back({stage, "parse", "reading the same routes"});
    if (layout.name != "linear")
      all.push_back({stage, "arrange-linear", "one list"});
  }
  return all;
}

std::string name_of(std::string_view stage, const RouteSet& set, std::uint32_t count) {
  return fmt::format("{}/{}/{}", stage, set.name, count);
}

template <class Each>
void for_each_size(Each each) {
  for (const RouteSet& set : bench::route_sets())
    for (const std::uint32_t count : sizes)
      each(set, count);
}

void print_ratios(const bench::Fastest& fastest) {
  for_each_size([&](const RouteSet& set, std::uint32_t count) {
    for (const Comparison& comparison : comparisons()) {
      const auto own = fastest.of(name_of(comparison.stage, set, count));
      const auto other = fastest.of(name_of(comparison.other, set, count));
      if (own && other)
        fmt::print("{:32} {:8.3f} of {} ({})\n", name_of(comparison.stage, set, count), *own / *other,
                   comparison.other, comparison.words);
    }
  });
}

} // namespace

int main(int argc, char** argv) try {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  for_each_size([](const RouteSet& set, std::uint32_t count) {
    for (const Stage& stage : stages())
      benchmark::RegisterBenchmark(name_of(stage.name, set, count).c_str(), [run = stage.run, &set,
                                                                             count](benchmark::State& state) {
        run(state, material(set, count));
      })->Unit(benchmark::kMillisecond);
  });
  bench::Fastest fastest;
  benchmark::RunSpecifiedBenchmarks(&fastest);
  print_ratios(fastest);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "stage_bench: {}\n", error.what());
  return 1;
}
