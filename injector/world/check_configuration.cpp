// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/atomic_file.hpp"
#include "common/entry_json.hpp"
#include "common/error.hpp"
#include "injector/layout.hpp"
#include "injector/world/commands.hpp"

#include <fmt/format.h>

namespace flowspec {

namespace {

/// What is of no use, or not what its writer may have meant.
std::vector<std::string> warnings(const Options& options) {
  std::vector<std::string> all;
  if (options.policy)
    for (const std::string& each : policy_warnings(*options.policy))
      all.push_back(fmt::format("{}: {}", *options.policy_file, each));
  if (options.segments_file && hands_back(options.compile))
    all.push_back(
        fmt::format("{}: a packet can be in two segments: each of them may drop it, and what is accepted "
                    "goes back to the parent chain, whose rules decide then",
                    *options.segments_file));
  return all;
}

nlohmann::ordered_json as_json(const Options& options, const std::vector<std::string>& found) {
  nlohmann::ordered_json terms = nlohmann::ordered_json::array();
  if (options.policy)
    for (const Term& term : options.policy->terms)
      terms.push_back(term.name);
  nlohmann::ordered_json segments = nlohmann::ordered_json::array();
  for (const Segment& segment : options.compile.segments)
    segments.push_back(segment.name);
  return {{"terms", terms}, {"segments", segments}, {"warnings", found}};
}

} // namespace

std::string read_document(const std::string& path) {
  try {
    return read_file(path);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

int check_configuration(const Options& options) {
  const std::vector<std::string> found = warnings(options);
  if (options.format == Format::json) {
    print(dump(as_json(options, found)));
  } else {
    std::string text;
    if (options.policy)
      text += fmt::format("policy {}\n{}", *options.policy_file, policy_text(*options.policy));
    if (!options.compile.segments.empty())
      text += fmt::format(
          "{}segments {}\n{}", text.empty() ? "" : "\n", *options.segments_file,
          segments_text(options.compile.segments, options.compile.untargeted, options.compile.parents));
    print(text + (found.empty() ? "the configuration is good\n" : ""));
  }
  for (const std::string& each : found)
    say(fmt::format("warning: {}", each));
  return options.strict && !found.empty() ? 3 : 0;
}

} // namespace flowspec
