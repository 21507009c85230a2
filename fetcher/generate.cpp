// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/generate.hpp"

#include "common/entry_json.hpp"
#include "common/error.hpp"
#include "common/printable.hpp"
#include "common/rule_text.hpp"
#include "fetcher/distinct.hpp"
#include "fetcher/outbound_policy.hpp"
#include "fetcher/report.hpp"
#include "fetcher/save_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <ostream>
#include <string_view>
#include <vector>

namespace flowspec {

namespace {

constexpr std::string_view chain = "FORWARD";

std::string_view prefix(Family family) {
  return family == Family::ipv4 ? "" : "IPv6 ";
}

Publication publish_kernel(const Ruleset& ruleset, const PublishOptions& options) {
  const auto rule_name = [&ruleset](std::string_view of, std::size_t index) {
    return fmt::format("{}{} {}: {}", prefix(ruleset.family), of, index + 1,
                       to_string(ruleset.find(of)->rules[index], ruleset.family));
  };
  try {
    return publish(ruleset, chain, rule_name, options);
  } catch (const Error& error) {
    throw Error(fmt::format("publish the kernel's {} rules: {}", name(ruleset.family), error.what()));
  }
}

Publication publish_text(const std::string& path, std::string_view text, Family family,
                         PublishOptions options, std::ostream& err) {
  const std::string_view source = path == "-" ? "standard input" : std::string_view(path);
  try {
    const SavedTable table = parse_saved_table(text, family);
    for (const std::string& warning : table.warnings)
      err << one_line(fmt::format("{}: {}", source, warning)) << '\n';
    const auto rule_name = [&](std::string_view of, std::size_t index) {
      const SavedRule& rule = table.rules.find(of)->second[index];
      return fmt::format("{}{} {}, line {}: {}", prefix(family), of, index + 1, rule.line, rule.text);
    };
    options.connections_tracked = table.connections_tracked;
    return publish(table.ruleset, chain, rule_name, options);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", source, error.what()));
  }
}

/// None when none is given.
std::optional<Policy> outbound_policy(const GenerateOptions& options, const GenerateEffects& effects) {
  if (!options.policy)
    return std::nullopt;
  const auto read = [&effects](const std::string& path) {
    try {
      return effects.read_file(path);
    } catch (const Error& error) {
      throw UsageError(error.what());
    }
  };
  Policy policy = parse_policy(read(*options.policy), *options.policy, read);
  check_outbound(policy, options.sequence, *options.policy);
  return policy;
}

/// As the injector's check has it, which knows segments, too.
std::string checked_json(const std::optional<Policy>& policy, const std::vector<std::string>& warnings) {
  nlohmann::ordered_json terms = nlohmann::ordered_json::array();
  if (policy)
    for (const Term& term : policy->terms)
      terms.push_back(term.name);
  return dump({{"terms", terms}, {"warnings", warnings}});
}

std::vector<Publication> publish_all(const GenerateOptions& options, const GenerateEffects& effects,
                                     std::ostream& err) {
  std::vector<Publication> publications;
  PublishOptions publishing = options.publish;
  publishing.name_every_rule = options.report_every || options.json;
  if (!options.rules && !options.rules6) {
    const LiveRules live = effects.read_kernel(options.family);
    for (const std::string& words : live.words)
      err << one_line(words) << '\n';
    for (const Ruleset& ruleset : live.rulesets) {
      publishing.connections_tracked = std::ranges::find(live.tracked, ruleset.family) != live.tracked.end();
      publications.push_back(publish_kernel(ruleset, publishing));
    }
  }
  if (options.rules)
    publications.push_back(
        publish_text(*options.rules, effects.read_file(*options.rules), Family::ipv4, publishing, err));
  if (options.rules6)
    publications.push_back(
        publish_text(*options.rules6, effects.read_file(*options.rules6), Family::ipv6, publishing, err));
  return publications;
}

std::string_view word(Delivered delivered) {
  switch (delivered) {
  case Delivered::unchanged:
    return "unchanged";
  case Delivered::written:
    return "written";
  case Delivered::reloaded:
    return "written, BIRD has it";
  case Delivered::would_change:
    break;
  }
  return "would change";
}

/// IPv6 rules that are not loaded yet look like a host without IPv6: what is published of them stays.
void keep_ipv6(const std::vector<Publication>& publications, const GenerateOptions& options,
               const DeliveryEffects& effects) {
  const bool by_itself = !options.rules && !options.rules6 && !options.family; // nobody left IPv6 out
  if (!by_itself || !options.output ||
      std::ranges::find(publications, Family::ipv6, &Publication::family) != publications.end())
    return;
  const std::optional<std::string> there = effects.read_existing(*options.output);
  if (there && there->find("route flow6 {") != std::string::npos)
    throw Error(
        fmt::format("nobody uses ip6tables-legacy here, and {} has IPv6 routes, which would be withdrawn; "
                    "--family ipv4 does that",
                    *options.output));
}

/// Returns true when a delivery would change something.
bool hand_over(const std::string& config, std::size_t routes, const GenerateOptions& options,
               const DeliveryEffects& effects, std::ostream& out, std::ostream& err) {
  bool would_change = false;
  if (options.output) {
    const DeliveryResult result = deliver(*options.output, config, options.delivery, effects);
    would_change = result.delivered == Delivered::would_change;
    out << result.diff;
    err << one_line(fmt::format("{}: {}, {} routes", *options.output, word(result.delivered), routes))
        << '\n';
  } else if (!options.json) {
    out << config;
  }
  if (!out.flush())
    throw Error("standard output: cannot write");
  return would_change;
}

} // namespace

void check(const GenerateOptions& options) {
  check(options.names);
  const DeliveryOptions& delivery = options.delivery;
  if (options.rules == "-" && options.rules6 == "-")
    throw UsageError("--rules - and --rules6 -: standard input can be only one of them");
  if ((options.rules || options.rules6) && options.family)
    throw UsageError("--family: it says what to read from the kernel, and rules are given");
  if (options.output == "-")
    throw UsageError("--output -: without --output it goes to standard output");
  for (const auto& [option, path] : {std::pair{"--rules", options.rules},
                                     {"--rules6", options.rules6},
                                     {"--policy", options.policy},
                                     {"--output", options.output},
                                     {"--birdc-socket", delivery.birdc_socket}})
    if (path == "")
      throw UsageError(fmt::format("{}: the name of a file is missing", option));
  for (const auto& [option, given] : {std::pair{"--check", delivery.check},
                                      {"--validate", delivery.validate},
                                      {"--reload", delivery.reload}})
    if (given && !options.output)
      throw UsageError(fmt::format("{}: it needs --output", option));
  if (delivery.check && delivery.reload)
    throw UsageError("--check and --reload: one changes nothing, the other does");
  if (delivery.check && options.json)
    throw UsageError("--check and --json: both print on standard output");
}

int check_policy(const GenerateOptions& options, const GenerateEffects& effects, std::ostream& out,
                 std::ostream& err) {
  const std::optional<Policy> policy = outbound_policy(options, effects);
  std::vector<std::string> warnings;
  if (policy)
    for (const std::string& warning : policy_warnings(*policy))
      warnings.push_back(fmt::format("{}: {}", *options.policy, warning));
  if (options.json) {
    out << checked_json(policy, warnings);
  } else {
    if (policy)
      out << "policy " << *options.policy << '\n' << policy_text(*policy);
    if (warnings.empty())
      out << "the configuration is good\n";
  }
  for (const std::string& warning : warnings)
    err << one_line(fmt::format("warning: {}", warning)) << '\n';
  if (!out.flush())
    throw Error("standard output: cannot write");
  return options.strict && !warnings.empty() ? exit_code::left_out : exit_code::done;
}

int generate(const GenerateOptions& options, const GenerateEffects& effects, std::ostream& out,
             std::ostream& err) {
  const std::optional<Policy> policy = outbound_policy(options, effects);
  std::vector<Publication> publications = publish_all(options, effects, err);
  if (policy)
    for (Publication& publication : publications) {
      for (const std::string& words : apply_outbound(*policy, publication))
        err << one_line(words) << '\n';
      if (publication.routes.size() > options.publish.max_routes + 1) // and the chain's policy
        throw Error(
            fmt::format("publish {} routes with what the policy protects: {} of them; --max-routes allows {}",
                        name(publication.family), publication.routes.size(), options.publish.max_routes));
      if (options.publish.no_common_beginning)
        separate_beginnings(publication.routes);
    }
  err << report(publications, options.report_every);
  const std::string json = options.json ? report_json(publications) : "";
  std::size_t unsupported = 0;
  std::vector<Route> routes;
  for (Publication& publication : publications) {
    unsupported += publication.unsupported();
    std::ranges::move(publication.routes, std::back_inserter(routes));
  }
  const bool refused = unsupported != 0 && !options.skip_unsupported;
  const std::string config = refused ? "" : bird_config(routes, options.names, options.sequence);
  if (options.json && !(out << json).flush()) // before anything is changed
    throw Error("write to standard output: it does not take the report; nothing was written");
  if (refused) {
    err << fmt::format(
        "nothing written: {} of the rules of {} cannot be published; --skip-unsupported leaves them out\n",
        unsupported, chain);
    return exit_code::failed;
  }
  keep_ipv6(publications, options, effects.delivery);
  if (options.sequence.kind == SequenceCarrier::Kind::none)
    err << "--sequence none: rules that overlap may decide in another order than here\n";
  const bool would_change = hand_over(config, routes.size(), options, effects.delivery, out, err);
  if (unsupported != 0 && options.strict)
    return exit_code::left_out;
  return would_change ? exit_code::would_change : exit_code::done;
}

} // namespace flowspec
