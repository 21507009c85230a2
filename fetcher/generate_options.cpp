// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/generate_options.hpp"

#include "common/completion.hpp"
#include "common/config_file.hpp"
#include "common/error.hpp"
#include "fetcher/publish_words.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

namespace flowspec {

namespace {

constexpr const char* config_file = "/etc/flowspec/fetcher.toml";
constexpr double longest_wait = 3600; ///< seconds
constexpr std::size_t most_routes = 10'000'000;

const std::map<std::string, std::optional<Family>> family_words{
    {"both", std::nullopt}, {"ipv4", Family::ipv4}, {"ipv6", Family::ipv6}};
/// Whether known connections pass before any route is looked at.
const std::map<std::string, bool> stateful_words{{"default-drop", false}, {"always", true}};

void add_source_options(CLI::App& app, RawGenerate& raw) {
  const auto source = app.add_option_group("Where the rules come from (the kernel, unless a file is given)");
  source
      ->add_option("--rules", raw.rules,
                   "IPv4 rules, as iptables-save prints them, of either kind; - for standard input")
      ->type_name("FILE");
  source->add_option("--rules6", raw.rules6, "The same for IPv6, from ip6tables-save")->type_name("FILE");
  source
      ->add_option(
          "--family", raw.family,
          "Which rules to read from the kernel: ipv4, ipv6, or both, then IPv6 only where it has any")
      ->check(one_of(family_words))
      ->type_name("FAMILY");
  source->add_option("--wait", raw.wait, "How long to wait for the xtables lock")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, longest_wait));
}

void add_route_options(CLI::App& app, GenerateOptions& options, RawGenerate& raw) {
  const auto routes = app.add_option_group("The routes");
  routes
      ->add_option("--sequence", raw.sequence,
                   "What carries the sequence numbers: rt:ASN, marking (up to 255) or none, as the injectors "
                   "have it")
      ->type_name("CARRIER")
      ->check(offering({"rt:65535", "marking", "none"}));
  routes
      ->add_option("--stateful", raw.stateful,
                   "Where the injectors let packets of known connections pass: before a default drop "
                   "(default-drop), or before every route (always)")
      ->check(one_of(stateful_words))
      ->type_name("WHEN");
  routes
      ->add_option("--frr", raw.frr,
                   "The FRR that reads the routes: from 10.7 on none may begin with another's bytes")
      ->type_name("VERSION");
  routes
      ->add_option(
          "--interface-rt", raw.interface_targets,
          "[in:|out:]IFACE=ASN:N: routes of rules with -i or -o IFACE carry this route target; may be "
          "repeated")
      ->type_name("IFACE=RT")
      ->allow_extra_args(false)
      ->default_str("");
  routes
      ->add_option("--policy", raw.policy,
                   "What of it is published, and with which actions, and what is protected: a JSON document")
      ->type_name("FILE");
  routes->add_flag("--optimize", options.publish.optimize, "Merge neighbours of the same verdict");
  routes
      ->add_option("--max-routes", options.publish.max_routes, "Refuse to publish more routes of one family")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, most_routes));
}

void add_name_options(CLI::App& app, GenerateOptions& options) {
  const auto names = app.add_option_group("Names in BIRD's configuration");
  names->add_option("--flow4-table", options.names.flow4_table, "BIRD's table for IPv4 routes")
      ->type_name("NAME");
  names->add_option("--flow6-table", options.names.flow6_table, "BIRD's table for IPv6 routes")
      ->type_name("NAME");
  names
      ->add_option("--protocol", options.names.protocol,
                   "Beginning of the static protocols' names: 4 or 6 follows")
      ->type_name("NAME");
}

void add_delivery_options(CLI::App& app, GenerateOptions& options, RawGenerate& raw) {
  DeliveryOptions& delivery = options.delivery;
  const auto group = app.add_option_group("Where the configuration goes (standard output, unless --output)");
  group->add_option("--output", raw.output, "Write to FILE, as a whole and only when it changes")
      ->type_name("FILE");
  group
      ->add_flag("--check", delivery.check,
                 "Write nothing: print how FILE would change, and exit with 4 when it would")
      ->configurable(false);
  group->add_flag("--validate", delivery.validate,
                  "Before that, have BIRD look at the whole configuration with the new FILE (bird -p)");
  group->add_flag(
      "--reload", delivery.reload,
      "When FILE changed, have BIRD use it (birdc configure); if it refuses, put the old one back");
  group->add_option("--bird", delivery.bird, "BIRD, for --validate")->type_name("PROGRAM");
  group
      ->add_option("--bird-config", delivery.bird_config,
                   "BIRD's main configuration, which includes FILE, for --validate")
      ->type_name("FILE");
  group->add_option("--birdc", delivery.birdc, "BIRD's client, for --reload")->type_name("PROGRAM");
  group->add_option("--birdc-socket", raw.birdc_socket, "BIRD's control socket: birdc -s PATH")
      ->type_name("PATH");
  group->add_option("--timeout", raw.timeout, "How long bird and birdc may take")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.01, longest_wait));
}

/// CLI::Range lets "nan" through.
std::chrono::milliseconds milliseconds(const char* option, double seconds) {
  if (!std::isfinite(seconds))
    throw UsageError(fmt::format("{}: not a number of seconds", option));
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

} // namespace

void add_generate_options(CLI::App& app, GenerateOptions& options, RawGenerate& raw) {
  add_config_option(
      app, config_file,
      {{"family", "--rules"}, {"family", "--rules6"}, {"reload", "--check"}, {"json", "--check"}});
  app.option_defaults()->always_capture_default();
  add_source_options(app, raw);
  add_route_options(app, options, raw);
  add_name_options(app, options);
  add_delivery_options(app, options, raw);
  app.add_flag("--skip-unsupported", options.skip_unsupported,
               "Leave out the rules that cannot be published");
  app.add_flag("--strict", options.strict, "Exit with 3 when rules were left out");
  app.add_flag("--report", options.report_every,
               "Say of every rule what became of it, not only of those worth a word");
  app.add_flag("--json", options.json,
               "Print routes and rules as one JSON document; BIRD's text goes to --output only");
}

void finish_generate_options(GenerateOptions& options, const RawGenerate& raw, const CLI::App& app) {
  const auto given = [&app](const char* name) { return app.get_option(name)->count() > 0; };
  if (given("--rules"))
    options.rules = raw.rules;
  if (given("--rules6"))
    options.rules6 = raw.rules6;
  if (given("--output"))
    options.output = raw.output;
  if (given("--birdc-socket"))
    options.delivery.birdc_socket = raw.birdc_socket;
  if (given("--policy"))
    options.policy = raw.policy;
  if (given("--frr"))
    options.publish.no_common_beginning = loses_common_beginnings(raw.frr);
  options.family = family_words.at(raw.family);
  options.publish.stateful_always = stateful_words.at(raw.stateful);
  options.lock_wait = milliseconds("--wait", raw.wait);
  options.timeout = milliseconds("--timeout", raw.timeout);
  const auto carrier = parse_sequence_carrier(raw.sequence);
  if (!carrier)
    throw UsageError(
        fmt::format("--sequence {}: neither rt:ASN (ASN up to 65535) nor marking nor none", raw.sequence));
  options.sequence = *carrier;
  for (const std::string& text : raw.interface_targets)
    options.publish.interfaces.push_back(interface_target(text));
  check(options.publish.interfaces, options.sequence);
  check(options);
}

} // namespace flowspec
