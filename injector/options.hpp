// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command line and the configuration file, which have the same names.
#pragma once

#include "common/log.hpp"
#include "common/policy.hpp"
#include "injector/compile.hpp"
#include "injector/daemon.hpp"
#include "injector/frr_source.hpp"
#include "injector/hold.hpp"
#include "injector/ownership.hpp"
#include "injector/question.hpp"
#include "injector/validation.hpp"
#include "injector/vantage.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

enum class Command { plan, sync, run, status, flush, explain, check };
enum class Format { text, json, iptables_restore, ip6tables_restore };
/// How FRR is asked.
enum class Source { vtysh, socket };
/// Whether connection tracking runs in this network, and puts fragments together.
enum class Conntrack { find_out, on, off };

struct Options {
  Command command = Command::plan;
  std::optional<std::string> config_file; ///< that was read; none: the default one is not there
  // Where the routes come from: FRR, unless a file is given.
  std::optional<std::string> routes;  ///< IPv4, "-" for standard input
  std::optional<std::string> routes6; ///< IPv6
  std::vector<Family> families;       ///< to ask FRR for; empty: those for which it has a peer
  Source source = Source::vtysh;
  std::string vtysh = "vtysh";
  std::optional<std::string> socket; ///< bgpd's; none: where FRR has it
  std::optional<std::string> pathspace;
  std::chrono::milliseconds timeout{10'000};

  PollOptions poll;
  CompileOptions compile;
  Ownership ours;
  Conntrack conntrack = Conntrack::find_out;
  std::chrono::milliseconds lock_wait{10'000};

  std::optional<std::string> policy_file;
  std::optional<std::string> segments_file;
  std::shared_ptr<const Policy>
      policy; ///< of policy_file, when that has been read; null: everything is taken
  bool local_scope = false;
  std::vector<Prefix> scope_prefixes; ///< of local_scope: this machine's own; empty: the kernel is asked
  Validate validate = Validate::off;
  bool explain_policy = false; ///< plan

  HoldOptions hold;
  std::string state_dir = "/run/flowspec";
  RunOptions run;
  LogOptions log;
  std::optional<std::string> metrics_file;
  std::size_t metrics_per_entry = 0; ///< at most so many entries

  Format format = Format::text;
  bool from_empty = false; ///< plan: as if the table held nothing of anybody's
  bool exit_code = false;  ///< plan: 4 when there is something to change
  bool strict = false;     ///< 3 when a route was left out

  std::optional<std::chrono::milliseconds> watch; ///< status
  std::optional<Question> question;               ///< explain
  Interfaces interfaces;                          ///< explain: of the packet
  std::size_t near_misses = 5;                    ///< explain
};

/// Reads the files that the options name, and checks what they say together. Throws UsageError for what is
/// wrong in them; Error when they cannot be read.
void read_documents(Options& options, const std::function<std::string(const std::string& path)>& read);

/// Throws Error when a daemon that has `now` cannot go on with `fresh`.
void check_successor(const Options& now, const Options& fresh);

/// Reads argv. None when it asked for help or the version, which have been printed. Throws UsageError.
std::optional<Options> parse_options(int argc, const char* const* argv);

} // namespace flowspec
