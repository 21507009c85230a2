// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/command_line.hpp"

#include "common/error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <sstream>

namespace flowspec {

namespace {

constexpr const char* overview =
    R"(Publishes firewall rules as BGP flowspec routes, written as configuration for BIRD.

A firewall's FORWARD chain becomes static flow4 routes; BIRD announces them, and flowspec-injector beside FRR turns them
back into the same verdicts on every switch.)";

constexpr const char* exit_codes = R"(Exit codes:
  0  done
  1  failed: nothing was written
  2  the command line makes no sense
  3  done, but rules were left out and --strict was given)";

constexpr const char* generate_help =
    R"(Each rule gives a route with the rule's match, its verdict, and its place in the chain as sequence number; the chain's
policy gives the route from 0.0.0.0/0 to 0.0.0.0/0 without one. A route matches exactly the packets of its rule: a rule
that flowspec has no words for is listed with the reason, and nothing is written unless --skip-unsupported is given.

Published: -s -d -p, --sport --dport, multiport, ICMP type and code, comments; ACCEPT, DROP, and REJECT as discard.
A rule that only accepts ESTABLISHED,RELATED is not: the injector has its own.

The result goes into a file that BIRD's configuration includes behind the tables:
  flow4 table flowtab4;
  flow6 table flowtab6;
  include "/etc/bird/flowspec.conf";

Examples:
  flowspec-fetcher generate
      FORWARD of the running kernel (iptables-legacy), to standard output
  flowspec-fetcher generate --output /etc/bird/flowspec.conf && birdc configure
      the same into a file, which is replaced at once and only when it changes
  iptables-save | flowspec-fetcher generate --rules -
      rules of iptables-nft, or of another machine
  flowspec-fetcher generate --rules rules.v4 --skip-unsupported --json
      every route, every rule left out and what that opens or closes, for a machine
)";

} // namespace

FetcherCommand parse_command_line(int argc, const char* const* argv, const std::string& version) {
  CLI::App app(overview, "flowspec-fetcher");
  app.set_version_flag("--version", "flowspec-fetcher " + version);
  app.require_subcommand(1);
  app.footer(exit_codes);

  GenerateOptions options;
  std::string sequence = to_string(options.sequence);
  CLI::App* generate = app.add_subcommand("generate", "Write the FORWARD chain as BIRD configuration");
  generate->footer(fmt::format("{}\n{}", generate_help, exit_codes));
  generate
      ->add_option("--rules", options.rules,
                   "Read iptables-save text from FILE, or - for standard input, and not the kernel")
      ->type_name("FILE");
  generate->add_option("--output", options.output, "Write to FILE, as a whole and only when it changes")
      ->type_name("FILE");
  generate
      ->add_option(
          "--sequence", sequence,
          "What carries the sequence numbers: rt:ASN, marking (up to 255) or none; as the injector has it")
      ->type_name("CARRIER")
      ->capture_default_str();
  generate->add_option("--flow4-table", options.names.flow4_table, "BIRD's table for IPv4 routes")
      ->type_name("NAME")
      ->capture_default_str();
  generate->add_option("--flow6-table", options.names.flow6_table, "BIRD's table for IPv6 routes")
      ->type_name("NAME")
      ->capture_default_str();
  generate
      ->add_option("--protocol", options.names.protocol,
                   "Beginning of the static protocols' names: 4 or 6 follows")
      ->type_name("NAME")
      ->capture_default_str();
  generate->add_flag("--skip-unsupported", options.skip_unsupported,
                     "Leave out the rules that cannot be published");
  generate->add_flag("--strict", options.strict, "Exit with 3 when rules were left out");
  generate->add_flag("--json", options.json,
                     "Print routes, rejected rules and remarks as JSON; BIRD's text goes to --output only");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    if (app.exit(error, text, text) == 0)
      return PrintText{text.str()};
    throw UsageError(error.what());
  }
  const auto carrier = parse_sequence_carrier(sequence);
  if (!carrier)
    throw UsageError(
        fmt::format("--sequence {}: neither rt:ASN (ASN up to 65535) nor marking nor none", sequence));
  options.sequence = *carrier;
  check(options.names);
  return options;
}

} // namespace flowspec
