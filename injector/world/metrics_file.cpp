// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/world/metrics_file.hpp"

#include "common/atomic_file.hpp"
#include "common/error.hpp"
#include "injector/metrics.hpp"
#include "injector/world/commands.hpp"
#include "injector/world/current_status.hpp"

#include <vector>

namespace flowspec {

namespace {

/// None when the kernel cannot be read: the rest, and why, is wanted then more than ever.
std::vector<EntrySample> samples(const Options& options) {
  Status status;
  try {
    status = current_status(options);
  } catch (const Error&) {
    return {};
  }
  std::vector<EntrySample> result;
  for (const StatusEntry& entry : status.entries)
    if (entry.entry)
      result.push_back({entry.family, entry.id, to_string(entry.entry->match), entry.sequence,
                        entry.hits.decided.packets, entry.hits.decided.bytes,
                        to_string(entry.entry->actions)});
  return result;
}

} // namespace

void write_metrics_or_throw(const State& state, const Options& options) {
  if (!options.metrics_file)
    return;
  MetricsOptions metrics;
  metrics.version = FLOWSPEC_VERSION;
  metrics.chain = options.ours.chain;
  metrics.max_routes = options.hold.max_routes;
  metrics.per_entry = options.metrics_per_entry;
  const std::vector<EntrySample> entries =
      options.metrics_per_entry == 0 ? std::vector<EntrySample>() : samples(options);
  write_file_if_changed(*options.metrics_file, metrics_text(state, entries, metrics),
                        {.keep_owner = false, .durable = false, .mode = 0644});
}

void write_metrics(const State& state, const Options& options) {
  try {
    write_metrics_or_throw(state, options);
  } catch (const Error& error) {
    say(error.what());
  }
}

} // namespace flowspec
