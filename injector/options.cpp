// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/options.hpp"

#include "common/error.hpp"
#include "injector/option_groups.hpp"
#include "injector/question_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

namespace flowspec {

namespace {

constexpr const char* overview =
    R"(flowspec-injector: enforces the BGP flowspec routes of FRR with iptables

  flowspec-injector plan [options]   show what sync would change
  flowspec-injector sync [options]   make the kernel's rules what the routes say
  flowspec-injector explain --src A --dst B [options]
                                     which entry decides a packet, and why not another

  flowspec-injector COMMAND --help   the options of a command
  flowspec-injector --version

Exit status: 0 done; 1 failed, what failed is as it was; 2 wrong usage or configuration;
3 done, but a route was left out and --strict was given; 4 plan --exit-code: there is something to change.
)";

constexpr const char* plan_examples = R"(
Examples:
  flowspec-injector plan
  flowspec-injector plan --routes captured.json --from-empty
  flowspec-injector plan --format iptables-restore | iptables-legacy-restore --noflush
)";

constexpr const char* sync_examples = R"(
Examples:
  flowspec-injector sync
  flowspec-injector sync --pathspace leaf01 --stateful never
  flowspec-injector sync --routes /etc/flowspec/static-routes.json
)";

constexpr const char* explain_examples = R"(
Examples:
  flowspec-injector explain --src 198.51.100.7 --dst 10.0.3.10 --proto tcp --sport 40000 --dport 443
  flowspec-injector explain --src 2001:db8::1 --dst 2001:db8:5::1 --proto icmpv6 --icmp-type 128 --json
  flowspec-injector explain --src 10.0.1.5 --dst 10.0.3.10 --proto udp --dport 53 --routes captured.json
)";

struct CommandWords {
  Command command;
  std::string name;
  const char* description;
  const char* examples;
};
const std::array<CommandWords, 3> commands{
    {{Command::plan, "plan", "Shows what sync would change in the kernel's rules; changes nothing.",
      plan_examples},
     {Command::sync, "sync", "Makes the kernel's rules what FRR's flowspec routes say, a commit a table.",
      sync_examples},
     {Command::explain, "explain",
      "Names the entry that decides a packet, the rules that hold it, and what came close.",
      explain_examples}}};

/// CLI::Range lets "nan" through.
std::chrono::milliseconds milliseconds(const char* option, double seconds) {
  if (!std::isfinite(seconds))
    throw UsageError(fmt::format("{}: not a number of seconds", option));
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// What the options say together.
void finish(Options& options, const Raw& raw, const CLI::App& app) {
  const auto given = [&app](const char* name) { return app.get_option(name)->count() > 0; };
  if (given("--routes"))
    options.routes = raw.routes;
  if (given("--routes6"))
    options.routes6 = raw.routes6;
  if (options.routes == "-" && options.routes6 == "-")
    throw UsageError("--routes - and --routes6 -: standard input can be only one of them");
  if ((options.routes || options.routes6) && raw.family != "auto")
    throw UsageError("--family: it says what to ask FRR for, and routes are given");
  if (given("--pathspace"))
    options.pathspace = raw.pathspace;
  options.timeout = milliseconds("--timeout", raw.timeout);
  options.poll.settle = milliseconds("--settle", raw.settle);
  options.lock_wait = milliseconds("--wait", raw.wait);
  options.poll.reading.operator_table = operator_tables.at(raw.operator_table);
  options.compile.stateful = stateful_words.at(raw.stateful);
  options.compile.accept = accept_targets.at(raw.accept_target);
  options.format = formats.at(raw.format);
  options.poll.reading.carrier = *parse_sequence_carrier(raw.sequence);
  options.compile.chain = options.ours.chain;
  options.families = family_words.at(raw.family);
  options.conntrack = conntrack_words.at(raw.conntrack);
  options.compile.redirects = redirects_of(raw.redirects);
  std::vector<std::string> parents; // each once
  for (std::string& parent : options.compile.parents) {
    if (options.ours.owns(parent))
      throw UsageError(fmt::format("--parent {}: that chain is our own", parent));
    if (std::find(parents.begin(), parents.end(), parent) == parents.end())
      parents.push_back(std::move(parent));
  }
  options.compile.parents = std::move(parents);
  if (options.format == Format::iptables_restore && options.routes6 && !options.routes)
    throw UsageError("--format iptables-restore: it is for IPv4, and --routes6 alone reads no IPv4 routes");
  if (options.format == Format::ip6tables_restore && options.routes && !options.routes6)
    throw UsageError("--format ip6tables-restore: it is for IPv6, and --routes alone reads no IPv6 routes");
  if (raw.json) {
    if (options.format != Format::text && options.format != Format::json)
      throw UsageError("--json and --format: only one of them");
    options.format = Format::json;
  }
}

} // namespace

std::optional<Options> parse_options(int argc, const char* const* argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h" || word == "help") {
    std::fputs(overview, stdout);
    return std::nullopt;
  }
  if (word == "--version") {
    std::puts("flowspec-injector " FLOWSPEC_VERSION);
    return std::nullopt;
  }
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const CommandWords& words) { return words.name == word; });
  if (command == commands.end())
    throw UsageError(word.empty()
                         ? "a command is missing: plan, sync or explain (see --help)"
                         : fmt::format("\"{}\" is no command: plan, sync or explain (see --help)", word));

  Options options;
  options.command = command->command;
  Raw raw;
  RawQuestion question;
  CLI::App app(command->description, "flowspec-injector " + word);
  if (options.command == Command::explain) {
    add_question_options(app, question);
    app.add_option("--near", options.near_misses, "Show so many earlier entries that came close")
        ->type_name("N")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str()
        ->configurable(false);
  }
  add_common_options(app, options, raw);
  if (options.command == Command::plan)
    add_plan_options(app, options, raw);
  app.footer(command->examples);
  try {
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error); // prints the help or the version
      return std::nullopt;
    }
    const bool in_file = dynamic_cast<const CLI::ConfigError*>(&error) != nullptr;
    throw UsageError(in_file ? fmt::format("the configuration file: {}", error.what()) : error.what());
  }
  finish(options, raw, app);
  if (options.command == Command::explain)
    options.question = question_of(question);
  return options;
}

} // namespace flowspec
