// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/lint_rules.hpp"

#include "common/entry.hpp"
#include "common/numeric_tests.hpp"
#include "fetcher/frr_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <compare>
#include <utility>

namespace flowspec {

namespace {

using namespace flow_operator;

/// Largest value of component N at N - 1; 0 for what has no numbers.
constexpr std::array<std::uint32_t, 13> largest{0,
                                                0,
                                                domain::protocol,
                                                domain::port,
                                                domain::port,
                                                domain::port,
                                                domain::icmp,
                                                domain::icmp,
                                                0,
                                                domain::packet_length,
                                                domain::dscp,
                                                0,
                                                domain::flow_label};

std::string_view word(const FlowComponent& component) {
  return flow_words[component.type - 1U];
}

bool both_ways(const FlowPair& pair) {
  return (pair.op & (less | greater)) == (less | greater);
}

std::vector<NumericTest> numeric_tests(const FlowComponent& component) {
  std::vector<NumericTest> tests;
  for (const FlowPair& pair : component.pairs)
    tests.push_back({.less = (pair.op & less) != 0,
                     .greater = (pair.op & greater) != 0,
                     .equal = (pair.op & equal) != 0,
                     .value = *pair.value});
  return tests;
}

/// What the pairs say, AND before OR.
ValueSet meaning(const FlowComponent& component, const std::vector<NumericTest>& tests, std::uint32_t max) {
  ValueSet united(max);
  ValueSet group = ValueSet::all(max);
  for (std::size_t index = 0; index < tests.size(); ++index) {
    if (index > 0 && (component.pairs[index].op & and_with_previous) == 0) {
      united = united | group;
      group = ValueSet::all(max);
    }
    group = group & values_of(tests[index], max, OperatorTable::rfc8955);
  }
  return united | group;
}

/// As FRR prints them, without the space at the end.
std::string shown(const std::vector<NumericTest>& tests) {
  std::string text;
  for (const NumericTest& test : tests)
    text += fmt::format("{}{}{}{} {}", text.empty() ? "" : " , ", test.less ? "<" : "",
                        test.greater ? ">" : "", test.equal ? "=" : "", test.value);
  return text;
}

class Judge {
 public:
  explicit Judge(const BirdFlow& flow) : flow_(flow) {}

  std::vector<Complaint> complaints() {
    if (flow_.components.empty())
      reset("it has no component");
    for (const FlowComponent& component : flow_.components) {
      if (component.type <= flow_type::source) {
        judge_prefix(component);
        continue;
      }
      judge_length(component);
      if (!component.is_bitmask())
        judge_numbers(component);
    }
    if (const auto nlri = announced_nlri(flow_); nlri && nlri->size() > frr::most_bytes)
      reset(fmt::format("it has {} bytes; FRR before 7.4 takes {}", nlri->size(), frr::most_bytes));
    return std::move(complaints_);
  }

 private:
  void reset(std::string reason) { complaints_.push_back({LintKind::reset, std::move(reason)}); }
  void misread(std::string reason) { complaints_.push_back({LintKind::misread, std::move(reason)}); }

  /// FRR reads as many octets as the prefix is long, RFC 8956 section 3.1 leaves out those before the offset.
  void judge_prefix(const FlowComponent& component) {
    if (!component.prefix || component.prefix->offset == 0)
      return;
    const unsigned length = component.prefix->length;
    const unsigned offset = component.prefix->offset;
    const unsigned wanted = (length + 7) / 8;
    const unsigned sent = (length - offset + 7) / 8;
    if (wanted != sent)
      reset(fmt::format("{} with offset {}: FRR reads {} bytes of the prefix where RFC 8956 has {}",
                        word(component), offset, wanted, sent));
    else
      misread(fmt::format("{} with offset {}: FRR takes what is sent for a prefix that begins at bit 0",
                          word(component), offset));
  }

  void judge_length(const FlowComponent& component) {
    const std::size_t count = component.pairs.size();
    if (count > frr::most_pairs)
      reset(fmt::format("{} has {} values, of which {}; FRR takes {}", word(component), count,
                        component.is_bitmask() ? "one V/M is up to two" : "a range is two", frr::most_pairs));
  }

