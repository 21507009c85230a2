// SPDX-License-Identifier: GPL-2.0-or-later
//
// One thing that happened, as a line of a log.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowspec {

/// As syslog and journald have them.
enum class Level { debug, info, notice, warning, error };
constexpr Level every_level[] = {Level::debug, Level::info, Level::notice, Level::warning, Level::error};

constexpr std::string_view name(Level level) {
  constexpr std::string_view names[] = {"debug", "info", "notice", "warning", "error"};
  return names[static_cast<unsigned>(level)];
}

struct Event {
  Level level = Level::info;
  std::string name;    ///< stable: "changed", "failed", "recovered", "tampering", "held" ...
  std::string message; ///< a sentence
  std::vector<std::pair<std::string, std::string>> fields; ///< for machines: {"cause", "lock"}
};

using Log = std::function<void(const Event&)>;

} // namespace flowspec
