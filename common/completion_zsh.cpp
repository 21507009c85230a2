// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/completion.hpp"

#include <algorithm>
#include <string_view>

namespace flowspec {

namespace {

constexpr const char* script = R"(#compdef {program}
# zsh completion of {program}, written by "{program} completion zsh"
_{program}() {{
  local curcontext=$curcontext state line ret=1
  local -A opt_args
  local -a commands=(
{commands}  )
  _arguments -C '(- *)'{{-h,--help}}'[show help]' '(- *)--version[show the version]' \
    '1: :->command' '*:: :->arguments' && ret=0
  case $state in
    command) _describe -t commands command commands && ret=0 ;;
    arguments)
      curcontext=${{curcontext%:*:*}}:{program}-$words[1]:
      case $words[1] in
{cases}      esac
      ;;
  esac
  return ret
}}
if [[ $funcstack[1] == _{program} ]]; then
  _{program} "$@"
else
  compdef _{program} {program}
fi
)";

/// With a backslash before each of `special`, in single quotes.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos)
      result += '\\';
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result;
}

/// ":SECONDS: ", ":FILE:_files", ":LAYOUT:(auto linear tree)"; two colons before what may be left out.
std::string value_text(const CompletedValue& value) {
  std::string action = " "; // nothing is offered, and the name is shown
  switch (value.kind) {
  case CompletedValue::Kind::words:
    action = fmt::format("({})", escaped(fmt::format("{}", fmt::join(value.words, " ")), "\\:()"));
    break;
  case CompletedValue::Kind::file:
    action = "_files";
    break;
  case CompletedValue::Kind::directory:
    action = "_files -/";
    break;
  case CompletedValue::Kind::program:
    action = "_command_names -e";
    break;
  case CompletedValue::Kind::anything:
    break;
  }
  return fmt::format("{}{}:{}", value.optional ? "::" : ":", escaped(value.name, "\\:"), action);
}

std::string option_text(const CompletedOption& option) {
  std::string text;
  for (const std::string& name : option.names) {
    std::vector<std::string> others = option.names;
    others.erase(std::find(others.begin(), others.end(), name));
    text += fmt::format(" \\\n          '{}{}{}{}[{}]{}'", option.repeated ? "*" : "",
                        others.empty() ? "" : fmt::format("({})", fmt::join(others, " ")), name,
                        option.value && name.starts_with("--") ? "=" : "",
                        escaped(option.description, "\\:[]"), option.value ? value_text(*option.value) : "");
  }
  return text;
}

std::string command_case(const CompletedCommand& command) {
  std::string text = fmt::format("        {})\n          _arguments", command.name);
  for (const CompletedOption& option : command.options)
    text += option_text(option);
  if (command.argument)
    text += fmt::format(" \\\n          '{}{}'", command.many_arguments ? "*" : "1",
                        value_text(*command.argument));
  return text + " && ret=0\n          ;;\n";
}

} // namespace

std::string zsh_completion(const std::string& program, const std::vector<CompletedCommand>& commands) {
  std::string described;
  std::string cases;
  for (const CompletedCommand& command : commands) {
    described += fmt::format("    '{}:{}'\n", command.name, escaped(command.description, "\\:"));
    cases += command_case(command);
  }
  return fmt::format(script, fmt::arg("program", program), fmt::arg("commands", described),
                     fmt::arg("cases", cases));
}

} // namespace flowspec
