// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/config_file.hpp"
#include "common/error.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

namespace fs = std::filesystem;
using Words = std::vector<const char*>;

/// A directory of its own, removed at the end; `path` in it is the default file.
struct Place {
  fs::path directory = fs::temp_directory_path() / ("config_file." + std::to_string(getpid()));
  std::string path = directory / "tool.toml";
  Place() {
    fs::remove_all(directory);
    fs::create_directory(directory);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { fs::remove_all(directory); }
  void write(const std::string& text) const { std::ofstream(path) << text; }
};

/// A program with some options.
struct Tool {
  explicit Tool(const Place& place) {
    add_config_option(app, place.path, {{"json", "--number"}, {"protect", "--shape", "round"}});
    app.add_option_group("A group")->add_option("--number", number);
    app.add_option("--shape", shape);
    app.add_option("--protect", protect);
    app.add_flag("--json", json);
  }
  void parse(Words words) {
    words.insert(words.begin(), "tool");
    parse_words(app, static_cast<int>(words.size()), words.data());
  }

  CLI::App app;
  int number = 0;
  std::string shape;
  std::vector<std::string> protect;
  bool json = false;
};

std::string refusal(const Place& place, const Words& words) {
  try {
    Tool(place).parse(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

} // namespace

TEST_CASE("a default file that is not there is no file") {
  const Place place;
  Tool tool(place);
  tool.parse({"--number", "1"});
  CHECK(tool.number == 1);
  CHECK_FALSE(config_file_read(tool.app));
  fs::remove_all(place.directory);
  CHECK(refusal(place, {}).empty());
}

TEST_CASE("it is known which file was read") {
  const Place place;
  place.write("number = 7\n");
  Tool by_default(place);
  by_default.parse({});
  CHECK(by_default.number == 7);
  CHECK(config_file_read(by_default.app) == place.path);
  Tool given(place);
  given.parse({"--config", "/dev/null"});
  CHECK(given.number == 0);
  CHECK(config_file_read(given.app) == "/dev/null");
}

TEST_CASE("a default file that is there and cannot be read is refused, with the cause") {
  const Place place;
  const std::string begin = "the configuration file: read " + place.path + ": ";
  SECTION("a directory") {
    fs::create_directory(place.path);
    CHECK(refusal(place, {}) == begin + "Is a directory");
  }
  SECTION("a symbolic link to nowhere") {
    fs::create_symlink(place.directory / "nowhere", place.path);
    CHECK(refusal(place, {}) == begin + "No such file or directory");
  }
  SECTION("a symbolic link to itself") {
    fs::create_symlink(place.path, place.path);
    CHECK(refusal(place, {}) == begin + "Too many levels of symbolic links");
  }
  SECTION("below what is no directory") {
    fs::remove_all(place.directory);
    std::ofstream(place.directory.string()) << "";
    CHECK(refusal(place, {}) == begin + "Not a directory");
  }
  SECTION("of another user") {
    place.write("number = 7\n");
    fs::permissions(place.path, fs::perms::none);
    if (geteuid() != 0) // root reads everything
      CHECK(refusal(place, {}) == begin + "Permission denied");
  }
  SECTION("another file is given") {
    fs::create_directory(place.path);
    CHECK(refusal(place, {"--config", "/dev/null"}).empty());
  }
  SECTION("the help is asked for") {
    fs::create_directory(place.path);
    CHECK_THROWS_AS(Tool(place).parse({"--help"}), CLI::CallForHelp);
  }
}

TEST_CASE("a file that is given has to be there") {
  const Place place;
  CHECK(refusal(place, {"--config", "/nonexistent/tool.toml"}) ==
        "the configuration file: read /nonexistent/tool.toml: No such file or directory");
  CHECK(refusal(place, {"--config", "/"}) == "the configuration file: read /: Is a directory");
  CHECK(refusal(place, {"--config", ""}) == "--config: the name of a file is missing");
}

TEST_CASE("an option whose value is missing does not take the next word for it") {
  const Place place;
  CHECK(refusal(place, {"--protect=", "--json"}) == "--protect=: the value is missing");
  CHECK(refusal(place, {"--json", "--config="}) == "--config=: the value is missing");
  CHECK(refusal(place, {"--json="}) == "--json=: the value is missing");
  Tool tool(place);
  tool.parse({"--protect=a=", "--json"});
  CHECK(tool.protect == std::vector<std::string>{"a="});
  CHECK(tool.json);
}

TEST_CASE("a key that stands in the file twice is refused") {
  const Place place;
  for (const char* text : {"protect = \"a\"\nnumber = 1\nprotect = \"b\"\n",
                           "protect = [\"a\"]\njson = true\n[default]\nprotect = [\"b\"]\n",
                           "protect = \"a\"\nnumber = 1\n\"protect\" = \"b\"\n"}) {
    CAPTURE(text);
    place.write(text);
    CHECK(refusal(place, {}) == "the configuration file: protect stands there twice");
  }
  place.write("protect = \"a\"\n--protect = \"b\"\n");
  CHECK(refusal(place, {}) == "the configuration file: --protect stands there twice");
  place.write("number = 1\nnumber = 2\n");
  CHECK_FALSE(refusal(place, {}).empty());
  place.write("protect = \"a\"\nprotect = \"b\"\nnumber = 1\n");
  Tool tool(place);
  tool.parse({});
  CHECK(tool.protect == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what stands in the file gives way to options of the command line that it would not go with") {
  const Place place;
  place.write("json = true\nprotect = \"a\"\n");
  const auto json = [&](const Words& words) {
    Tool tool(place);
    tool.parse(words);
    return tool.json;
  };
  CHECK(json({}));
  CHECK(json({"--protect", "b"}));
  CHECK_FALSE(json({"--number", "1"}));
  CHECK(json({"--number", "1", "--json"})); // that is for the program to refuse
  const auto protect = [&](const Words& words) {
    Tool tool(place);
    tool.parse(words);
    return tool.protect;
  };
  CHECK(protect({"--shape", "square"}).size() == 1);
  CHECK(protect({"--shape", "round"}).empty());
  place.write("--json = true\n");
  CHECK_FALSE(json({"--number", "1"}));
  place.write("number = 1\njson = true\n"); // both in the file
  CHECK(json({}));
}

TEST_CASE("what is wrong in the file is said to be there") {
  const Place place;
  place.write("frobnicate = 1\n");
  CHECK_THAT(refusal(place, {}),
             Catch::StartsWith("the configuration file: ") && Catch::Contains("frobnicate"));
  CHECK_THAT(refusal(place, {"--config", "/dev/null", "--frobnicate"}), !Catch::Contains("file"));
}
