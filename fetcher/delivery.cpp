// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/delivery.hpp"

#include "common/error.hpp"
#include "fetcher/unified_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace flowspec {

namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end != 0)
      lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

/// What `program` said, on one line, without its greeting.
std::string words_of(const std::string& program, const Finished& finished) {
  std::string words;
  for (const std::string* text : {&finished.out, &finished.err})
    for (const std::string_view line : lines_of(*text))
      if (!(line.starts_with("BIRD ") && line.ends_with(" ready.")) &&
          !line.starts_with("Reading configuration from "))
        words += fmt::format("{}{}", words.empty() ? "" : "; ", line);
  return words.empty()
             ? fmt::format("{} ended with exit status {}, without a word", program, finished.exit_code)
             : words;
}

void validate(const std::string& output, std::string_view text, const DeliveryOptions& options,
              const DeliveryEffects& effects) {
  const std::string attempt = fmt::format("check BIRD's configuration with the new {}", output);
  try {
    const std::vector<CopiedFile> copies =
        copy_bird_configuration(options.bird_config, output, text, effects.configuration);
    const Finished finished = effects.parse(options.bird, copies);
    if (finished.exit_code != 0)
      throw Error(with_original_names(words_of(options.bird, finished), copies));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}; nothing was written", attempt, error.what()));
  }
}

/// Throws Error when BIRD does not say that it has the file; `may_have_taken` is false when it says that it
/// has not.
void reload(const DeliveryOptions& options, const DeliveryEffects& effects, bool& may_have_taken) {
  std::vector<std::string> argv{options.birdc};
  if (options.birdc_socket)
    argv.insert(argv.end(), {"-s", *options.birdc_socket});
  argv.emplace_back("configure");
  may_have_taken = true; // unless there is an answer
  const Finished answer = effects.run(argv);
  may_have_taken = answer.exit_code == 0;
  if (!bird_took_it(answer))
    throw Error(fmt::format("{}: {}", fmt::join(argv, " "), words_of(options.birdc, answer)));
}

} // namespace

bool bird_took_it(const Finished& answer) {
  constexpr std::array<std::string_view, 3> yes{
      "Reconfigured", "Reconfiguration in progress",
      "Reconfiguration already in progress, queueing"}; // read, and used next
  const std::vector<std::string_view> lines = lines_of(answer.out);
  return answer.exit_code == 0 && std::ranges::any_of(lines, [&](std::string_view line) {
           return std::ranges::any_of(yes, [line](std::string_view word) { return line.starts_with(word); });
         });
}

std::string unconfirmed_mark(const std::string& output) {
  const std::filesystem::path path(output);
  return path.parent_path() / ("." + path.filename().string() + ".unconfirmed");
}

DeliveryResult deliver(const std::string& output, std::string_view text, const DeliveryOptions& options,
                       const DeliveryEffects& effects) {
  // Ended between writing and reloading, we would leave a file that BIRD does not have. No signal does that,
  // and for what cannot be held there is the mark.
  const std::shared_ptr<void> held = effects.hold_signals();
  const std::optional<std::string> old = effects.read_existing(output);
  const std::string mark = unconfirmed_mark(output);
  if (old == text) {
    if (!options.reload || !effects.read_existing(mark))
      return {Delivered::unchanged, {}};
    bool ignored = false;
    reload(options, effects, ignored);
    effects.remove_file(mark);
    return {Delivered::reloaded, {}};
  }
  if (options.validate)
    validate(output, text, options, effects);
  if (options.check)
    return {Delivered::would_change, unified_diff(output, old, text)};
  if (options.reload)
    effects.write_file(mark, "BIRD has not said yet that it has the configuration beside this file.\n");
  effects.write_file(output, text);
  if (!options.reload)
    return {Delivered::written, {}};
  bool may_have_taken = true;
  try {
    reload(options, effects, may_have_taken);
  } catch (const Error& refusal) {
    try {
      if (old)
        effects.write_file(output, *old);
      else
        effects.remove_file(output);
      if (!may_have_taken)
        effects.remove_file(mark);
    } catch (const Error& error) {
      throw Error(fmt::format("{}; {} holds the new configuration, and the old one cannot be put back: {}",
                              refusal.what(), output, error.what()));
    }
    throw Error(fmt::format("{}; {} is {}", refusal.what(), output,
                            old ? "as it was" : "removed: there was none before"));
  }
  effects.remove_file(mark);
  return {Delivered::reloaded, {}};
}

} // namespace flowspec
