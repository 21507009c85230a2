// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/bird_copy.hpp"

#include <catch2/catch.hpp>

#include <fnmatch.h>

#include <filesystem>
#include <map>
#include <set>

using namespace flowspec;

namespace {

/// A file system of a few files.
struct Disk {
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> links; ///< a directory's or a file's path, and where it leads

  std::string real_path(const std::string& path) const {
    std::string plain = std::filesystem::path(path).lexically_normal().string();
    for (const auto& [from, to] : links)
      if (plain == from || plain.starts_with(from + "/"))
        plain = to + plain.substr(from.size());
    return plain;
  }

  ConfigurationFiles effects() const {
    return {.read_file =
                [this](const std::string& path) {
                  const auto file = files.find(real_path(path));
                  if (file == files.end())
                    throw Error("open " + path + ": No such file or directory");
                  return file->second;
                },
            .glob =
                [this](const std::string& pattern) {
                  std::set<std::string> names;
                  for (const auto& [path, content] : files)
                    for (std::filesystem::path name = path; name != "/"; name = name.parent_path())
                      names.insert(name.string());
                  for (const auto& [from, to] : links)
                    names.insert(from);
                  std::vector<std::string> found;
                  for (const std::string& name : names)
                    if (fnmatch(std::filesystem::path(pattern).lexically_normal().c_str(), name.c_str(),
                                FNM_PATHNAME | FNM_NOESCAPE | FNM_PERIOD) == 0)
                      found.push_back(name);
                  return found;
                },
            .is_directory =
                [this](const std::string& path) {
                  const auto below = files.lower_bound(real_path(path) + "/");
                  return below != files.end() && below->first.starts_with(real_path(path) + "/");
                },
            .real_path = [this](const std::string& path) { return real_path(path); }};
  }
};

/// What BIRD would read: the copies put together.
std::string read_copy(const std::vector<CopiedFile>& copies, const std::string& name = "bird.conf") {
  std::string text;
  std::size_t done = 0;
  for (const CopiedFile& copy : copies) {
    if (fnmatch(name.c_str(), copy.name.c_str(), 0) != 0)
      continue;
    done = 0;
    for (const BirdInclude& include : bird_includes(copy.content)) {
      text.append(copy.content, done, include.offset - done);
      text += "[" + read_copy(copies, include.path) + "]";
      done = include.offset + include.path.size();
    }
    text.append(copy.content, done);
  }
  return text;
}

std::vector<CopiedFile> copy(const Disk& disk, const std::string& output, const std::string& text = "NEW\n") {
  return copy_bird_configuration("/etc/bird/bird.conf", output, text, disk.effects());
}

} // namespace

TEST_CASE("an include stands at the beginning of a line, outside of comments and quotes") {
  const auto [text, paths] = GENERATE(table<std::string, std::vector<std::string>>({
      {"", {}},
      {"include \"a\";", {"a"}},
      {" \tinclude\t \"conf.d/*.conf\" \t;\ninclude \"b\";\n", {"conf.d/*.conf", "b"}},
      {"include\"a\";", {"a"}},
      {"router id 10.0.0.1;include \"a\";", {}},
      {"# include \"a\";\ninclude \"b\";", {"b"}},
      {"/*\ninclude \"a\";\n*/\ninclude \"b\";", {"b"}},
      {"/*\n*/include \"a\";\n", {}},
      {"/* never closed\ninclude \"a\";\n", {}},
      {"log \"/* # \" all;\ninclude \"b\";", {"b"}},
      {"log \"never closed\ninclude \"b\";", {"b"}},
      {"define 'a#b' = 1; # \"\ninclude \"b\";", {"b"}},
      {"include \"a\"; include \"b\";\n", {"a"}},
      {"include \"\";\ninclude \"a\ninclude \"b\" x;\nincluded \"c\";\nincludes\ninclude", {}},
      {"protocol bgp x {\n  include \"a\";\n}\n", {"a"}},
  }));
  std::vector<std::string> found;
  for (const BirdInclude& include : bird_includes(text)) {
    CHECK(text.substr(include.offset, include.path.size()) == include.path);
    found.push_back(include.path);
  }
  CHECK(found == paths);
}

TEST_CASE("the file that is to be replaced has its new text in the copy") {
  const Disk disk{{{"/etc/bird/bird.conf", "one\ninclude \"flowspec.conf\"; # mine\ntwo\n"},
                   {"/etc/bird/flowspec.conf", "OLD\n"}},
                  {}};
  const std::vector<CopiedFile> copies = copy(disk, "/etc/bird/flowspec.conf");
  REQUIRE(copies.size() == 2);
  CHECK(copies[0].original == "/etc/bird/bird.conf");
  CHECK(copies[0].content == "one\ninclude \"file-000001\"; # mine\ntwo\n");
  CHECK(copies[1].name == "file-000001");
  CHECK(copies[1].content == "NEW\n");
}

