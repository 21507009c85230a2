// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/options.hpp"

#include "common/completion.hpp"
#include "common/config_file.hpp"
#include "common/error.hpp"
#include "injector/option_groups.hpp"
#include "injector/question_options.hpp"
#include "injector/wanted.hpp"

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
  flowspec-injector run [options]    the same again and again: a daemon
  flowspec-injector status [options] what is installed, what came through, what is held and what was left out
  flowspec-injector flush [options]  remove all rules of ours, and nothing else
  flowspec-injector explain --src A --dst B [options]
                                     which entry decides a packet, and why not another
  flowspec-injector check [options]  what the configuration says, in words, and what in it is of no use
  flowspec-injector completion bash|zsh
                                     what a shell completes with TAB; installed with the program

  flowspec-injector COMMAND --help   the options of a command
  flowspec-injector --version

Signals of run: TERM ends it and leaves the rules, HUP reads the configuration again, USR1 looks now.

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

constexpr const char* run_examples = R"(
The rules stay when it ends, however it ends, unless --flush-on-exit is given and a signal asked it to.

Examples:
  flowspec-injector run
  flowspec-injector run --source socket --interval 0.5 --metrics-file /var/lib/prometheus/node-exporter/flowspec.prom
  flowspec-injector run --log-format json --hold-time 86400
)";

constexpr const char* status_examples = R"(
It reads what the last pass left in --state-dir, and the kernel's counters; FRR is not asked.

Examples:
  flowspec-injector status
  flowspec-injector status --watch
  flowspec-injector status --json | jq '.entries[] | select(.state == "stale")'
)";

constexpr const char* flush_examples = R"(
Packets are no longer looked at by us then. A daemon or timer that goes on puts the rules back: stop it first.

Examples:
  flowspec-injector flush
  flowspec-injector flush --chain PEERS
)";

constexpr const char* explain_examples = R"(
Examples:
  flowspec-injector explain --src 198.51.100.7 --dst 10.0.3.10 --proto tcp --sport 40000 --dport 443
  flowspec-injector explain --src 2001:db8::1 --dst 2001:db8:5::1 --proto icmpv6 --icmp-type 128 --json
  flowspec-injector explain --src 10.0.1.5 --dst 10.0.3.10 --proto udp --dport 53 --routes captured.json
)";

constexpr const char* check_examples = R"(
It reads the configuration, the policy and the segments, and nothing else. Exit status: 0 all is well; 2 something is
wrong; 3 with --strict: something is of no use.

Examples:
  flowspec-injector check
  flowspec-injector check --policy /etc/flowspec/policy.json --segments /etc/flowspec/segments.json
)";

struct CommandWords {
  Command command;
  std::string name;
  const char* description;
  const char* examples;
};
const std::array<CommandWords, 7> commands{
    {{Command::plan, "plan", "Shows what sync would change in the kernel's rules; changes nothing.",
      plan_examples},
     {Command::sync, "sync", "Makes the kernel's rules what FRR's flowspec routes say, a commit a table.",
      sync_examples},
     {Command::run, "run", "Makes it so again and again, until it is told to stop; the rules stay.",
      run_examples},
     {Command::status, "status", "Shows what is installed, with counters; what is held; what was left out.",
      status_examples},
     {Command::flush, "flush", "Removes our chains and the jumps to them, and says what it removed.",
      flush_examples},
     {Command::explain, "explain",
      "Names the entry that decides a packet, the rules that hold it, and what came close.",
      explain_examples},
     {Command::check, "check", "Reads the configuration, and says in words what it asks for.",
      check_examples}}};

constexpr const char* completion_name = "completion";
constexpr const char* completion_description = "Prints the completion for a shell.";
constexpr const char* completion_examples = R"(
It is installed with the program. In a shell that does not know it:

Examples:
  source <(flowspec-injector completion bash)
  source <(flowspec-injector completion zsh)
)";

/// "plan, sync or explain".
std::string known_commands() {
  std::string text;
  for (const CommandWords& words : commands)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", words.name);
  return fmt::format("{} or {}", text, completion_name);
}

