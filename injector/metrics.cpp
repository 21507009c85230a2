// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/metrics.hpp"

#include "injector/exposition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

// What is known to be counted exists from the start, as 0: what does not exist cannot rise.
constexpr std::string_view tables[] = {"filter", "mangle", "IPv6 filter", "IPv6 mangle"};
constexpr std::string_view tamperings[] = {"chain-gone", "jump-gone", "jump-moved", "rules-changed"};

void write_one(Exposition& out, const Gauge& gauge, const std::string& value) {
  out.metric(gauge.name, "gauge", gauge.help);
  out.sample("", value);
}

void write_state(Exposition& out, const State& state, const MetricsOptions& options) {
  out.metric("flowspec_build_info", "gauge", "1, with the version of flowspec-injector.");
  out.sample(label_list({{"version", options.version}}), "1");
  write_one(out, {"flowspec_last_pass_timestamp_seconds", "When the last pass ended; 0: never."},
            std::to_string(state.last_pass));
  write_one(
      out,
      {"flowspec_last_success_timestamp_seconds", "When the last pass without a failure ended; 0: never."},
      std::to_string(state.last_success));
  write_one(
      out, {"flowspec_last_pass_success", "1 when the last pass had no failure, 0 when it had, or none was."},
      state.last_pass != 0 && state.last_failure.empty() ? "1" : "0");
  write_one(out, {"flowspec_routes_limit", "How many routes of one family may be shown: --max-routes."},
            std::to_string(options.max_routes));
}

/// `common` is what every sample begins with, and so no gauge may have it.
void write_measured(Exposition& out, const std::map<std::string, double>& gauges, const std::string& common) {
  for (const Gauge& gauge : measured_gauges()) {
    out.metric(gauge.name, "gauge", gauge.help);
    const std::string begin = fmt::format("{}{{", gauge.name);
    for (auto at = gauges.lower_bound(begin); at != gauges.end() && at->first.starts_with(begin); ++at) {
      const std::string_view labels = std::string_view(at->first).substr(begin.size());
      const std::string_view list = labels.substr(0, labels.size() - (labels.ends_with('}') ? 1 : 0));
      if (list.size() < labels.size() && is_label_list(fmt::format("{},{}", common, list)))
        out.sample(list, sample_value(at->second));
    }
  }
}

using Counts = std::map<std::string, std::uint64_t>;

template <class Known>
Counts with_zeros(Counts counts, const Known& known) {
  for (const std::string_view each : known)
    counts.try_emplace(std::string(each));
  return counts;
}

void write_counts(Exposition& out, std::string_view label, const Counts& counts) {
  for (const auto& [value, count] : counts)
    out.sample(label_list({{label, value}}), std::to_string(count));
}

/// Of the table that title() calls so.
Labels table_labels(std::string_view title) {
  constexpr std::string_view ipv6 = "IPv6 ";
  const bool is_ipv6 = title.starts_with(ipv6);
  return {{"family", name(is_ipv6 ? Family::ipv6 : Family::ipv4)},
          {"table", is_ipv6 ? title.substr(ipv6.size()) : title}};
}

void write_totals(Exposition& out, const Totals& totals) {
  out.metric("flowspec_passes_total", "counter", "Passes that came to their end, by whether a rule changed.");
  write_counts(out, "result", {{"changed", totals.passes_changed}, {"unchanged", totals.passes_unchanged}});

  out.metric(
      "flowspec_failures_total", "counter",
      "Failures of passes, of both families together or of one, by cause; the rules stayed as they were.");
  Counts failures = totals.failures;
  for (const Cause cause : every_cause)
    failures.try_emplace(std::string(name(cause)));
  write_counts(out, "cause", failures);

  out.metric("flowspec_commits_total", "counter", "Changes of a table in the kernel, each as a whole.");
  for (const auto& [title, count] : with_zeros(totals.commits, tables))
    out.sample(label_list(table_labels(title)), std::to_string(count));

  out.metric("flowspec_tamper_repairs_total", "counter",
             "What somebody else had done to our chains and was put right, by kind.");
  write_counts(out, "kind", with_zeros(totals.repairs, tamperings));

  out.metric("flowspec_lock_waits_total", "counter", "How often somebody else held the xtables lock.");
  out.sample("", std::to_string(totals.lock_waits));
  out.metric("flowspec_lock_wait_seconds_total", "counter", "How long that was waited for.");
  const auto waited = std::max<std::int64_t>(totals.lock_waited.count(), 0);
  out.sample("", fmt::format("{}.{:03}", waited / 1000, waited % 1000));
}

/// At most `most` of `entries`, in their order: those with the most packets.
std::vector<const EntrySample*> busiest(std::span<const EntrySample> entries, std::size_t most) {
  std::vector<const EntrySample*> chosen(entries.size());
  std::transform(entries.begin(), entries.end(), chosen.begin(),
                 [](const EntrySample& entry) { return &entry; });
  if (chosen.size() <= most)
    return chosen;
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const auto* a, const auto* b) { return a->packets > b->packets; });
  chosen.resize(most);
  std::sort(chosen.begin(), chosen.end()); // they point into one array
  return chosen;
}

void write_entries(Exposition& out, std::span<const EntrySample> entries, std::size_t most) {
  const std::vector<const EntrySample*> chosen = busiest(entries, most);
  const auto write = [&](std::string_view name, std::string_view help, auto count) {
    out.metric(name, "counter", help);
    for (const EntrySample* entry : chosen)
      out.sample(label_list({{"family", flowspec::name(entry->family)},
                             {"id", entry->id},
                             {"sequence", entry->sequence ? std::to_string(*entry->sequence) : ""},
                             {"match", entry->match},
                             {"action", entry->action}}),
                 std::to_string(entry->*count));
  };
  write("flowspec_entry_packets_total", "Packets that met the rules of an entry.", &EntrySample::packets);
  write("flowspec_entry_bytes_total", "Bytes of those packets, with their IP headers.", &EntrySample::bytes);
  write_one(out,
            {"flowspec_entries_without_samples", "Entries with fewer packets, beyond --metrics-per-entry."},
            std::to_string(entries.size() - chosen.size()));
}

} // namespace

std::string metrics_text(const State& state, std::span<const EntrySample> entries,
                         const MetricsOptions& options) {
  const std::string common = label_list({{"chain", options.chain}});
  Exposition out(common);
  write_state(out, state, options);
  write_measured(out, state.gauges, common);
  write_totals(out, state.totals);
  if (options.per_entry > 0)
    write_entries(out, entries, options.per_entry);
  return out.text();
}

} // namespace flowspec
