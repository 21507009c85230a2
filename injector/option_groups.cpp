// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/option_groups.hpp"

#include "common/completion.hpp"
#include "common/config_file.hpp"
#include "common/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

namespace flowspec {

namespace {

constexpr const char* config_file = "/etc/flowspec/injector.toml";
/// A chain's name has 28 characters at most; ours get "-", the 16 digits of a route and a letter behind them.
constexpr std::size_t longest_chain = 28 - 18;
constexpr double longest_wait = 3600;       ///< seconds
constexpr std::uint32_t longest_burst = 60; ///< seconds
constexpr std::size_t most_routes = 100'000'000;
constexpr std::size_t most_entry_metrics = 100'000;

bool is_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), allowed) && name.front() != '-';
}

/// A chain of anybody's.
std::string check_parent(const std::string& name) {
  constexpr std::size_t longest = 28;
  constexpr std::array verdicts{"ACCEPT", "DROP", "RETURN", "QUEUE"};
  return is_name(name) && name.size() <= longest &&
                 std::find(verdicts.begin(), verdicts.end(), name) == verdicts.end()
             ? std::string()
             : fmt::format("\"{}\" is no name of a chain", name);
}

/// A name that iptables takes for a chain of the user's.
std::string check_chain(const std::string& name) {
  // Built-in chains and verdicts; and targets, which a chain of their name would hide.
  constexpr std::array reserved{"INPUT", "OUTPUT",  "FORWARD", "PREROUTING", "POSTROUTING", "ACCEPT",
                                "DROP",  "RETURN",  "QUEUE",   "REJECT",     "LOG",         "NFLOG",
                                "ULOG",  "NFQUEUE", "MARK",    "CONNMARK",   "DSCP",        "TOS",
                                "TTL",   "HL",      "ECN",     "TEE",        "TRACE",       "TPROXY",
                                "SNAT",  "DNAT",    "NETMAP",  "REDIRECT",   "MASQUERADE",  "TCPMSS",
                                "SET",   "CT",      "NOTRACK", "CLASSIFY",   "AUDIT",       "CHECKSUM"};
  if (name.empty() || name.size() > longest_chain)
    return fmt::format("\"{}\": a chain's name has 1 to {} characters here", name, longest_chain);
  if (!is_name(name))
    return fmt::format("\"{}\": letters, digits, '_', '-' and '.' make a chain's name", name);
  if (name.find('-') != std::string::npos) // an injector of FLOWSPEC would own another's FLOWSPEC-B
    return fmt::format("\"{}\": no '-' in it, which stands between our chain's name and those of its parts",
                       name);
  if (std::find(reserved.begin(), reserved.end(), name) != reserved.end())
    return fmt::format("\"{}\" is a name of iptables' own", name);
  return {};
}

std::string check_sequence(const std::string& text) {
  return parse_sequence_carrier(text)
             ? std::string()
             : fmt::format("\"{}\": it is rt:ASN (0 to 65535), marking or none", text);
}

/// "65000:100" or "192.0.2.1:100", as FRR prints them.
bool is_route_target(const std::string& text) {
  const auto is_number = [](const std::string& word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos &&
           (word.size() == 1 || word.front() != '0');
  };
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || !is_number(text.substr(colon + 1)))
    return false;
  const std::string administrator = text.substr(0, colon);
  const std::optional<Address> address = parse_address(administrator);
  return is_number(administrator) || (address && address->family == Family::ipv4);
}

/// "65000:100=0x10/0xff": the route target and what it becomes.
std::optional<std::pair<std::string, MarkTarget>> redirect_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || !is_route_target(text.substr(0, equals)))
    return std::nullopt;
  const std::size_t slash = text.find('/', equals);
  const auto number = [](const std::string& word) -> std::optional<std::uint32_t> {
    std::size_t used = 0;
    if (word.empty() || std::isdigit(static_cast<unsigned char>(word.front())) == 0)
      return std::nullopt;
    try {
      const unsigned long long value = std::stoull(word, &used, 0);
      if (used == word.size() && value <= 0xffffffffU)
        return static_cast<std::uint32_t>(value);
    } catch (const std::exception&) { // too many digits
    }
    return std::nullopt;
  };
  const auto mark = number(text.substr(equals + 1, slash == std::string::npos ? slash : slash - equals - 1));
  const auto mask = slash == std::string::npos ? 0xffffffffU : number(text.substr(slash + 1));
  if (!mark || !mask || (*mark & ~*mask) != 0 || *mark == 0)
    return std::nullopt;
  return std::pair(text.substr(0, equals), MarkTarget{*mark, *mask});
}

