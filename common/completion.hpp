// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a shell offers when TAB is pressed, made of the options as CLI11 knows them.
#pragma once

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// What may stand where a value is asked for.
struct CompletedValue {
  enum class Kind : std::uint8_t { anything, words, file, directory, program };
  Kind kind = Kind::anything;
  std::string name{};               ///< as the help has it: "SECONDS"
  std::vector<std::string> words{}; ///< of Kind::words
  bool optional = false;

  bool operator==(const CompletedValue&) const = default;
};

struct CompletedOption {
  std::vector<std::string> names{}; ///< "-h", "--help"
  std::string description;
  std::optional<CompletedValue> value{}; ///< none: a flag
  bool repeated = false;

  bool operator==(const CompletedOption&) const = default;
};

struct CompletedCommand {
  std::string name;
  std::string description;
  std::vector<CompletedOption> options{};   ///< those that the help shows
  std::optional<CompletedValue> argument{}; ///< what is no option
  bool many_arguments = false;

  bool operator==(const CompletedCommand&) const = default;
};

/// The words of an option that completion may offer stand in the name of a validator, which CLI11 shows
/// nowhere.
constexpr std::string_view offered_words = "words:";

/// Takes every value; completion offers `words`, none of which has a blank.
inline CLI::Validator offering(const std::vector<std::string>& words) {
  return {[](const std::string&) { return std::string(); }, "",
          fmt::format("{}{}", offered_words, fmt::join(words, " "))};
}

/// Takes one of `words`, which must last as long as the options; completion offers them.
template <class Value>
CLI::Validator one_of(const std::map<std::string, Value>& words) {
  std::vector<std::string> names;
  for (const auto& [word, value] : words)
    names.push_back(word);
  return {[&words](const std::string& text) {
            std::string known;
            for (const auto& [word, value] : words)
              known += (known.empty() ? "" : ", ") + word;
            return words.contains(text) ? std::string() : fmt::format("\"{}\": it is one of {}", text, known);
          },
          "", fmt::format("{}{}", offered_words, fmt::join(names, " "))};
}

/// The options and arguments of `app` that its help shows. A value is a file, a directory or a program when
/// its type has that name (FILE and PATH; DIRECTORY; PROGRAM), and one of some words when a validator above
/// says so.
CompletedCommand completed_command(const std::string& name, CLI::App& app);

/// Makes `app` the command that prints a completion; `shell` becomes "bash" or "zsh" and must outlive the
/// parsing.
void add_completion_argument(CLI::App& app, std::string& shell);

/// The script for that shell. `commands` are all of `program`, which are its first word.
std::string completion_script(const std::string& shell, const std::string& program,
                              const std::vector<CompletedCommand>& commands);

std::string bash_completion(const std::string& program, const std::vector<CompletedCommand>& commands);
/// Good as a file `_PROGRAM` of zsh's `fpath`, and to be sourced.
std::string zsh_completion(const std::string& program, const std::vector<CompletedCommand>& commands);

} // namespace flowspec
