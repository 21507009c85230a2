// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/options.hpp"

#include "common/error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

namespace flowspec {

namespace {

constexpr const char* config_file = "/etc/flowspec/injector.toml";
/// A chain's name has 28 characters at most; ours get "-" and the 16 digits of a route behind them.
constexpr std::size_t longest_chain = 28 - 17;
constexpr double longest_wait = 3600; ///< seconds

constexpr const char* overview =
    R"(flowspec-injector: enforces the BGP flowspec routes of FRR with iptables

  flowspec-injector plan [options]   show what sync would change
  flowspec-injector sync [options]   make the kernel's rules what the routes say

  flowspec-injector COMMAND --help   the options of a command
  flowspec-injector --version

Exit status: 0 done; 1 failed, nothing was changed; 2 wrong usage or configuration;
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

/// A name that iptables takes for a chain of the user's.
std::string check_chain(const std::string& name) {
  constexpr std::array reserved{"INPUT",  "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING",
                                "ACCEPT", "DROP",   "RETURN",  "QUEUE"};
  if (name.empty() || name.size() > longest_chain)
    return fmt::format("\"{}\": a chain's name has 1 to {} characters here", name, longest_chain);
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  };
  if (!std::all_of(name.begin(), name.end(), allowed) || name.front() == '-')
    return fmt::format("\"{}\": letters, digits, '_', '-' and '.' make a chain's name", name);
  if (std::find(reserved.begin(), reserved.end(), name) != reserved.end())
    return fmt::format("\"{}\" is a name of iptables' own", name);
  return {};
}

std::string check_sequence(const std::string& text) {
  return parse_sequence_carrier(text)
             ? std::string()
             : fmt::format("\"{}\": it is rt:ASN (0 to 65535), marking or none", text);
}

/// The words of an option and what they mean.
template <class Value>
using Words = std::map<std::string, Value>;

const Words<OperatorTable> operator_tables{{"rfc8955", OperatorTable::rfc8955},
                                           {"draft", OperatorTable::draft}};
const Words<Stateful> stateful_words{
    {"default-drop", Stateful::default_drop}, {"never", Stateful::never}, {"always", Stateful::always}};
const Words<Verdict> accept_targets{{"ACCEPT", Verdict::accept}, {"RETURN", Verdict::return_}};
const Words<Format> formats{
    {"text", Format::text}, {"json", Format::json}, {"iptables-restore", Format::iptables_restore}};

template <class Value>
CLI::Validator one_of(const Words<Value>& words) {
  return {[&words](const std::string& text) {
            std::string known;
            for (const auto& [word, value] : words)
              known += (known.empty() ? "" : ", ") + word;
            return words.contains(text) ? std::string() : fmt::format("\"{}\": it is one of {}", text, known);
          },
          ""};
}

/// What CLI11 fills in before it is turned into Options.
struct Raw {
  std::string routes, routes6, pathspace;
  double timeout = 10;
  double settle = 30;
  double wait = 10;
  std::string sequence = "rt:65535";
  std::string operator_table = "rfc8955";
  std::string stateful = "default-drop";
  std::string accept_target = "ACCEPT";
  std::string format = "text";
  bool json = false;
};

void add_options(CLI::App& app, Options& options, Raw& raw) {
  app.set_version_flag("--version", "flowspec-injector " FLOWSPEC_VERSION);
  app.set_config("--config", config_file, "Read options from a TOML file with the same names");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.option_defaults()->always_capture_default();

  const auto source = app.add_option_group("Where the routes come from (FRR, unless a file is given)");
  source
      ->add_option("--routes", raw.routes,
                   "IPv4 routes, as `show bgp ipv4 flowspec detail json` prints them; - for standard input")
      ->type_name("FILE")
      ->capture_default_str();
  source->add_option("--routes6", raw.routes6, "The same for IPv6")->type_name("FILE");
  source->add_option("--vtysh", options.vtysh, "FRR's shell")->type_name("PATH");
  source->add_option("--pathspace", raw.pathspace, "FRR's pathspace: vtysh -N NAME")->type_name("NAME");
  source->add_option("--timeout", raw.timeout, "How long FRR may take to answer")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.01, longest_wait));

  source
      ->add_option(
          "--settle", raw.settle,
          "An empty table is believed of a peer that sent its End-of-RIB or has been Established for so long")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, longest_wait));

  const auto meaning = app.add_option_group("What the routes mean");
  meaning
      ->add_option("--sequence", raw.sequence,
                   "Where a route carries its sequence number: rt:ASN, marking or none")
      ->type_name("CARRIER")
      ->check(CLI::Validator(check_sequence, ""));
  meaning
      ->add_option("--operator-table", raw.operator_table,
                   "The operators 000 and 111: rfc8955 (false, true) or draft (true, false)")
      ->check(one_of(operator_tables))
      ->type_name("TABLE")
      ->default_str("rfc8955");

  const auto rules = app.add_option_group("The rules");
  rules
      ->add_option("--chain", options.ours.chain,
                   "Our chain; all chains that begin with \"CHAIN-\" are ours too")
      ->type_name("CHAIN")
      ->check(CLI::Validator(check_chain, ""));
  rules->add_option("--parent", options.ours.parents, "Chains that jump to ours in their first rule")
      ->type_name("CHAIN")
      ->delimiter(',')
      ->default_str("FORWARD");
  rules
      ->add_option(
          "--stateful", raw.stateful,
          "Packets of tracked connections pass: before a default drop (default-drop), never, or always")
      ->check(one_of(stateful_words))
      ->type_name("WHEN")
      ->default_str("default-drop");
  rules
      ->add_option("--accept-target", raw.accept_target,
                   "What accepts: ACCEPT, or RETURN to hand the packet back to the parent chain")
      ->check(one_of(accept_targets))
      ->type_name("TARGET")
      ->default_str("ACCEPT");
  rules->add_option("--wait", raw.wait, "How long to wait for the xtables lock")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, longest_wait));

  app.add_flag("--json", raw.json, "Print one JSON document");
  app.add_flag("--strict", options.strict, "Exit with 3 when a route was left out");
}