/// CLI::Range lets "nan" through.
std::chrono::milliseconds milliseconds(const char* option, double seconds) {
  if (!std::isfinite(seconds))
    throw UsageError(fmt::format("{}: not a number of seconds", option));
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// Options of another command, on the command line.
void refuse_given(const CLI::App& group, const std::string& command, int argc, const char* const* argv) {
  for (const CLI::Option* option : group.get_options())
    for (int index = 2; index < argc; ++index)
      if (const std::string given = argv[index];
          option->get_configurable() &&
          (given == option->get_name() || given.starts_with(option->get_name() + "=")))
        throw UsageError(fmt::format("{}: {} has no such option; run has", given, command));
}

/// What the options say together.
void finish(Options& options, const Raw& raw, const CLI::App& app) {
  const auto given = [&app](const char* name) { return app.get_option(name)->count() > 0; };
  if (given("--routes"))
    options.routes = raw.routes;
  if (given("--routes6"))
    options.routes6 = raw.routes6;
  if (options.command == Command::run && (options.routes == "-" || options.routes6 == "-"))
    throw UsageError("run --routes -: standard input can be read only once");
  if (options.routes == "-" && options.routes6 == "-")
    throw UsageError("--routes - and --routes6 -: standard input can be only one of them");
  if ((options.routes || options.routes6) && raw.family != "auto")
    throw UsageError("--family: it says what to ask FRR for, and routes are given");
  if (given("--pathspace"))
    options.pathspace = raw.pathspace;
  if (given("--socket"))
    options.socket = raw.socket;
  if (given("--metrics-file"))
    options.metrics_file = raw.metrics_file;
  options.source = source_words.at(raw.source);
  options.hold.hold_time = hold_time_of(raw.hold_time);
  options.hold.confirm_after = milliseconds("--confirm-after", raw.confirm_after);
  if (!(options.hold.max_withdraw >= 0)) // CLI::Range lets "nan" through
    throw UsageError("--max-withdraw: not a number from 0 to 1");
  options.compile.protect = prefixes_of("--protect", raw.protect);
  for (const auto& [option, path] : {std::pair("--policy", raw.policy), {"--segments", raw.segments}})
    if (given(option) && path.empty())
      throw UsageError(fmt::format("{}: the name of a file is missing", option));
  if (given("--policy"))
    options.policy_file = raw.policy;
  if (given("--segments"))
    options.segments_file = raw.segments;
  options.compile.untargeted = untargeted_of(raw.untargeted);
  if (!options.segments_file && options.compile.untargeted != Untargeted{})
    throw UsageError(
        fmt::format("--untargeted {}: without --segments every route is for all", raw.untargeted));
  options.local_scope = scope_words.at(raw.scope);
  options.scope_prefixes = prefixes_of("--scope-prefixes", raw.scope_prefixes);
  if (!options.local_scope && !options.scope_prefixes.empty())
    throw UsageError("--scope-prefixes: they are of use only with --scope local");
  options.validate = validate_words.at(raw.validate);
  if (options.validate != Validate::off && (given("--routes") || given("--routes6")))
    throw UsageError("--validate and --routes: FRR has to say who announced a route, and a file does not");
  if (options.explain_policy && !options.policy_file)
    throw UsageError("--explain-policy: it needs --policy");
  options.run.interval = milliseconds("--interval", raw.interval);
  options.run.full_interval = milliseconds("--full-interval", raw.full_interval);
  options.run.longest_back_off = milliseconds("--max-back-off", raw.longest_back_off);
  options.log.format = log_formats.at(raw.log_format);
  options.log.least = log_levels.at(raw.log_level);
  options.timeout = milliseconds("--timeout", raw.timeout);
  options.poll.settle = milliseconds("--settle", raw.settle);
  options.lock_wait = milliseconds("--wait", raw.wait);
  options.poll.reading.operator_table = operator_tables.at(raw.operator_table);
  options.compile.stateful = stateful_words.at(raw.stateful);
  options.compile.accept = accept_targets.at(raw.accept_target);
  options.compile.layout = layout_words.at(raw.layout);
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

namespace {

/// What carries sequence numbers is no route target: a segment that imported it would get nothing, and its
/// routes would be for everybody.
void refuse_carrier(const Options& options) {
  const SequenceCarrier& carrier = options.poll.reading.carrier;
  if (carrier.kind != SequenceCarrier::Kind::route_target)
    return;
  const std::string begin = fmt::format("{}:", carrier.asn);
  const auto refuse = [&](const std::string& target, const std::string& where) {
    if (target.starts_with(begin))
      throw UsageError(fmt::format("{}: {}: --sequence {} takes it for a sequence number", where, target,
                                   to_string(carrier)));
  };
  for (const Segment& segment : options.compile.segments)
    for (const std::string& target : segment.import)
      refuse(target, fmt::format("{}: segment {}", *options.segments_file, segment.name));
  if (options.policy)
    for (const Term& term : options.policy->terms)
      for (const std::string& target : term.match.route_targets)
        refuse(target, fmt::format("{}: term {}: route_targets", term.file, term.name));
}

} // namespace

void read_documents(Options& options, const std::function<std::string(const std::string& path)>& read) {
  if (options.policy_file) {
    auto policy =
        std::make_shared<Policy>(parse_policy(read(*options.policy_file), *options.policy_file, read));
    options.compile.protections = policy->protect;
    options.policy = std::move(policy);
  }
  if (options.segments_file)
    options.compile.segments = parse_segments(read(*options.segments_file), *options.segments_file);
  check_segments(options.compile);
  refuse_carrier(options);
  // Of 100,000 routes they take some megabytes, and only policies and JSON ask for them.
  const bool enforces = options.command == Command::sync || options.command == Command::run;
  options.poll.reading.communities = !enforces || options.policy || options.format == Format::json;
}

namespace {

/// What a command takes, and what CLI11 fills in.
struct CommandLine {
  explicit CommandLine(const CommandWords& words)
      : app(words.description, fmt::format("flowspec-injector {}", words.name)) {
    options.command = words.command;
    if (options.command == Command::explain)
      add_explain_options();
    add_common_options(app, options, raw);
    if (options.command == Command::plan)
      add_plan_options(app, options, raw);
    if (options.command == Command::status)
      add_status_options(app, raw);
    // One file serves all commands: those that have no use for these take them from there, and only from
    // there.
    run_only = add_run_options(app, options, raw);
    if (options.command != Command::run)
      run_only->group("");
    app.footer(words.examples);
  }

  void add_explain_options() {
    add_question_options(app, question);
    app.add_option("--in-interface", options.interfaces.in, "By which interface it comes in: segments ask")
        ->type_name("NAME")
        ->configurable(false);
    app.add_option("--out-interface", options.interfaces.out, "By which interface it goes out")
        ->type_name("NAME")
        ->configurable(false);
    app.add_option("--near", options.near_misses, "Show so many earlier entries that came close")
        ->type_name("N")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str()
        ->configurable(false);
  }

  Options options;
  Raw raw;
  RawQuestion question;
  CLI::App app;
  CLI::App* run_only = nullptr;
};

/// False when they ask for the help or the version, which is printed.
bool parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    parse_words(app, argc - 1, argv + 1);
    return true;
  } catch (const CLI::ParseError& asked) {
    app.exit(asked);
    return false;
  }
}

void print_completion(int argc, const char* const* argv) {
  CLI::App app(completion_description, fmt::format("flowspec-injector {}", completion_name));
  std::string shell;
  add_completion_argument(app, shell);
  app.footer(completion_examples);
  if (!parse(app, argc, argv))
    return;
  std::vector<CompletedCommand> completed;
  for (const CommandWords& words : commands) {
    CommandLine line(words);
    completed.push_back(completed_command(words.name, line.app));
  }
  completed.push_back(completed_command(completion_name, app));
  std::fputs(completion_script(shell, "flowspec-injector", completed).c_str(), stdout);
}

} // namespace

