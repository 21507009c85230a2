// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a policy costs: 50 terms over 100,000 routes, against reading the same routes from FRR's text in the
// same run. Exit code 1 when it is more than half of that.
//
//     cmake --build --preset release --target policy_bench && build/release/tests/bench/policy_bench
#include "common/policy.hpp"
#include "injector/frr_routes.hpp"
#include "tests/bench/fastest.hpp"
#include "tests/support/frr_text.hpp"

#include <fmt/format.h>

#include <benchmark/benchmark.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace flowspec;

constexpr std::uint32_t route_count = 100'000;
constexpr std::uint32_t term_count = 50;
constexpr double most_of_reading = 0.5;

Prefix prefix_of(std::uint32_t address, unsigned length) {
  Address result;
  for (unsigned byte = 0; byte < 4; ++byte)
    result.bytes[byte] = static_cast<std::uint8_t>(address >> (24 - 8 * byte));
  return Prefix::masked(result, length);
}

/// Hosts in 10.0.0.0/8, most with a protocol and a port, some with a source and a rate: as a segmentation
/// has them.
std::vector<Entry> routes() {
  std::vector<Entry> result;
  for (std::uint32_t number = 0; number < route_count; ++number) {
    Entry entry;
    entry.match.destination = prefix_of(0x0a000000 + number * 64, 32);
    if (number % 3 == 0)
      entry.match.source = prefix_of(0xac100000 + number % 4096 * 256, 24);
    if (number % 4 != 0) {
      entry.match.protocol = ValueSet::single(domain::protocol, number % 2 == 0 ? 6 : 17);
      entry.match.destination_port = ValueSet::single(domain::port, 1024 + number % 5000);
    }
    if (number % 5 < 3)
      entry.actions.rate = number % 5 == 0 ? 0 : 1e6 + number;
    entry.sequence = number % 1000;
    entry.route_targets = {fmt::format("65000:{}", number % 40)};
    result.push_back(std::move(entry));
  }
  return result;
}

std::string routes_text() {
  return test::frr_text(routes(), SequenceCarrier());
}

/// A condition of each kind in turn. Few routes meet one, so that nearly all are asked all of the terms.
std::string match_text(std::uint32_t number) {
  switch (number % 10) {
  case 0:
    return R"("destination": {"within": ["@elsewhere"]})";
  case 1:
    return R"("source": {"overlapping": ["@elsewhere"]}, "components": ["source"])";
  case 2:
    return fmt::format(R"("destination_port": [{}, "{}-{}"])", number, 60000 + number, 60010 + number);
  case 3:
    return fmt::format(R"("protocol": ["udp"], "source_port": {{"within": [53, 123, {}]}})", 1000 + number);
  case 4:
    return fmt::format(R"("communities": ["FS:marking {}", "65001:{}"])", number, number);
  case 5:
    return fmt::format(R"("route_targets": ["65000:{}", "65002:{}"])", 100 + number, number);
  case 6:
    return fmt::format(R"("rate": {{"above": 0, "below": {}}})", 1'000'000 + number * 20);
  case 7:
    return R"("components": {"absent": ["destination"]}, "actions": ["discard"])";
  case 8:
    return fmt::format(R"("sequence": {{"min": {}}})", 2000 + number);
  default:
    return R"("family": "ipv4", "destination": {"overlapping": ["@elsewhere"], "length": {"min": 8}})";
  }
}

Policy policy() {
  std::string text = R"({"prefix_lists": {"elsewhere": [)";
  for (unsigned number = 0; number < 1000; ++number)
    text += fmt::format(R"({}"{}.{}.{}.0/24")", number == 0 ? "" : ", ", 9 + number % 3 * 2, number % 250,
                        number / 5);
  text += R"(]}, "terms": [)";
  for (std::uint32_t number = 0; number < term_count; ++number)
    text +=
        fmt::format(R"({}{{"name": "t{}", "match": {{{}}}, "then": {}}})", number == 0 ? "" : ", ", number,
                    match_text(number), number % 10 == 6 ? R"({"set": {"rate": 2000000}})" : R"("reject")");
  return parse_policy(text + R"(], "default": "accept"})", "bench", nullptr);
}

void read_routes(benchmark::State& state) {
  const std::string text = routes_text();
  for (auto _ : state) {
    RoutesRead read = read_frr_routes(text, Family::ipv4, {});
    if (read.entries.size() != route_count)
      throw std::logic_error("not every route was read");
    benchmark::DoNotOptimize(read);
  }
}
BENCHMARK(read_routes)->Unit(benchmark::kMillisecond);

void apply_policy(benchmark::State& state) {
  const Policy terms = policy();
  const std::vector<Entry> read = read_frr_routes(routes_text(), Family::ipv4, {}).entries;
  std::size_t by_default = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Entry> entries = read; // as announced
    by_default = 0;
    state.ResumeTiming();
    for (Entry& entry : entries)
      by_default += static_cast<std::size_t>(!apply(terms, entry).term);
    benchmark::DoNotOptimize(entries);
    state.PauseTiming();
    entries.clear();
    state.ResumeTiming();
  }
  state.counters["asked_every_term"] = static_cast<double>(by_default);
}
BENCHMARK(apply_policy)->Unit(benchmark::kMillisecond);

double seconds(const bench::Fastest& fastest, const std::string& name) {
  const std::optional<double> found = fastest.of(name);
  if (!found)
    throw std::runtime_error(name + " was not measured");
  return *found;
}

} // namespace

int main(int argc, char** argv) try {
  benchmark::Initialize(&argc, argv);
  bench::Fastest fastest;
  benchmark::RunSpecifiedBenchmarks(&fastest);
  const double ratio = seconds(fastest, "apply_policy") / seconds(fastest, "read_routes");
  fmt::print("{} terms cost {:.2f} of what reading {} routes costs; at most {} is asked for\n", term_count,
             ratio, route_count, most_of_reading);
  return ratio <= most_of_reading ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "policy_bench: {}\n", error.what());
  return 1;
}