std::string check_redirect(const std::string& text) {
  return redirect_of(text)
             ? std::string()
             : fmt::format("\"{}\": it is RT=MARK or RT=MARK/MASK, like 65000:100=0x10/0xff, and "
                           "no bit of the mark is outside of the mask",
                           text);
}

void add_source_options(CLI::App& app, Options& options, Raw& raw) {
  const auto source = app.add_option_group("Where the routes come from (FRR, unless a file is given)");
  source
      ->add_option("--routes", raw.routes,
                   "IPv4 routes, as `show bgp ipv4 flowspec detail json` prints them; - for standard input")
      ->type_name("FILE")
      ->capture_default_str();
  source->add_option("--routes6", raw.routes6, "The same for IPv6")->type_name("FILE");
  source
      ->add_option("--family", raw.family,
                   "Which routes to ask FRR for: ipv4, ipv6, both, or auto: those that it has a peer for")
      ->check(one_of(family_words))
      ->type_name("FAMILY");
  source
      ->add_option("--source", raw.source,
                   "How FRR is asked: vtysh, or socket: bgpd's own, without a program")
      ->check(one_of(source_words))
      ->type_name("HOW");
  source->add_option("--socket", raw.socket, "bgpd's socket, if not /var/run/frr[/PATHSPACE]/bgpd.vty")
      ->type_name("PATH");
  source->add_option("--vtysh", options.vtysh, "FRR's shell")->type_name("PATH");
  source->add_option("--pathspace", raw.pathspace, "FRR's pathspace: vtysh -N NAME")->type_name("NAME");
  source->add_option("--timeout", raw.timeout, "How long FRR may take to answer")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.01, longest_wait));

  source
      ->add_option(
          "--settle", raw.settle,
          "A peer has said all it has when its End-of-RIB came, or when it has been Established for so long")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, longest_wait));
}

void add_safety_options(CLI::App& app, Options& options, Raw& raw) {
  const auto safety = app.add_option_group("When FRR loses routes");
  safety
      ->add_option("--hold-time", raw.hold_time,
                   "How long routes stay whose peer's session ended: forever, or a number of seconds")
      ->type_name("SECONDS")
      ->default_str("forever")
      ->check(offering({"forever"}));
  safety
      ->add_option("--max-routes", options.hold.max_routes, "More routes of a family than these are refused")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, most_routes));
  safety
      ->add_option("--max-withdraw", options.hold.max_withdraw,
                   "When more than this part of the routes goes at once, and more than 10, look twice")
      ->type_name("PART")
      ->check(CLI::Range(0.0, 1.0));
  safety->add_option("--confirm-after", raw.confirm_after, "How long after the first the second look comes")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, longest_wait));
  safety
      ->add_option("--protect", raw.protect,
                   "No route touches packets from or to this prefix; once for each prefix")
      ->type_name("PREFIX")
      ->default_str("");
  safety->add_option("--state-dir", options.state_dir, "Where is kept what must outlive a pass")
      ->type_name("DIRECTORY");
}

void add_metrics_options(CLI::App& app, Options& options, Raw& raw) {
  const auto metrics = app.add_option_group("Metrics");
  metrics
      ->add_option(
          "--metrics-file", raw.metrics_file,
          "Written after each pass, for Prometheus' node_exporter: its textfile directory, NAME.prom")
      ->type_name("FILE");
  metrics
      ->add_option("--metrics-per-entry", options.metrics_per_entry,
                   "Packets and bytes of so many entries too; 0: of none")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, most_entry_metrics));
}

