// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/log.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <regex>

using namespace flowspec;

namespace {

/// Standard error is `fd` for as long as this lives.
class StandardError {
 public:
  explicit StandardError(int fd) : before_(dup(STDERR_FILENO)) { dup2(fd, STDERR_FILENO); }
  ~StandardError() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;

 private:
  int before_;
};

/// What comes out of `read_end` when `action` had `write_end` as standard error.
std::string written(int read_end, int write_end, const std::function<void()>& action) {
  {
    const StandardError standard_error(write_end);
    action();
  }
  close(write_end);
  std::string text;
  char part[4096];
  for (ssize_t got = 0; (got = read(read_end, part, sizeof part)) > 0;)
    text.append(part, static_cast<std::size_t>(got));
  close(read_end);
  return text;
}

std::string piped(const std::function<void(int write_end)>& action) {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  return written(ends[0], ends[1], [&] { action(ends[1]); });
}

std::string logged(const LogOptions& options, const std::vector<Event>& events) {
  return piped([&](int) {
    const Log log = make_log(options);
    for (const Event& event : events)
      log(event);
  });
}

/// $JOURNAL_STREAM of a journald that reads `fd`.
class JournalStream {
 public:
  explicit JournalStream(int fd) {
    struct stat status {};
    fstat(fd, &status);
    setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
  }
  ~JournalStream() { unsetenv("JOURNAL_STREAM"); }
  JournalStream(const JournalStream&) = delete;
  JournalStream& operator=(const JournalStream&) = delete;
};

void check_matches(const std::string& text, const std::string& pattern) {
  INFO(text);
  CHECK(std::regex_match(text, std::regex(pattern)));
}

const LogOptions text_debug{LogFormat::text, Level::debug};
const LogOptions json_debug{LogFormat::json, Level::debug};

} // namespace

TEST_CASE("a line of text has the time, the level, the event and what happened") {
  const std::string text = logged({}, {{Level::warning, "held", "3 routes {} %v", {{"family", "ipv4"}}}});
  check_matches(text,
                R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d warning held: 3 routes \{\} %v\n)");
}

TEST_CASE("what is below the least level is left out") {
  for (const Level least : every_level) {
    const LogOptions options{LogFormat::text, least};
    std::vector<Event> events;
    for (const Level level : every_level)
      events.push_back({level, "x", std::string(name(level)), {}});
    const std::string text = logged(options, events);
    for (const Level level : every_level)
      CHECK((text.find(fmt::format(" {} x: {}\n", name(level), name(level))) != std::string::npos) ==
            (level >= least));
  }
}

TEST_CASE("journald gets its priorities and no time") {
  const std::string text = piped([](int fd) {
    const JournalStream journal(fd);
    const Log log = make_log(text_debug);
    for (const Level level : every_level)
      log({level, "x", "y", {}});
  });
  CHECK(text == "<7>x: y\n<6>x: y\n<5>x: y\n<4>x: y\n<3>x: y\n");
}

TEST_CASE("a journal that standard error does not go to is not meant") {
  setenv("JOURNAL_STREAM", "1:1", 1);
  const std::string text = logged({}, {{Level::info, "x", "y", {}}});
  unsetenv("JOURNAL_STREAM");
  check_matches(text, R"(\d{4}-.* info x: y\n)");
}

TEST_CASE("a terminal gets colours") {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(terminal >= 0);
  REQUIRE(grantpt(terminal) == 0);
  REQUIRE(unlockpt(terminal) == 0);
  const int shown = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(shown >= 0);
  setenv("TERM", "xterm", 1);
  const std::string text = written(terminal, shown, [] { make_log({})({Level::error, "x", "y", {}}); });
  CHECK(text.find("\x1b[") != std::string::npos);
  check_matches(text, "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} \x1b[^e]*error x: y\x1b[^\n]*\n");
}

TEST_CASE("an event is one line, whatever is in it") {
  const std::string nasty =
      std::string("a\nb\rc\x1b[31m\0d\x7f", 14) + "\xff\xc3\xa4" + std::string(100'000, '\n');
  const std::string text = logged({}, {{Level::info, "x", nasty, {{"f", nasty}}}});
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.back() == '\n');
  CHECK(text.find("a\\x0ab\\x0dc\\x1b[31m\\x00d") != std::string::npos);
  CHECK(text.size() < 48 * 1024);

  const std::string json = logged(json_debug, {{Level::info, "x\n", nasty, {{"f\n\xff", "a\nb"}}}});
  CHECK(std::count(json.begin(), json.end(), '\n') == 1);
  const auto object = nlohmann::json::parse(json);
  CHECK(object["message"].get<std::string>().substr(0, 5) == "a\nb\rc");
  CHECK(json.size() < 48 * 1024);
}

TEST_CASE("a line of JSON is an object with the time in UTC and the fields") {
  setenv("TZ", "Asia/Kathmandu", 1);
  const std::string json =
      logged(json_debug, {{Level::notice,
                           "recovered",
                           "a \"b\" %v {}",
                           {{"cause", "lock"}, {"level", "x"}, {"time", "x"}, {"cause", "x"}}}});
  unsetenv("TZ");
  tzset();
  const auto object = nlohmann::ordered_json::parse(json);
  const std::string time = object["time"];
  check_matches(time, R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
  std::time_t now = std::time(nullptr);
  char hour[20];
  std::strftime(hour, sizeof hour, "%Y-%m-%dT%H:%M", std::gmtime(&now));
  std::time_t minute_ago = now - 60;
  char hour_before[20];
  std::strftime(hour_before, sizeof hour_before, "%Y-%m-%dT%H:%M", std::gmtime(&minute_ago));
  CHECK((time.substr(0, 16) == hour || time.substr(0, 16) == hour_before));
  CHECK(json ==
        fmt::format(R"({{"time":"{}","level":"notice","event":"recovered","message":"a \"b\" %v {{}}",)"
                    R"("cause":"lock"}})"
                    "\n",
                    time));
}

TEST_CASE("bytes that are not UTF-8 are replaced in JSON") {
  const auto object =
      nlohmann::json::parse(logged(json_debug, {{Level::info, "x", "a\xff\xfe ä", {{"f", "\xc3"}}}}));
  CHECK(object["message"] == "a\xef\xbf\xbd\xef\xbf\xbd ä");
  CHECK(object["f"] == "\xef\xbf\xbd");
}

TEST_CASE("a log that cannot be written ends nothing") {
  auto* const pipe_before = signal(SIGPIPE, SIG_IGN);
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    close(ends[0]);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    for (const int fd : {ends[1], full}) {
      const StandardError standard_error(fd);
      const Log log = make_log({format, Level::debug});
      for (int line = 0; line < 100; ++line)
        CHECK_NOTHROW(log({Level::error, "x", "y", {}}));
    }
    close(ends[1]);
    close(full);
  }
  static_cast<void>(signal(SIGPIPE, pipe_before));
}

TEST_CASE("what could not be written is lost, and the next line is whole") {
  const std::string text = piped([](int fd) {
    const Log log = make_log({});
    {
      const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
      const StandardError standard_error(full);
      log({Level::error, "lost", "y", {}});
      close(full);
    }
    dup2(fd, STDERR_FILENO);
    log({Level::error, "x", "y", {}});
  });
  check_matches(text, R"(\d{4}-[^\n]* error x: y\n)");
}