TEST_CASE("a copy is read as the configuration would be") {
  Disk disk;
  disk.files["/etc/bird/flowspec.conf"] = "OLD\n";
  std::string output = "/etc/bird/flowspec.conf";
  std::string expected;
  SECTION("by its whole path") {
    disk.files["/etc/bird/bird.conf"] = "include \"/etc/bird/flowspec.conf\";\n";
    expected = "include \"[NEW\n]\";\n";
  }
  SECTION("by a longer path") {
    disk.files["/etc/bird/bird.conf"] = "include \"../bird/./flowspec.conf\";\n";
    expected = "include \"[NEW\n]\";\n";
  }
  SECTION("not there yet") {
    disk.files.erase("/etc/bird/flowspec.conf");
    disk.files["/etc/bird/bird.conf"] = "include \"flowspec.conf\";\n";
    expected = "include \"[NEW\n]\";\n";
  }
  SECTION("by a pattern, beside others, a directory among them") {
    disk.files["/etc/bird/bird.conf"] = "include \"*.conf*\";\n";
    disk.files["/etc/bird/a.conf"] = "A\n";
    disk.files["/etc/bird/z.conf"] = "Z\n";
    disk.files["/etc/bird/x.conf.d/y"] = "Y\n";
    disk.files["/etc/bird/bird.conf"] = "include \"[!b]*.conf*\";\n";
    expected = "include \"[A\nNEW\nZ\n]\";\n";
  }
  SECTION("by a pattern, not there yet") {
    disk.files.erase("/etc/bird/flowspec.conf");
    disk.files["/etc/bird/bird.conf"] = "include \"conf.d/*.conf\";\n";
    disk.files["/etc/bird/conf.d/a.conf"] = "A\n";
    disk.files["/etc/bird/conf.d/z.conf"] = "Z\n";
    output = "/etc/bird/conf.d/flowspec.conf";
    expected = "include \"[A\nNEW\nZ\n]\";\n";
  }
  SECTION("by a pattern of directories, not there yet") {
    disk.files.erase("/etc/bird/flowspec.conf");
    disk.files["/etc/bird/bird.conf"] = "include \"*.d/?.conf\";\n";
    disk.files["/etc/bird/a.d/1.conf"] = "A\n";
    disk.files["/etc/bird/b.d/1.conf"] = "B1\n";
    disk.files["/etc/bird/b.d/3.conf"] = "B3\n";
    disk.files["/etc/bird/c.d/1.conf"] = "C\n";
    output = "/etc/bird/b.d/2.conf";
    expected = "include \"[A\nB1\nNEW\nB3\nC\n]\";\n";
  }
  SECTION("through a file in another directory, whose paths are relative to it") {
    disk.files["/etc/bird/bird.conf"] = "include \"site/*.conf\";\n";
    disk.files["/etc/bird/site/a.conf"] = "a\ninclude \"b\";\n";
    disk.files["/etc/bird/site/b"] = "include \"../flowspec.conf\";\ninclude \"c/*\";\n";
    disk.files["/etc/bird/site/c/1"] = "C\n";
    expected = "include \"[a\ninclude \"[include \"[NEW\n]\";\ninclude \"[C\n]\";\n]\";\n]\";\n";
  }
  SECTION("twice") {
    disk.files["/etc/bird/bird.conf"] = "include \"flowspec.conf\";\ninclude \"flowspec.conf\";\n";
    expected = "include \"[NEW\n]\";\ninclude \"[NEW\n]\";\n";
  }
  SECTION("the output is a symbolic link") {
    disk.links["/etc/bird/link.conf"] = "/etc/bird/flowspec.conf";
    disk.files["/etc/bird/bird.conf"] = "include \"flowspec.conf\";\n";
    output = "/etc/bird/link.conf";
    expected = "include \"[NEW\n]\";\n";
  }
  SECTION("the configuration names it by a symbolic link") {
    disk.links["/etc/bird/link.conf"] = "/etc/bird/flowspec.conf";
    disk.files["/etc/bird/bird.conf"] = "include \"link*\";\n";
    expected = "include \"[NEW\n]\";\n";
  }
  SECTION("a pattern that nothing matches") {
    disk.files["/etc/bird/bird.conf"] = "include \"none/*\";\ninclude \"flowspec.conf\";\n";
    expected = "include \"[]\";\ninclude \"[NEW\n]\";\n";
  }
  CHECK(read_copy(copy(disk, output)) == expected);
}

TEST_CASE("a text that BIRD would not look at is an error") {
  const Disk disk{{{"/etc/bird/bird.conf", "# include \"flowspec.conf\";\ninclude \"*.other\";\n"},
                   {"/etc/bird/flowspec.conf", "OLD\n"}},
                  {}};
  CHECK_THROWS_WITH(
      copy(disk, "/etc/bird/flowspec.conf"),
      "/etc/bird/bird.conf does not include /etc/bird/flowspec.conf: BIRD would not look at it");
  CHECK_THROWS_AS(copy(disk, "/tmp/new.other"), Error);
}

TEST_CASE("a configuration that cannot be read, or has no end, is an error") {
  Disk disk{{{"/etc/bird/bird.conf", "include \"flowspec.conf\";\ninclude \"gone.conf\";\n"}}, {}};
  CHECK_THROWS_WITH(copy(disk, "/etc/bird/flowspec.conf"),
                    "open /etc/bird/gone.conf: No such file or directory");
  disk.files["/etc/bird/gone.conf"] = "include \"*.conf\";\n";
  CHECK_THROWS_WITH(copy(disk, "/etc/bird/flowspec.conf"), Catch::Contains("more than 8 deep"));
  disk.files.clear();
  CHECK_THROWS_WITH(copy(disk, "/etc/bird/flowspec.conf"),
                    "open /etc/bird/bird.conf: No such file or directory");
}

TEST_CASE("BIRD's words name the originals") {
  const std::vector<CopiedFile> copies{{"bird.conf", "/etc/bird/bird.conf", ""},
                                       {"file-000001", "/etc/bird/flowspec.conf", ""}};
  CHECK(with_original_names("bird: file-000001:7:3 syntax error\n", copies) ==
        "bird: /etc/bird/flowspec.conf:7:3 syntax error\n");
  CHECK(with_original_names("bird.conf:1:1 x bird.conf:2:1", copies) ==
        "/etc/bird/bird.conf:1:1 x /etc/bird/bird.conf:2:1");
}