void add_meaning_options(CLI::App& app, Raw& raw) {
  const auto meaning = app.add_option_group("What the routes mean");
  meaning
      ->add_option("--sequence", raw.sequence,
                   "Where a route carries its sequence number: rt:ASN, marking or none")
      ->type_name("CARRIER")
      ->check(CLI::Validator(check_sequence, ""))
      ->check(offering({"rt:65535", "marking", "none"}));
  meaning
      ->add_option("--operator-table", raw.operator_table,
                   "The operators 000 and 111: rfc8955 (false, true) or draft (true, false)")
      ->check(one_of(operator_tables))
      ->type_name("TABLE")
      ->default_str("rfc8955");
}

void add_choice_options(CLI::App& app, Raw& raw) {
  const auto choice = app.add_option_group("Which routes are enforced, and where");
  choice
      ->add_option("--policy", raw.policy,
                   "What is accepted, rejected or changed, and what is protected: a JSON document")
      ->type_name("FILE");
  choice
      ->add_option("--segments", raw.segments,
                   "Which route targets are for which interfaces: a JSON document")
      ->type_name("FILE");
  choice
      ->add_option("--untargeted", raw.untargeted,
                   "Routes without a target of a segment are for all, none, or \"segment NAME\"")
      ->type_name("WHERE")
      ->check(offering({"all", "none"}));
  choice
      ->add_option("--scope", raw.scope,
                   "all, or local: only routes whose destination or source is this machine's own")
      ->check(one_of(scope_words))
      ->type_name("SCOPE");
  choice
      ->add_option("--scope-prefixes", raw.scope_prefixes,
                   "What is this machine's own, instead of its addresses and the routes to its links")
      ->type_name("PREFIX")
      ->delimiter(',')
      ->default_str("");
  choice
      ->add_option("--validate", raw.validate,
                   "off, or leave out routes that unicast routing does not support: rfc8955, rfc9117")
      ->check(one_of(validate_words))
      ->type_name("HOW");
}

void add_rule_options(CLI::App& app, Options& options, Raw& raw) {
  const auto rules = app.add_option_group("The rules");
  rules
      ->add_option("--chain", options.ours.chain,
                   "Our chain; all chains that begin with \"CHAIN-\" are ours too")
      ->type_name("CHAIN")
      ->check(CLI::Validator(check_chain, ""));
  rules->add_option("--parent", options.compile.parents, "Chains that jump to ours in their first rule")
      ->type_name("CHAIN")
      ->delimiter(',')
      ->check(CLI::Validator(check_parent, ""))
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
  rules
      ->add_option(
          "--layout", raw.layout,
          "linear: one rule after another; tree: chains by prefixes, so that a packet meets few rules; "
          "auto: a tree where it helps")
      ->check(one_of(layout_words))
      ->type_name("LAYOUT");
  rules
      ->add_option(
          "--redirect", raw.redirects,
          "RT=MARK[/MASK]: packets of a redirect to this route target get this mark, for ip rule fwmark")
      ->type_name("RT=MARK")
      ->default_str("")
      ->check(CLI::Validator(check_redirect, ""));
  rules
      ->add_option("--burst", options.compile.burst,
                   "After a pause, so many seconds' worth of a rate may pass at once")
      ->type_name("SECONDS")
      ->check(CLI::Range(std::uint32_t{1}, longest_burst));
  rules
      ->add_option("--nflog-group", options.compile.nflog_group,
                   "Where samples go; FRR hides the bit that asks for them")
      ->type_name("GROUP");
  rules
      ->add_option(
          "--conntrack", raw.conntrack,
          "Whether connection tracking is on here: it hides fragments. auto: on where the kernel has it")
      ->check(one_of(conntrack_words))
      ->type_name("STATE");
  rules->add_option("--wait", raw.wait, "How long to wait for the xtables lock")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, longest_wait));
}

} // namespace

std::map<std::string, MarkTarget> redirects_of(const std::vector<std::string>& texts) {
  std::map<std::string, MarkTarget> redirects;
  for (const std::string& text : texts)
    if (const auto redirect = redirect_of(text))
      if (!redirects.insert(*redirect).second)
        throw UsageError(fmt::format("--redirect {}: {} stands there twice", text, redirect->first));
  return redirects;
}

