// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/completion.hpp"

#include <functional>
#include <sstream>

namespace flowspec {

namespace {

using Render = std::function<std::string(const std::string&, const std::vector<CompletedCommand>&)>;
const std::map<std::string, Render> shells{{"bash", bash_completion}, {"zsh", zsh_completion}};

const std::map<std::string, CompletedValue::Kind> kinds{{"FILE", CompletedValue::Kind::file},
                                                        {"PATH", CompletedValue::Kind::file},
                                                        {"DIRECTORY", CompletedValue::Kind::directory},
                                                        {"PROGRAM", CompletedValue::Kind::program}};

std::vector<std::string> words_of(CLI::Option& option) {
  std::vector<std::string> words;
  try {
    for (int index = 0;; ++index) {
      const std::string name = option.get_validator(index)->get_name();
      if (!name.starts_with(offered_words))
        continue;
      std::istringstream text(name.substr(offered_words.size()));
      for (std::string word; text >> word;)
        words.push_back(word);
    }
  } catch (const CLI::OptionNotFound&) { // CLI11 does not say how many there are
  }
  return words;
}

/// "SECONDS" of "SECONDS:FLOAT in [0 - 3600]".
std::string type_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

CompletedValue value_of(CLI::Option& option, const std::string& type) {
  CompletedValue value{.name = type, .words = words_of(option)};
  value.optional = option.get_items_expected_min() == 0;
  if (!value.words.empty())
    value.kind = CompletedValue::Kind::words;
  else if (const auto known = kinds.find(type); known != kinds.end())
    value.kind = known->second;
  return value;
}

void add_option(CompletedCommand& command, CLI::Option& option, bool is_config) {
  const bool repeated = option.get_items_expected_max() > 1;
  if (option.get_positional()) {
    command.argument = value_of(option, option.get_name(true));
    command.many_arguments = repeated;
    return;
  }
  CompletedOption completed{.description = option.get_description(), .repeated = repeated};
  for (const std::string& name : option.get_snames())
    completed.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames())
    completed.names.push_back("--" + name);
  if (option.get_items_expected_max() > 0)
    completed.value = value_of(option, is_config ? "FILE" : type_of(option));
  command.options.push_back(std::move(completed));
}

void add_options(CompletedCommand& command, CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    // CLI11 gives every group of options the -h of its command.
    if (!option->get_group().empty() && (option != app.get_help_ptr() || app.get_parent() == nullptr))
      add_option(command, *option, option == app.get_config_ptr());
  for (CLI::App* group : app.get_subcommands([](CLI::App*) { return true; }))
    if (!group->get_group().empty()) // without a name it is hidden
      add_options(command, *group);
}

} // namespace

CompletedCommand completed_command(const std::string& name, CLI::App& app) {
  CompletedCommand command{.name = name, .description = app.get_description()};
  add_options(command, app);
  return command;
}

void add_completion_argument(CLI::App& app, std::string& shell) {
  app.add_option("SHELL", shell, "bash or zsh")->required()->check(one_of(shells))->type_name("");
}

std::string completion_script(const std::string& shell, const std::string& program,
                              const std::vector<CompletedCommand>& commands) {
  return shells.at(shell)(program, commands);
}

} // namespace flowspec
