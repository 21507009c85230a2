// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/delivery.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace flowspec;

namespace {

const std::string output = "/etc/bird/flowspec.conf";
const std::string mark = "/etc/bird/.flowspec.conf.unconfirmed";
const std::string old_text = "OLD\n";
const std::string new_text = "NEW\n";
const Finished taken{0, "BIRD 2.0.12 ready.\nReading configuration from /etc/bird/bird.conf\nReconfigured\n",
                     ""};
const Finished refused{1,
                       "BIRD 2.0.12 ready.\nReading configuration from /etc/bird/bird.conf\n"
                       "/etc/bird/flowspec.conf:1:1 syntax error\n",
                       ""};

/// A few files, a BIRD, and what can go wrong with them.
struct World {
  std::map<std::string, std::string> files{{"/etc/bird/bird.conf", "include \"flowspec.conf\";\n"},
                                           {output, old_text}};
  std::vector<std::string> done; ///< what was done to the world, in order
  Finished parsed{0, "", ""};
  Finished answer = taken;
  std::string fails; ///< the effect that throws
  int fails_at = 1;  ///< the how manyth time
  int held = 0;

  void attempt(const std::string& effect) {
    if (effect == fails && --fails_at == 0)
      throw Error(effect + ": No space left on device");
  }

  DeliveryResult run(const DeliveryOptions& options) {
    return deliver(output, new_text, options,
                   {.read_existing =
                        [this](const std::string& path) {
                          attempt("read");
                          return files.contains(path) ? std::optional(files.at(path)) : std::nullopt;
                        },
                    .write_file =
                        [this](const std::string& path, std::string_view content) {
                          if (path != mark) {
                            attempt("write");
                            done.push_back("write " + std::string(content));
                          }
                          files[path] = content;
                        },
                    .remove_file =
                        [this](const std::string& path) {
                          if (path != mark) {
                            attempt("remove");
                            done.push_back("remove");
                          }
                          files.erase(path);
                        },
                    .run =
                        [this](const std::vector<std::string>& argv) {
                          std::string line;
                          for (const std::string& word : argv)
                            line += (line.empty() ? "" : " ") + word;
                          done.push_back(line);
                          CHECK(held == 1);
                          CHECK(files.at(output) == new_text);
                          CHECK(files.contains(mark));
                          attempt("run");
                          return answer;
                        },
                    .parse =
                        [this](const std::string& bird, const std::vector<CopiedFile>& copies) {
                          done.push_back(bird + " -p " + copies.front().name);
                          CHECK(copies.back().content == new_text);
                          attempt("parse");
                          return parsed;
                        },
                    .configuration = {.read_file = [this](const std::string& path) { return files.at(path); },
                                      .glob = [](const std::string&) { return std::vector<std::string>(); },
                                      .is_directory = [](const std::string&) { return false; },
                                      .real_path = [](const std::string& path) { return path; }},
                    .hold_signals =
                        [this] {
                          ++held;
                          return std::shared_ptr<void>(nullptr, [this](void*) { --held; });
                        }});
  }
};

using Steps = std::vector<std::string>;

} // namespace

TEST_CASE("a file that changes is written, and BIRD told when that is asked for") {
  World world;
  CHECK(world.run({}) == DeliveryResult{Delivered::written, ""});
  CHECK(world.done == Steps{"write NEW\n"});
  World other;
  CHECK(other.run({.reload = true, .birdc_socket = "/run/x.ctl"}) == DeliveryResult{Delivered::reloaded, ""});
  CHECK(other.done == Steps{"write NEW\n", "birdc -s /run/x.ctl configure"});
  World all;
  CHECK(all.run({.validate = true, .reload = true, .bird = "/opt/bird", .birdc = "/opt/birdc"}).delivered ==
        Delivered::reloaded);
  CHECK(all.done == Steps{"/opt/bird -p bird.conf", "write NEW\n", "/opt/birdc configure"});
}

TEST_CASE("a file that holds the text already is left alone, and so is BIRD") {
  World world;
  world.files[output] = new_text;
  CHECK(world.run({.validate = true, .reload = true}) == DeliveryResult{Delivered::unchanged, ""});
  CHECK(world.run({.check = true}) == DeliveryResult{Delivered::unchanged, ""});
  CHECK(world.done.empty());
}

TEST_CASE("BIRD is asked again when it did not say the last time that it has the file") {
  World killed; // between writing and BIRD's answer
  killed.files[output] = new_text;
  killed.files[mark] = "x";
  CHECK(killed.run({}) == DeliveryResult{Delivered::unchanged, ""}); // nobody wants BIRD to be asked
  CHECK(killed.run({.check = true}) == DeliveryResult{Delivered::unchanged, ""});
  CHECK(killed.done.empty());
  CHECK(killed.run({.reload = true}).delivered == Delivered::reloaded);
  CHECK(killed.done == Steps{"birdc configure"});
  CHECK_FALSE(killed.files.contains(mark));
  CHECK(killed.run({.reload = true}).delivered == Delivered::unchanged);

  World late; // took the file, and said so to nobody
  late.fails = "run";
  CHECK_THROWS(late.run({.reload = true}));
  CHECK(late.files.at(output) == old_text);
  CHECK(late.files.contains(mark));

  World refusing;
  refusing.files[output] = new_text;
  refusing.files[mark] = "x";
  refusing.answer = refused;
  CHECK_THROWS_WITH(refusing.run({.reload = true}),
                    "birdc configure: /etc/bird/flowspec.conf:1:1 syntax error");
  CHECK(refusing.files.contains(mark));
  CHECK(refusing.files.at(output) == new_text);
}

