// SPDX-License-Identifier: GPL-2.0-or-later
//
// `flowspec-fetcher generate`: firewall rules in, BIRD configuration out.
#pragma once

#include "common/rule.hpp"
#include "common/sequence_carrier.hpp"
#include "fetcher/bird_config.hpp"

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

namespace exit_code {
constexpr int done = 0;
constexpr int failed = 1;   ///< nothing was changed
constexpr int usage = 2;    ///< the command line makes no sense
constexpr int left_out = 3; ///< done, but --strict was given and something was left out
} // namespace exit_code

struct GenerateOptions {
  std::optional<std::string> rules;  ///< a file in iptables-save format, or "-"; none: the running kernel
  std::optional<std::string> output; ///< none: standard output
  SequenceCarrier sequence;
  BirdNames names;
  bool skip_unsupported = false;
  bool json = false;
  bool strict = false;

  bool operator==(const GenerateOptions&) const = default;
};

/// What generate does to the world; each throws Error when it cannot.
struct GenerateEffects {
  std::function<std::string(const std::string& path)> read_file;
  std::function<Ruleset()> read_kernel; ///< the filter table
  /// Returns true when the file changed.
  std::function<bool(const std::string& path, std::string_view content)> write_file;
};

/// Publishes FORWARD. Results go to `out`, words for a person to `err`. Returns the exit code; throws Error,
/// and UsageError for options that make no sense. With a rule that cannot be published nothing is written,
/// unless options.skip_unsupported.
int generate(const GenerateOptions& options, const GenerateEffects& effects, std::ostream& out,
             std::ostream& err);

} // namespace flowspec