void add_common_options(CLI::App& app, Options& options, Raw& raw) {
  app.set_version_flag("--version", "flowspec-injector " FLOWSPEC_VERSION);
  add_config_option(app, config_file,
                    {{"json", "--format"},
                     {"family", "--routes"},
                     {"family", "--routes6"},
                     {"validate", "--routes"},
                     {"validate", "--routes6"},
                     {"scope-prefixes", "--scope", "all"}});
  app.option_defaults()->always_capture_default();
  add_source_options(app, options, raw);
  add_meaning_options(app, raw);
  add_choice_options(app, raw);
  add_rule_options(app, options, raw);
  add_safety_options(app, options, raw);
  add_metrics_options(app, options, raw);
  app.add_flag("--json", raw.json, "Print one JSON document");
  app.add_flag("--strict", options.strict, "Exit with 3 when a route was left out");
}

std::optional<std::chrono::milliseconds> hold_time_of(const std::string& text) {
  if (text == "forever")
    return std::nullopt;
  std::size_t used = 0;
  double seconds = -1;
  try {
    seconds = std::stod(text, &used);
  } catch (const std::exception&) { // no number, or too large
  }
  constexpr double ten_years = 10 * 365 * 86400.0;
  if (used != text.size() || !(seconds >= 0) || seconds > ten_years)
    throw UsageError(fmt::format("--hold-time {}: it is forever, or a number of seconds", text));
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

Untargeted untargeted_of(const std::string& text) {
  constexpr std::string_view one = "segment ";
  if (text == "all")
    return {};
  if (text == "none")
    return {Untargeted::Where::none, {}};
  if (text.starts_with(one) && text.size() > one.size())
    return {Untargeted::Where::segment, text.substr(one.size())};
  throw UsageError(fmt::format("--untargeted {}: it is all, none, or \"segment NAME\"", text));
}

std::vector<Prefix> prefixes_of(const char* option, const std::vector<std::string>& texts) {
  std::vector<Prefix> prefixes;
  for (const std::string& text : texts) {
    const std::optional<Prefix> prefix = parse_prefix(text);
    if (!prefix || prefix->offset != 0)
      throw UsageError(fmt::format("{} {}: it is no prefix like 10.0.0.0/8 or 2001:db8::/32", option, text));
    if (std::find(prefixes.begin(), prefixes.end(), *prefix) == prefixes.end())
      prefixes.push_back(*prefix);
  }
  return prefixes;
}

CLI::App* add_run_options(CLI::App& app, Options& options, Raw& raw) {
  CLI::App* const daemon = app.add_option_group("The daemon");
  daemon->add_option("--interval", raw.interval, "A pass so often")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.05, longest_wait));
  daemon
      ->add_option("--full-interval", raw.full_interval,
                   "FRR's routes are read so often, whatever its summary says")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.05, 86400.0));
  daemon->add_option("--max-back-off", raw.longest_back_off, "While passes fail, at least one so often")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.05, longest_wait));
  daemon->add_flag("--flush-on-exit", options.run.flush_on_exit,
                   "Remove our rules at the end; without it they stay");
  daemon->add_option("--log-format", raw.log_format, "text or json, a line an event")
      ->check(one_of(log_formats))
      ->type_name("FORMAT");
  daemon->add_option("--log-level", raw.log_level, "debug, info, notice, warning or error")
      ->check(one_of(log_levels))
      ->type_name("LEVEL");
  return daemon;
}

void add_status_options(CLI::App& app, Raw& raw) {
  app.add_option("--watch", raw.watch, "Again and again, every so many seconds, until it is stopped")
      ->type_name("SECONDS")
      ->expected(0, 1)
      ->check(CLI::Range(0.1, longest_wait))
      ->configurable(false);
}

void add_plan_options(CLI::App& app, Options& options, Raw& raw) {
  app.add_option(
         "--format", raw.format,
         "text, json, or the whole desired state: iptables-restore, ip6tables-restore (with --noflush)")
      ->check(one_of(formats))
      ->type_name("FORMAT")
      ->default_str("text")
      ->configurable(false);
  app.add_flag("--from-empty", options.from_empty,
               "Plan for a table without rules; reads no kernel and needs no privileges")
      ->configurable(false);
  app.add_flag("--explain-policy", options.explain_policy, "Show what each term did to each route")
      ->configurable(false);
  app.add_flag("--exit-code", options.exit_code, "Exit with 4 when there is something to change")
      ->configurable(false);
}

} // namespace flowspec
