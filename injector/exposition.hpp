// SPDX-License-Identifier: GPL-2.0-or-later
//
// The text that Prometheus reads, format 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowspec {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// `family="ipv4",state="active"`. A value may hold any bytes: what is no UTF-8, and control characters, are
/// written as the text \xNN, but a newline as itself; Prometheus takes no others.
std::string label_list(const Labels& labels);

/// `flowspec_routes{family="ipv4",state="active"}`, and `flowspec_routes` without labels.
std::string sample_name(std::string_view metric, const Labels& labels);

/// True for what label_list writes when no label comes twice.
bool is_label_list(std::string_view text);

/// "12", "0.25", "NaN", "+Inf".
std::string sample_value(double value);

/// Metrics one after the other, each with its samples behind it.
class Exposition {
 public:
  /// Every sample begins with the label list `common`.
  explicit Exposition(std::string common) : common_(std::move(common)) {}

  /// Begins a metric. One that gets no sample is not written at all.
  void metric(std::string_view name, std::string_view type, std::string_view help);
  /// Of the metric that was begun last. `labels` is a label list, or empty.
  void sample(std::string_view labels, std::string_view value);

  const std::string& text() const { return text_; }

 private:
  std::string common_;
  std::string name_;
  std::string head_; ///< HELP and TYPE, until the first sample comes
  std::string text_;
};

} // namespace flowspec
