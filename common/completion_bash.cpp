// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/completion.hpp"

#include <algorithm>
#include <stdexcept>

namespace flowspec {

namespace {

constexpr const char* script = R"(# bash completion of {program}, written by "{program} completion bash"
{function}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} prefix='' kind='' words='' options=''
  COMPREPLY=()
  # bash takes --OPTION=VALUE for three words, unless '=' was taken out of COMP_WORDBREAKS
  if [[ $current == = ]]; then
    current=''
  elif [[ $before == = ]]; then
    before=${{COMP_WORDS[COMP_CWORD - 2]}}
  elif [[ $current == --*=* ]]; then
    before=${{current%%=*}}
    prefix=$before=
    current=${{current#*=}}
  fi
  if ((COMP_CWORD == 1)); then
    words='{commands} --help --version'
  else
    case $before in
{values}    esac
    if [[ ! $kind ]]; then
      case ${{COMP_WORDS[1]}} in
{options}      esac
      [[ $current != -* && $kind ]] || {{
        kind='words'
        words=$options
      }}
    fi
  fi
  case $kind in
    file) compopt -o default ;;
    directory) compopt -o dirnames ;;
    program) mapfile -t COMPREPLY < <(compgen -P "$prefix" -c -- "$current") ;;
    anything) ;;
    *) mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$words" -- "$current") ;;
  esac
}}
complete -F {function} {program}
)";

std::string kind_and_words(const CompletedValue& value) {
  switch (value.kind) {
  case CompletedValue::Kind::words:
    return fmt::format("kind='words' words='{}'", fmt::join(value.words, " "));
  case CompletedValue::Kind::file:
    return "kind='file'";
  case CompletedValue::Kind::directory:
    return "kind='directory'";
  case CompletedValue::Kind::program:
    return "kind='program'";
  case CompletedValue::Kind::anything:
    break;
  }
  return "kind='anything'";
}

/// What to do behind which options: these mean the same in every command, or a script could not tell.
std::string value_cases(const std::string& program, const std::vector<CompletedCommand>& commands) {
  std::map<std::string, std::string> known; // of the option's name
  for (const CompletedCommand& command : commands)
    for (const CompletedOption& option : command.options)
      for (const std::string& name : option.names) {
        const bool asks = option.value && !option.value->optional;
        const std::string action = asks ? kind_and_words(*option.value) : "";
        if (known.try_emplace(name, action).first->second != action)
          throw std::logic_error(
              fmt::format("{} {}: {} means something else in another command", program, command.name, name));
      }
  std::map<std::string, std::vector<std::string>> by_action;
  for (const auto& [name, action] : known)
    if (!action.empty())
      by_action[action].push_back(name);
  std::string text;
  for (const auto& [action, names] : by_action)
    text += fmt::format("      {}) {} ;;\n", fmt::join(names, " | "), action);
  return text;
}

std::string option_cases(const std::vector<CompletedCommand>& commands) {
  std::string text;
  for (const CompletedCommand& command : commands) {
    std::vector<std::string> names;
    for (const CompletedOption& option : command.options)
      names.push_back(option.names.back()); // of -h and --help the long one
    std::sort(names.begin(), names.end());
    text += fmt::format("        {}) options='{}'{} ;;\n", command.name, fmt::join(names, " "),
                        command.argument ? " " + kind_and_words(*command.argument) : "");
  }
  return text;
}

} // namespace

std::string bash_completion(const std::string& program, const std::vector<CompletedCommand>& commands) {
  std::vector<std::string> names;
  for (const CompletedCommand& command : commands)
    names.push_back(command.name);
  std::string function = "_" + program;
  std::replace(function.begin(), function.end(), '-', '_');
  return fmt::format(script, fmt::arg("program", program), fmt::arg("function", function),
                     fmt::arg("commands", fmt::format("{}", fmt::join(names, " "))),
                     fmt::arg("values", value_cases(program, commands)),
                     fmt::arg("options", option_cases(commands)));
}

} // namespace flowspec
