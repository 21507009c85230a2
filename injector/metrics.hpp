// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the injector tells Prometheus. All names and labels are stable: alerts and dashboards use them.
#pragma once

#include "injector/gauges.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace flowspec {

/// The kernel's counters of one entry.
struct EntrySample {
  Family family = Family::ipv4;
  std::string id;    ///< stable_id of its match: no two of a family have the same
  std::string match; ///< in words
  std::optional<std::uint64_t> sequence;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::string action; ///< in words: "discard"
};

struct MetricsOptions {
  std::string version;
  /// A label of every sample: two injectors on a host have a chain each, and one node_exporter.
  std::string chain = "FLOWSPEC";
  std::size_t max_routes = 0; ///< of one family: the guard rail, to compare with
  std::size_t per_entry = 0;  ///< so many entries get samples of their own; 0: none, and no word of it
};

/// A whole file for node_exporter's textfile collector. What State::gauges holds under a name that is none
/// here is left out: another version may have written it. When there are more entries than may have samples,
/// those with the most packets get them.
std::string metrics_text(const State& state, std::span<const EntrySample> entries,
                         const MetricsOptions& options);

} // namespace flowspec
