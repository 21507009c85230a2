// SPDX-License-Identifier: GPL-2.0-or-later
//
// Something that fails again and again, as lines of a log.
#pragma once

#include "common/event.hpp"
#include "injector/pass_outcome.hpp"
#include "injector/repeated.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

/// The lines "failed" and "recovered" of one thing that can fail: a pass, a family, the metrics.
class Trouble {
 public:
  /// `works` is what "recovered" begins with: "passes succeed again".
  explicit Trouble(std::string works) : works_(std::move(works)) {}

  /// `consequence` goes behind the reason: "; the rules stay as they are".
  std::optional<Event> failed(std::optional<Cause> cause, const std::string& why,
                              std::string_view consequence, Instant now);
  std::optional<Event> succeeded(Instant now);

  Instant since() const { return repeated_.since(); }

 private:
  std::string works_;
  Repeated repeated_;
};

} // namespace flowspec
