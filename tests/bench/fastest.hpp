// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flowspec::bench {

/// Shows what is measured, and keeps the least time that each needed of the processor, in seconds: what else
/// the machine did is in the others.
class Fastest : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration) {
        const double seconds = run.cpu_accumulated_time / static_cast<double>(run.iterations);
        const auto [known, is_new] = seconds_.try_emplace(run.run_name.function_name, seconds);
        known->second = std::min(known->second, seconds);
      }
  }

  /// None for what was not measured.
  std::optional<double> of(const std::string& name) const {
    const auto found = seconds_.find(name);
    return found == seconds_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, double> seconds_;
};

} // namespace flowspec::bench