  void judge_numbers(const FlowComponent& component) {
    const auto bad = std::ranges::find_if(component.pairs, both_ways);
    if (bad != component.pairs.end())
      reset(fmt::format("{} has \"{}\", which FRR does not take", word(component),
                        (bad->op & equal) != 0 ? "true" : "!="));
    if (bad != component.pairs.end() || component.pairs.size() > frr::most_pairs || !component.told())
      return;
    const auto beyond = std::ranges::find_if(
        component.pairs, [](const FlowPair& pair) { return announced_value(*pair.value) != *pair.value; });
    if (beyond != component.pairs.end())
      misread(fmt::format("{} {}: BIRD announces it as {}", word(component), *beyond->value,
                          announced_value(*beyond->value)));
    else
      judge_reading(component);
  }

  void judge_reading(const FlowComponent& component) {
    const std::uint32_t max = largest[component.type - 1U];
    const std::vector<NumericTest> tests = numeric_tests(component);
    if (std::ranges::any_of(component.pairs,
                            [](const FlowPair& pair) { return (pair.op & (less | greater | equal)) == 0; }))
      misread(fmt::format("{} has \"false\", which FRR shows as a value without an operator (\"{}\")",
                          word(component), shown(tests)));
    const std::optional<ValueSet> reading = unique_useful_reading(tests, max);
    if (!reading)
      misread(fmt::format("{}: FRR shows \"{}\" and hides which of these are joined by AND", word(component),
                          shown(tests)));
    else if (const ValueSet meant = meaning(component, tests, max); *reading != meant)
      misread(fmt::format("{}: FRR shows \"{}\", which reads as {} and is meant as {}", word(component),
                          shown(tests), to_string(*reading), to_string(meant)));
  }

  const BirdFlow& flow_;
  std::vector<Complaint> complaints_;
};

/// The bytes of a route, and which one it is.
struct Bytes {
  Family family{};
  std::vector<std::uint8_t> nlri;
  std::size_t index = 0;

  /// In such an order every route stands behind those that it begins with.
  auto operator<=>(const Bytes&) const = default;
  bool begins(const Bytes& other) const {
    return family == other.family && nlri.size() <= other.nlri.size() &&
           std::equal(nlri.begin(), nlri.end(), other.nlri.begin());
  }
};

std::vector<Bytes> sorted_bytes(std::span<const Announced> routes) {
  std::vector<Bytes> all;
  for (std::size_t index = 0; index < routes.size(); ++index)
    if (const auto& flow = routes[index].flow; flow && !flow->components.empty())
      if (auto nlri = announced_nlri(*flow))
        all.push_back({flow->family, std::move(*nlri), index});
  std::ranges::sort(all);
  return all;
}

} // namespace

std::vector<Complaint> complaints_of_frr(const BirdFlow& flow) {
  return Judge(flow).complaints();
}

std::vector<std::vector<Complaint>> complaints_of_frr(std::span<const Announced> routes) {
  std::vector<std::vector<Complaint>> complaints;
  for (const Announced& route : routes)
    complaints.push_back(route.flow ? complaints_of_frr(*route.flow) : std::vector<Complaint>{});

  const std::vector<Bytes> all = sorted_bytes(routes);
  std::vector<const Bytes*> beginnings; // of the one at hand, each of the next
  for (const Bytes& one : all) {
    while (!beginnings.empty() && !beginnings.back()->begins(one))
      beginnings.pop_back();
    const Bytes* const other = beginnings.empty() ? nullptr : beginnings.back();
    const bool same = other != nullptr && other->nlri == one.nlri;
    const auto lost = [&](std::string reason) {
      complaints[one.index].push_back({LintKind::lost, std::move(reason)});
    };
    if (same)
      lost(fmt::format("it is the same as {}: BIRD keeps the first", routes[other->index].place));
    else if (other != nullptr)
      lost(fmt::format("its bytes begin with those of {}: FRR 10.7 keeps one of the two",
                       routes[other->index].place));
    if (!same)
      beginnings.push_back(&one);
  }
  return complaints;
}

} // namespace flowspec
