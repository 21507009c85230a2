// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/option_groups.hpp"
#include "injector/options.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

Options parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "flowspec-injector");
  return parse_options(static_cast<int>(words.size()), words.data()).value();
}

std::string refusal(const std::vector<const char*>& words) {
  try {
    parsed(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

/// A configuration file, removed at the end.
struct ConfigFile {
  std::string path =
      (std::filesystem::temp_directory_path() / ("injector." + std::to_string(getpid()) + ".toml")).string();
  explicit ConfigFile(const std::string& text) { std::ofstream(path) << text; }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  ~ConfigFile() { std::filesystem::remove(path); }
};

} // namespace

TEST_CASE("a hold time is forever, or a number of seconds") {
  CHECK_FALSE(hold_time_of("forever"));
  CHECK(hold_time_of("0") == 0ms);
  CHECK(hold_time_of("1.5") == 1500ms);
  CHECK(hold_time_of("86400") == 24h);
  for (const char* bad : {"", "never", "-1", "1s", "nan", "inf", "1e300", "1e9"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(hold_time_of(bad), UsageError);
  }
}

TEST_CASE("what is protected is a prefix") {
  CHECK(prefixes_of("--protect", {"10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8"}).size() == 2);
  for (const char* bad : {"", "10.0.0.0/33", "x", "2001:db8::/32/off 8"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH(prefixes_of("--protect", {bad}), Catch::StartsWith("--protect "));
  }
}

TEST_CASE("options of the daemon") {
  const Options options = parsed({"run",
                                  "--source",
                                  "socket",
                                  "--socket",
                                  "/x",
                                  "--interval",
                                  "0.2",
                                  "--full-interval",
                                  "1",
                                  "--max-back-off",
                                  "5",
                                  "--flush-on-exit",
                                  "--log-format",
                                  "json",
                                  "--log-level",
                                  "debug",
                                  "--hold-time",
                                  "60",
                                  "--max-withdraw",
                                  "0.25",
                                  "--confirm-after",
                                  "3",
                                  "--max-routes",
                                  "7",
                                  "--state-dir",
                                  "/s",
                                  "--metrics-file",
                                  "/m",
                                  "--metrics-per-entry",
                                  "9",
                                  "--protect",
                                  "10.0.0.0/8"});
  CHECK((options.command == Command::run && options.source == Source::socket));
  CHECK(options.socket == "/x");
  CHECK(options.run.interval == 200ms);
  CHECK(options.run.full_interval == 1s);
  CHECK(options.run.longest_back_off == 5s);
  CHECK(options.run.flush_on_exit);
  CHECK((options.log.format == LogFormat::json && options.log.least == Level::debug));
  CHECK(options.hold.hold_time == 60000ms);
  CHECK(options.hold.max_withdraw == 0.25);
  CHECK(options.hold.confirm_after == 3s);
  CHECK(options.hold.max_routes == 7);
  CHECK(options.state_dir == "/s");
  CHECK(options.metrics_file == "/m");
  CHECK(options.metrics_per_entry == 9);
  CHECK(options.compile.protect.size() == 1);
}

TEST_CASE("options where they have no meaning are refused") {
  CHECK_THAT(refusal({"sync", "--interval", "3"}), Catch::Contains("sync has no such option; run has"));
  CHECK_THAT(refusal({"status", "--interval=3"}), Catch::Contains("status has no such option; run has"));
  CHECK_THAT(refusal({"run", "--routes", "-"}), Catch::Contains("standard input"));
  CHECK(refusal({"sync", "--metrics-file=", "--strict"}) == "--metrics-file=: the value is missing");
  CHECK_THAT(refusal({"dance"}),
             Catch::Contains("plan, sync, run, status, flush, explain, check or completion"));
  for (const std::vector<const char*>& bad : {std::vector<const char*>{"run", "--interval", "0"},
                                              {"run", "--log-level", "loud"},
                                              {"sync", "--max-withdraw", "2"},
                                              {"sync", "--max-withdraw", "nan"},
                                              {"sync", "--source", "telnet"},
                                              {"sync", "--max-routes", "-1"},
                                              {"plan", "--watch"},
                                              {"flush", "--exit-code"}}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
}

TEST_CASE("watching has a pace of its own, or is given one") {
  CHECK_FALSE(parsed({"status"}).watch);
  CHECK(parsed({"status", "--watch"}).watch == 2s);
  CHECK(parsed({"status", "--watch", "0.5"}).watch == 500ms);
}

TEST_CASE("the example of a configuration file is all of the defaults, for every command") {
  const std::string path = FLOWSPEC_TEST_DATA "/../../examples/injector.toml";
  for (const char* command : {"run", "sync", "plan", "status", "flush"}) {
    CAPTURE(command);
    const Options from_file = parsed({command, "--config", path.c_str()});
    const Options defaults = parsed({command, "--config", "/dev/null"});
    CHECK(from_file.hold.hold_time == defaults.hold.hold_time);
    CHECK(from_file.hold.max_routes == defaults.hold.max_routes);
    CHECK(from_file.hold.max_withdraw == defaults.hold.max_withdraw);
    CHECK(from_file.hold.confirm_after == defaults.hold.confirm_after);
    CHECK(from_file.run.interval == defaults.run.interval);
    CHECK(from_file.run.full_interval == defaults.run.full_interval);
    CHECK(from_file.run.longest_back_off == defaults.run.longest_back_off);
    CHECK(from_file.run.flush_on_exit == defaults.run.flush_on_exit);
    CHECK(from_file.state_dir == defaults.state_dir);
    CHECK(from_file.metrics_file == defaults.metrics_file);
    CHECK(from_file.poll.settle == defaults.poll.settle);
    CHECK(from_file.timeout == defaults.timeout);
    CHECK(from_file.lock_wait == defaults.lock_wait);
  }
}

TEST_CASE("options for which routes are enforced") {
  const Options defaults = parsed({"sync"});
  CHECK_FALSE(defaults.policy_file);
  CHECK_FALSE(defaults.local_scope);
  CHECK(defaults.validate == Validate::off);
  CHECK(defaults.compile.untargeted == Untargeted{});
  const Options options = parsed({"plan", "--policy", "/p", "--segments", "/s", "--untargeted",
                                  "segment blue", "--scope", "local", "--scope-prefixes",
                                  "10.0.0.0/8,2001:db8::/32", "--validate", "rfc9117", "--explain-policy"});
  CHECK(options.policy_file == "/p");
  CHECK(options.segments_file == "/s");
  CHECK(options.compile.untargeted == Untargeted{Untargeted::Where::segment, "blue"});
  CHECK(options.local_scope);
  CHECK(options.scope_prefixes.size() == 2);
  CHECK(options.validate == Validate::rfc9117);
  CHECK(options.explain_policy);
  CHECK_THAT(refusal({"sync", "--untargeted", "none"}), Catch::Contains("--segments"));
  CHECK_THAT(refusal({"sync", "--segments", "/s", "--untargeted", "blue"}), Catch::Contains("segment NAME"));
  CHECK_THAT(refusal({"sync", "--scope-prefixes", "10.0.0.0/8"}), Catch::Contains("--scope local"));
  CHECK_THAT(refusal({"plan", "--routes", "/r", "--validate", "rfc8955"}),
             Catch::Contains("a file does not"));
  CHECK_THAT(refusal({"plan", "--explain-policy"}), Catch::Contains("--policy"));
  for (const std::vector<const char*>& bad : {std::vector<const char*>{"sync", "--validate", "on"},
                                              {"sync", "--scope", "global"},
                                              {"sync", "--explain-policy"}}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
}

TEST_CASE("options of the injector's command line set aside what stands in its file") {
  const ConfigFile file("json = true\nfamily = \"ipv4\"\nvalidate = \"rfc9117\"\n"
                        "scope = \"local\"\nscope-prefixes = [\"10.0.0.0/8\"]\n");
  const auto with = [&file](std::vector<const char*> words) {
    words.insert(words.begin() + 1, {"--config", file.path.c_str()});
    return words;
  };
  const Options plain = parsed(with({"plan"}));
  CHECK(plain.format == Format::json);
  CHECK(plain.families == std::vector{Family::ipv4});
  CHECK(plain.validate == Validate::rfc9117);
  CHECK((plain.local_scope && plain.scope_prefixes.size() == 1));
  CHECK(parsed(with({"plan", "--format", "iptables-restore"})).format == Format::iptables_restore);
  for (const char* option : {"--routes", "--routes6"}) {
    const Options options = parsed(with({"plan", option, "x"}));
    CHECK(options.families.empty());
    CHECK(options.validate == Validate::off);
  }
  CHECK(parsed(with({"sync", "--scope", "all"})).scope_prefixes.empty());
  CHECK(parsed(with({"sync", "--scope", "local"})).scope_prefixes.size() == 1);
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{"plan", "--json", "--format", "iptables-restore"},
        {"plan", "--routes", "x", "--family", "ipv4"},
        {"plan", "--routes", "x", "--validate", "rfc9117"},
        {"plan", "--scope", "all", "--scope-prefixes", "10.0.0.0/8"}})
    CHECK_FALSE(refusal(with(words)).empty());
}

TEST_CASE("a daemon does not go on without the configuration file that it had, or with other chains") {
  const Options now = parsed({"run", "--config", "/dev/null"});
  CHECK(now.config_file == "/dev/null");
  CHECK_NOTHROW(check_successor(now, now));
  Options fresh = now;
  fresh.config_file = std::nullopt;
  CHECK_THROWS_WITH(check_successor(now, fresh), "/dev/null: it is not there any more");
  CHECK_NOTHROW(check_successor(fresh, now)); // a file that is new
  CHECK_THROWS_WITH(check_successor(now, parsed({"run", "--config", "/dev/null", "--chain", "OTHER"})),
                    Catch::Contains("--chain"));
  CHECK_THROWS_WITH(check_successor(now, parsed({"run", "--config", "/dev/null", "--parent", "INPUT"})),
                    Catch::Contains("--parent"));
}

TEST_CASE("the documents that the options name are read, and checked together") {
  Options options = parsed({"sync", "--policy", "/p", "--segments", "/s"});
  std::map<std::string, std::string> files{
      {"/p", R"({"protect": [{"source": {"within": ["10.0.0.0/8"]}}], "default": "reject"})"},
      {"/s",
       R"({"segments": [{"name": "blue", "import": ["65000:1"], "parents": [{"out_interface": "swp1"}]}]})"}};
  const auto read = [&](const std::string& path) { return files.at(path); };
  read_documents(options, read);
  REQUIRE(options.policy);
  CHECK_FALSE(options.policy->accept_by_default);
  CHECK(options.compile.protections.size() == 1);
  CHECK(options.compile.segments.size() == 1);
  options.compile.untargeted = {Untargeted::Where::segment, "red"};
  CHECK_THROWS_WITH(read_documents(options, read), Catch::Contains("red"));
  files["/p"] = "{";
  CHECK_THROWS_WITH(read_documents(options, read), Catch::StartsWith("/p"));
}