void check_successor(const Options& now, const Options& fresh) {
  if (now.config_file && !fresh.config_file)
    throw Error(fmt::format("{}: it is not there any more", *now.config_file));
  if (fresh.ours.chain != now.ours.chain || filter_hooks(fresh.compile) != filter_hooks(now.compile))
    throw Error("--chain, --parent and the parent chains of segments cannot change while rules stand there: "
                "stop, flush, and start again");
}

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
  if (word == completion_name) {
    print_completion(argc, argv);
    return std::nullopt;
  }
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const CommandWords& words) { return words.name == word; });
  if (command == commands.end())
    throw UsageError(word.empty()
                         ? fmt::format("a command is missing: {} (see --help)", known_commands())
                         : fmt::format("\"{}\" is no command: {} (see --help)", word, known_commands()));

  CommandLine line(*command);
  Options& options = line.options;
  if (options.command != Command::run)
    refuse_given(*line.run_only, word, argc, argv);
  if (!parse(line.app, argc, argv))
    return std::nullopt;
  options.config_file = config_file_read(line.app);
  finish(options, line.raw, line.app);
  if (options.command == Command::status && line.app.get_option("--watch")->count() > 0)
    options.watch = milliseconds("--watch", line.raw.watch);
  if (options.command == Command::explain)
    options.question = question_of(line.question);
  return std::move(options);
}

} // namespace flowspec
