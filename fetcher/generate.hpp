// SPDX-License-Identifier: GPL-2.0-or-later
//
// `flowspec-fetcher generate`: firewall rules in, BIRD configuration out.
#pragma once

#include "common/rule.hpp"
#include "common/sequence_carrier.hpp"
#include "fetcher/bird_config.hpp"
#include "fetcher/delivery.hpp"
#include "fetcher/live_rules.hpp"
#include "fetcher/publication.hpp"

#include <chrono>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

namespace flowspec {

namespace exit_code {
constexpr int done = 0;
constexpr int failed = 1;       ///< nothing was changed
constexpr int usage = 2;        ///< the command line or the configuration makes no sense
constexpr int left_out = 3;     ///< done, but --strict was given and something was left out
constexpr int would_change = 4; ///< --check was given, and something would change
} // namespace exit_code

struct GenerateOptions {
  // Where the rules come from: the running kernel, unless a file in iptables-save format is given.
  std::optional<std::string> rules;  ///< IPv4, "-" for standard input
  std::optional<std::string> rules6; ///< IPv6
  std::optional<Family> family;      ///< of the kernel's rules; none: both
  std::chrono::milliseconds lock_wait{10'000};

  PublishOptions publish;
  std::optional<std::string> policy; ///< a file
  SequenceCarrier sequence;
  BirdNames names;

  std::optional<std::string> output;         ///< none: standard output
  DeliveryOptions delivery;                  ///< without its output
  std::chrono::milliseconds timeout{10'000}; ///< for bird and birdc

  bool skip_unsupported = false;
  bool strict = false;
  bool report_every = false;
  bool json = false;

  bool operator==(const GenerateOptions&) const = default;
};

/// Throws UsageError for options that make no sense together.
void check(const GenerateOptions& options);

/// What generate does to the world; each throws Error when it cannot.
struct GenerateEffects {
  std::function<std::string(const std::string& path)> read_file;
  std::function<LiveRules(std::optional<Family> family)> read_kernel;
  DeliveryEffects delivery;
};

/// Publishes FORWARD. Results go to `out`, words for a person to `err`. Returns the exit code; throws Error.
/// With a rule that cannot be published nothing is written, unless options.skip_unsupported. `options` are
/// such that `check` takes them.
int generate(const GenerateOptions& options, const GenerateEffects& effects, std::ostream& out,
             std::ostream& err);

/// Reads the policy, and says in words, or in JSON, what it asks for and what in it is of no use. Returns the
/// exit code; throws UsageError for what is wrong in it.
int check_policy(const GenerateOptions& options, const GenerateEffects& effects, std::ostream& out,
                 std::ostream& err);

} // namespace flowspec
