// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/generate.hpp"

#include "common/error.hpp"
#include "common/rule_text.hpp"
#include "fetcher/publication.hpp"
#include "fetcher/report.hpp"
#include "fetcher/save_text.hpp"

#include <fmt/format.h>

#include <ostream>

namespace flowspec {

namespace {

constexpr std::string_view chain = "FORWARD";

Publication publish_kernel(const Ruleset& ruleset) {
  return publish(ruleset, chain, [&ruleset](std::size_t index) {
    return fmt::format("rule {}: {}", index + 1,
                       to_string(ruleset.find(chain)->rules[index], ruleset.family));
  });
}

Publication publish_text(const std::string& path, std::string_view text) {
  try {
    const SavedTable table = parse_saved_table(text, Family::ipv4);
    return publish(table.ruleset, chain, [&table](std::size_t index) {
      const SavedRule& rule = table.rules.find(chain)->second[index];
      return fmt::format("rule {}, line {}: {}", index + 1, rule.line, rule.text);
    });
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path == "-" ? "standard input" : path, error.what()));
  }
}

} // namespace

int generate(const GenerateOptions& options, const GenerateEffects& effects, std::ostream& out,
             std::ostream& err) {
  check(options.names);
  if (options.output == "-")
    throw UsageError("--output -: without --output it goes to standard output");
  const Publication publication = options.rules
                                      ? publish_text(*options.rules, effects.read_file(*options.rules))
                                      : publish_kernel(effects.read_kernel());
  err << report(publication);
  const std::size_t problems = publication.problems.size();
  const bool refused = problems != 0 && !options.skip_unsupported;
  const std::string config = refused ? "" : bird_config(publication.routes, options.names, options.sequence);
  if (options.json && !(out << report_json(publication)).flush()) // before anything is changed
    throw Error("write to standard output: it does not take the report; nothing was written");
  if (refused) {
    err << fmt::format(
        "nothing written: {} of the rules of {} cannot be published; --skip-unsupported leaves them out\n",
        problems, chain);
    return exit_code::failed;
  }
  if (options.sequence.kind == SequenceCarrier::Kind::none)
    err << "--sequence none: rules that overlap may decide in another order than here\n";
  if (options.output)
    err << fmt::format("{}: {}, {} routes\n", *options.output,
                       effects.write_file(*options.output, config) ? "written" : "unchanged",
                       publication.routes.size());
  else if (!options.json)
    out << config;
  if (!out.flush())
    throw Error("standard output: cannot write");
  return problems != 0 && options.strict ? exit_code::left_out : exit_code::done;
}

} // namespace flowspec
