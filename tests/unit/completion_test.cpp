// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/completion.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace flowspec;

namespace {

using Kind = CompletedValue::Kind;

const std::map<std::string, int> layouts{{"auto", 0}, {"linear", 1}, {"tree", 2}};

/// One option of each kind.
struct Example {
  Example() : app("What it's for: this.", "tool do") {
    app.set_config("--config", "/etc/tool.toml", "Read [options]");
    app.add_flag("--json", flag, "A flag");
    CLI::Option_group* const group = app.add_option_group("A group");
    group->add_option("--layout", text, "How")->check(one_of(layouts))->type_name("LAYOUT");
    group->add_option("--carrier", text, "What")->check(offering({"rt:1", "none"}))->type_name("CARRIER");
    group->add_option("--timeout", number, "When")->type_name("SECONDS")->check(CLI::Range(1, 2));
    group->add_option("--watch", number, "Again")->type_name("SECONDS")->expected(0, 1);
    group->add_option("--state-dir", text, "Where")->type_name("DIRECTORY");
    group->add_option("--bird", text, "Who")->type_name("PROGRAM");
    group->add_option("--parent", list, "Chains")->type_name("CHAIN")->delimiter(',');
    CLI::Option_group* const hidden = app.add_option_group("Not of this command");
    hidden->add_option("--interval", number, "")->type_name("SECONDS");
    hidden->group("");
  }

  bool flag = false;
  int number = 0;
  std::string text;
  std::vector<std::string> list;
  CLI::App app;
};

CompletedValue value(Kind kind, const std::string& name, const std::vector<std::string>& words = {}) {
  return {kind, name, words, false};
}

const CompletedCommand example_command{
    "do",
    "What it's for: this.",
    {{{"-h", "--help"}, "Print this help message and exit", std::nullopt, false},
     {{"--config"}, "Read [options]", value(Kind::file, "FILE"), false},
     {{"--json"}, "A flag", std::nullopt, false},
     {{"--layout"}, "How", value(Kind::words, "LAYOUT", {"auto", "linear", "tree"}), false},
     {{"--carrier"}, "What", value(Kind::words, "CARRIER", {"rt:1", "none"}), false},
     {{"--timeout"}, "When", value(Kind::anything, "SECONDS"), false},
     {{"--watch"}, "Again", CompletedValue{Kind::anything, "SECONDS", {}, true}, false},
     {{"--state-dir"}, "Where", value(Kind::directory, "DIRECTORY"), false},
     {{"--bird"}, "Who", value(Kind::program, "PROGRAM"), false},
     {{"--parent"}, "Chains", value(Kind::anything, "CHAIN"), true}},
    std::nullopt,
    false};

} // namespace

TEST_CASE("completion knows the options that the help shows, and what their values are") {
  Example example;
  const CompletedCommand command = completed_command("do", example.app);
  REQUIRE(command.options.size() == example_command.options.size());
  for (std::size_t index = 0; index < command.options.size(); ++index) {
    CAPTURE(fmt::format("{}", fmt::join(command.options[index].names, " ")));
    CHECK(command.options[index] == example_command.options[index]);
  }
  CHECK(command == example_command);
}

TEST_CASE("completion knows the arguments of a command") {
  CLI::App app("d");
  std::vector<std::string> files;
  app.add_option("FILE", files, "Those")->required()->type_name("");
  const CompletedCommand lint = completed_command("lint", app);
  CHECK(lint.argument == value(Kind::file, "FILE"));
  CHECK(lint.many_arguments);

  CLI::App printing("d");
  std::string shell;
  add_completion_argument(printing, shell);
  const CompletedCommand completion = completed_command("completion", printing);
  CHECK(completion.argument == value(Kind::words, "SHELL", {"bash", "zsh"}));
  CHECK_FALSE(completion.many_arguments);
  CHECK_NOTHROW(printing.parse("zsh"));
  CHECK(shell == "zsh");
  CHECK_THROWS_AS(printing.parse("fish"), CLI::ValidationError);
}

TEST_CASE("a value that is only offered may be another") {
  Example example;
  CHECK_NOTHROW(example.app.parse("--carrier marking"));
  CHECK_THROWS_WITH(example.app.parse("--layout x"),
                    Catch::Contains("\"x\": it is one of auto, linear, tree"));
}

TEST_CASE("the help shows nothing of what completion offers") {
  Example example;
  CHECK_THAT(example.app.help(), !Catch::Contains(std::string(offered_words)));
}

TEST_CASE("the script for bash") {
  const std::string script = completion_script("bash", "the-tool", {example_command});
  for (const char* part :
       {"complete -F _the_tool the-tool\n", "words='do --help --version'\n",
        "      --layout) kind='words' words='auto linear tree' ;;\n", "      --config) kind='file' ;;\n",
        "      --state-dir) kind='directory' ;;\n", "      --bird) kind='program' ;;\n",
        "      --parent | --timeout) kind='anything' ;;\n",
        "        do) options='--bird --carrier --config --help --json --layout --parent "
        "--state-dir --timeout --watch' ;;\n"})
    CHECK_THAT(script, Catch::Contains(part));
}

TEST_CASE("the script for zsh") {
  const std::string script = completion_script("zsh", "the-tool", {example_command});
  for (const char* part :
       {"#compdef the-tool\n", "    'do:What it'\\''s for\\: this.'\n", "'--json[A flag]'",
        "'(--help)-h[Print this help message and exit]'", "'--config=[Read \\[options\\]]:FILE:_files'",
        "'--layout=[How]:LAYOUT:(auto linear tree)'", "'--carrier=[What]:CARRIER:(rt\\:1 none)'",
        "'--timeout=[When]:SECONDS: '", "'--watch=[Again]::SECONDS: '",
        "'--state-dir=[Where]:DIRECTORY:_files -/'", "'*--parent=[Chains]:CHAIN: '"})
    CHECK_THAT(script, Catch::Contains(part));
}

TEST_CASE("an option that means two things is refused: the script for bash could not tell") {
  CompletedCommand other = example_command;
  other.name = "other";
  other.options.back().value->kind = Kind::file;
  CHECK_THROWS_AS(bash_completion("the-tool", {example_command, other}), std::logic_error);
}