TEST_CASE("a check changes nothing and tells the difference") {
  World world;
  CHECK(world.run({.check = true}) ==
        DeliveryResult{
            Delivered::would_change,
            "--- /etc/bird/flowspec.conf\n+++ /etc/bird/flowspec.conf\n@@ -1,1 +1,1 @@\n-OLD\n+NEW\n"});
  CHECK(world.done.empty());
  world.files.erase(output);
  CHECK(world.run({.check = true, .validate = true}).diff ==
        "--- /dev/null\n+++ /etc/bird/flowspec.conf\n@@ -0,0 +1,1 @@\n+NEW\n");
  CHECK(world.done == Steps{"bird -p bird.conf"});
}

TEST_CASE("what BIRD does not like is not written") {
  World world;
  world.parsed = {1, "", "bird: file-000001:1:1 syntax error, unexpected CF_SYM_UNDEFINED\n"};
  CHECK_THROWS_WITH(
      world.run({.validate = true, .reload = true}),
      "check BIRD's configuration with the new /etc/bird/flowspec.conf: bird: /etc/bird/flowspec.conf:1:1 "
      "syntax error, unexpected CF_SYM_UNDEFINED; nothing was written");
  world.files["/etc/bird/bird.conf"] = "# include \"flowspec.conf\";\n";
  CHECK_THROWS_WITH(world.run({.validate = true}),
                    Catch::Contains("/etc/bird/bird.conf does not include /etc/bird/flowspec.conf"));
  CHECK(world.files.at(output) == old_text);
  CHECK(world.done == Steps{"bird -p bird.conf"});
}

TEST_CASE("when BIRD refuses, the old file is put back and nothing else is done") {
  World world;
  world.answer = refused;
  CHECK_THROWS_WITH(world.run({.reload = true}), "birdc configure: /etc/bird/flowspec.conf:1:1 syntax error; "
                                                 "/etc/bird/flowspec.conf is as it was");
  CHECK(world.done == Steps{"write NEW\n", "birdc configure", "write OLD\n"});
  CHECK(world.files.at(output) == old_text);
  CHECK_FALSE(world.files.contains(mark)); // BIRD has said that it goes on with the old one
  CHECK(world.held == 0);
}

TEST_CASE("when there was no file, none is left") {
  World world;
  world.files.erase(output);
  world.answer = refused;
  CHECK_THROWS_WITH(world.run({.reload = true}), Catch::EndsWith("is removed: there was none before"));
  CHECK(world.done == Steps{"write NEW\n", "birdc configure", "remove"});
  CHECK_FALSE(world.files.contains(output));
}

TEST_CASE("whatever fails, the old file is there") {
  const auto [effect, words] = GENERATE(table<std::string, std::string>({
      {"read", "read: No space left on device"},
      {"parse", "check BIRD's configuration with the new /etc/bird/flowspec.conf: parse: No space left on "
                "device; nothing was written"},
      {"write", "write: No space left on device"},
      {"run", "run: No space left on device; /etc/bird/flowspec.conf is as it was"},
  }));
  World world;
  world.fails = effect;
  CHECK_THROWS_WITH(world.run({.validate = true, .reload = true}), words);
  CHECK(world.files.at(output) == old_text);
  CHECK(world.held == 0);
}

TEST_CASE("an old file that cannot be put back is said") {
  World world;
  world.answer = refused;
  world.fails = "write";
  world.fails_at = 2;
  CHECK_THROWS_WITH(
      world.run({.reload = true}),
      "birdc configure: /etc/bird/flowspec.conf:1:1 syntax error; /etc/bird/flowspec.conf holds "
      "the new configuration, and the old one cannot be put back: write: No space left on device");
}

TEST_CASE("BIRD's answer is judged by its words") {
  const auto [answer, took] = GENERATE(table<Finished, bool>({
      {taken, true},
      {{0, "BIRD 2.0.12 ready.\nReading configuration from x\nReconfiguration in progress\n", ""}, true},
      {{0, "Reconfiguration already in progress, queueing new config\n", ""}, true},
      {refused, false},
      {{0, refused.out, ""}, false}, // as older ones end
      {{0, "BIRD 2.0.12 ready.\nReading configuration from x\n", ""}, false},
      {{0, "BIRD 2.0.12 ready.\nReading configuration from x\nReconfiguration ignored, shutting down\n", ""},
       false},
      {{1, "BIRD 2.0.12 ready.\nAccess restricted\nAccess denied\n", ""}, false},
      {{1, "",
        "Unable to connect to server control socket (/run/bird/bird.ctl): No such file or directory\n"},
       false},
      {{1, "Reconfigured\n", "Connection closed by server\n"}, false},
      {{0, "", ""}, false},
  }));
  CHECK(bird_took_it(answer) == took);
}

TEST_CASE("a BIRD without a word is told by its exit status") {
  World world;
  world.answer = {137, "BIRD 2.0.12 ready.\n", ""};
  CHECK_THROWS_WITH(world.run({.reload = true}),
                    Catch::StartsWith("birdc configure: birdc ended with exit status 137, without a word; "));
}