void add_plan_options(CLI::App& app, Options& options, Raw& raw) {
  app.add_option(
         "--format", raw.format,
         "text, json, or iptables-restore: the whole desired state, for iptables-legacy-restore --noflush")
      ->check(one_of(formats))
      ->type_name("FORMAT")
      ->default_str("text")
      ->configurable(false);
  app.add_flag("--from-empty", options.from_empty,
               "Plan for a table without rules; reads no kernel and needs no privileges")
      ->configurable(false);
  app.add_flag("--exit-code", options.exit_code, "Exit with 4 when there is something to change")
      ->configurable(false);
}

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
  std::vector<std::string> parents; // each once
  for (std::string& parent : options.ours.parents) {
    if (options.ours.owns(parent))
      throw UsageError(fmt::format("--parent {}: that chain is our own", parent));
    if (std::find(parents.begin(), parents.end(), parent) == parents.end())
      parents.push_back(std::move(parent));
  }
  options.ours.parents = std::move(parents);
  if (options.format == Format::iptables_restore && options.routes6 && !options.routes)
    throw UsageError("--format iptables-restore: it is for IPv4, and --routes6 alone reads no IPv4 routes");
  if (raw.json) {
    if (options.format == Format::iptables_restore)
      throw UsageError("--json and --format iptables-restore: only one of them");
    options.format = Format::json;
  }
}

} // namespace

std::optional<Options> parse_options(int argc, const char* const* argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(overview, stdout);
    return std::nullopt;
  }
  if (command == "--version") {
    std::puts("flowspec-injector " FLOWSPEC_VERSION);
    return std::nullopt;
  }
  if (command != "plan" && command != "sync")
    throw UsageError(command.empty()
                         ? "a command is missing: plan or sync (see --help)"
                         : fmt::format("\"{}\" is no command: plan or sync (see --help)", command));

  Options options;
  options.command = command == "plan" ? Command::plan : Command::sync;
  Raw raw;
  CLI::App app(command == "plan" ? "Shows what sync would change in the kernel's rules; changes nothing."
                                 : "Makes the kernel's rules what FRR's flowspec routes say, in one commit.",
               "flowspec-injector " + command);
  add_options(app, options, raw);
  if (options.command == Command::plan)
    add_plan_options(app, options, raw);
  app.footer(options.command == Command::plan ? plan_examples : sync_examples);
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
  return options;
}

} // namespace flowspec
