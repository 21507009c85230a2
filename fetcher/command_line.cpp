// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/command_line.hpp"

#include "common/completion.hpp"
#include "common/config_file.hpp"
#include "common/error.hpp"
#include "fetcher/generate_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <sstream>

namespace flowspec {

namespace {

constexpr const char* overview =
    R"(flowspec-fetcher: publishes firewall rules as BGP flowspec routes, written as configuration for BIRD

  flowspec-fetcher generate [options]   write the FORWARD chain as BIRD configuration
  flowspec-fetcher lint FILE...         find the routes in BIRD configuration that FRR does not take
  flowspec-fetcher check [options]      what the configuration and the policy say, in words
  flowspec-fetcher completion bash|zsh  what a shell completes with TAB; installed with the program

  flowspec-fetcher COMMAND --help       the options of a command
  flowspec-fetcher --version

A firewall's FORWARD chain becomes static flow4 and flow6 routes; BIRD announces them, and flowspec-injector beside FRR
turns them back into the same verdicts on every switch.

)";

constexpr const char* exit_codes = R"(
Exit status: 0 done; 1 failed, nothing was written (lint: there are findings); 2 wrong usage or configuration;
3 done, but rules were left out and --strict was given; 4 --check was given, and something would change.
)";

constexpr const char* generate_help = R"(
Each rule gives routes with the rule's match, its verdict, and its place as sequence number; the chain's policy gives the
route from everywhere to everywhere without one. A route matches exactly the packets of its rule: a rule that flowspec has
no words for is listed with the reason, and nothing is written unless --skip-unsupported is given.

The result goes into a file that BIRD's configuration includes behind the tables:
  flow4 table flowtab4;
  flow6 table flowtab6;
  include "/etc/bird/flowspec.conf";

Examples:
  flowspec-fetcher generate
      FORWARD of the running kernel (iptables-legacy and ip6tables-legacy), to standard output
  flowspec-fetcher generate --output /etc/bird/flowspec.conf --validate --reload
      the same into a file that BIRD has looked at, and into BIRD; what BIRD refuses does not stay
  flowspec-fetcher generate --output /etc/bird/flowspec.conf --check
      what that would change
  iptables-save | flowspec-fetcher generate --rules -
      rules of iptables-nft, or of another machine
  flowspec-fetcher generate --rules rules.v4 --rules6 rules.v6 --skip-unsupported --json
      every route and every rule, for a machine
  flowspec-fetcher generate --interface-rt in:eth0=65000:1 --interface-rt out:eth0=65000:2
      rules with -i eth0 and -o eth0 go to whoever imports these route targets
)";

constexpr const char* lint_help = R"(
FRR answers one route that it cannot take with a reset of the BGP session, which withdraws every other route too.

Examples:
  flowspec-fetcher lint /etc/bird/bird.conf /etc/bird/flowspec.conf
  flowspec-fetcher generate --rules rules.v4 | flowspec-fetcher lint -
  flowspec-fetcher lint --json /etc/bird/flowspec.conf
)";

constexpr const char* check_help = R"(
It takes the options of generate, reads no rules and writes nothing. With --strict it exits with 3 when something in the
policy is of no use.

Example:
  flowspec-fetcher check --policy /etc/flowspec/policy.json
)";

/// Reads the words behind a command; the text when they ask for one.
std::optional<PrintText> parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    parse_words(app, argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& asked) {
    std::ostringstream text;
    app.exit(asked, text, text);
    return PrintText{text.str()};
  }
}

constexpr const char* completion_help = R"(
It is installed with the program. In a shell that does not know it:

Examples:
  source <(flowspec-fetcher completion bash)
  source <(flowspec-fetcher completion zsh)
)";

/// The options of generate, which check takes too, and what CLI11 fills in.
struct GenerateLine {
  GenerateLine(const char* name, const char* description, const char* help)
      : app(description, fmt::format("flowspec-fetcher {}", name)) {
    add_generate_options(app, options, raw);
    app.footer(fmt::format("{}{}", help, exit_codes));
  }

  GenerateOptions options;
  RawGenerate raw;
  CLI::App app;
};

struct GenerateCommand : GenerateLine {
  GenerateCommand()
      : GenerateLine("generate", "Writes the FORWARD chain as BIRD configuration.", generate_help) {}
};

struct CheckCommand : GenerateLine {
  CheckCommand()
      : GenerateLine("check", "Reads the configuration and the policy, and says in words what they ask for.",
                     check_help) {}
};

struct LintCommand {
  LintCommand()
      : app("Finds the routes in BIRD configuration that FRR does not take.", "flowspec-fetcher lint") {
    app.add_option("FILE", options.files, "BIRD configuration; - for standard input")
        ->required()
        ->type_name("");
    app.add_flag("--json", options.json, "Print the findings as JSON");
    app.footer(fmt::format("{}{}", lint_help, exit_codes));
  }

  LintOptions options;
  CLI::App app;
};

FetcherCommand parse_generate(int argc, const char* const* argv) {
  GenerateCommand line;
  if (const auto text = parse(line.app, argc, argv))
    return *text;
  finish_generate_options(line.options, line.raw, line.app);
  return line.options;
}

FetcherCommand parse_check(int argc, const char* const* argv) {
  CheckCommand line;
  if (const auto text = parse(line.app, argc, argv))
    return *text;
  finish_generate_options(line.options, line.raw, line.app);
  return CheckOptions{line.options};
}

FetcherCommand parse_lint(int argc, const char* const* argv) {
  LintCommand line;
  if (const auto text = parse(line.app, argc, argv))
    return *text;
  if (std::ranges::count(line.options.files, "-") > 1)
    throw UsageError("lint: standard input is given twice");
  return line.options;
}

FetcherCommand parse_completion(int argc, const char* const* argv) {
  CLI::App app("Prints the completion for a shell.", "flowspec-fetcher completion");
  std::string shell;
  add_completion_argument(app, shell);
  app.footer(completion_help);
  if (const auto text = parse(app, argc, argv))
    return *text;
  GenerateCommand generating;
  LintCommand linting;
  CheckCommand checking;
  return PrintText{completion_script(
      shell, "flowspec-fetcher",
      {completed_command("generate", generating.app), completed_command("lint", linting.app),
       completed_command("check", checking.app), completed_command("completion", app)})};
}

} // namespace

FetcherCommand parse_command_line(int argc, const char* const* argv, const std::string& version) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h" || word == "help")
    return PrintText{std::string(overview) + (exit_codes + 1)};
  if (word == "--version")
    return PrintText{fmt::format("flowspec-fetcher {}\n", version)};
  if (word == "generate")
    return parse_generate(argc - 1, argv + 1);
  if (word == "lint")
    return parse_lint(argc - 1, argv + 1);
  if (word == "check")
    return parse_check(argc - 1, argv + 1);
  if (word == "completion")
    return parse_completion(argc - 1, argv + 1);
  throw UsageError(word.empty()
                       ? "a command is missing: generate, lint, check or completion"
                       : fmt::format("\"{}\" is no command: generate, lint, check or completion", word));
}

} // namespace flowspec
