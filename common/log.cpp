// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/log.hpp"

#include "common/printable.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace flowspec {

namespace {

/// No sentence of ours is so long unless somebody else's words are in it; and journald cuts a line at 48 KiB,
/// in which this still fits with every byte escaped.
constexpr std::size_t longest_text = 4'096;

/// As <sd-daemon.h> has them; journald takes a line's priority from them.
int journal_priority(Level level) {
  switch (level) {
  case Level::debug:
    return 7;
  case Level::info:
    return 6;
  case Level::notice:
    return 5;
  case Level::warning:
    return 4;
  case Level::error:
    break;
  }
  return 3;
}

/// spdlog has no "notice". It takes its level for nothing but the colour: what is left out is decided here,
/// and the word is in the line already.
spdlog::level::level_enum colour(Level level) {
  switch (level) {
  case Level::debug:
    return spdlog::level::debug;
  case Level::info:
  case Level::notice:
    return spdlog::level::info;
  case Level::warning:
    return spdlog::level::warn;
  case Level::error:
    break;
  }
  return spdlog::level::err;
}

/// $JOURNAL_STREAM is "DEVICE:INODE" of the socket that journald reads, and is inherited by programs whose
/// standard error goes elsewhere.
bool goes_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
         fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

std::string cut(const std::string& text) {
  return text.size() <= longest_text ? text : text.substr(0, longest_text) + "...";
}

std::string sentence(const Event& event) {
  return one_line(fmt::format("{}: {}", event.name, cut(event.message)));
}

/// The members that follow "time", with the brace at the end.
std::string json_members(const Event& event) {
  nlohmann::ordered_json object{
      {"level", name(event.level)}, {"event", event.name}, {"message", cut(event.message)}};
  for (const auto& [field, value] : event.fields)
    if (field != "time" && !object.contains(field))
      object[field] = cut(value);
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).substr(1);
}

struct Style {
  std::string (*line)(const Event& event);
  const char* pattern; ///< spdlog's, around the line
  spdlog::pattern_time_type time = spdlog::pattern_time_type::local;
};

Style style(LogFormat format, bool terminal) {
  if (format == LogFormat::json)
    return {json_members, R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)", spdlog::pattern_time_type::utc};
  if (goes_to_journal())
    return {[](const Event& event) {
              return fmt::format("<{}>{}", journal_priority(event.level), sentence(event));
            },
            "%v"};
  const auto with_level = [](const Event& event) {
    return fmt::format("{} {}", name(event.level), sentence(event));
  };
  return {with_level, terminal ? "%Y-%m-%d %H:%M:%S.%e %^%v%$" : "%Y-%m-%dT%H:%M:%S.%e%z %v"};
}

std::shared_ptr<spdlog::logger> make_logger(const Style& style, bool coloured) {
  spdlog::sink_ptr sink;
  if (coloured)
    sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_st>();
  else
    sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  auto logger = std::make_shared<spdlog::logger>("flowspec", std::move(sink));
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(style.pattern, style.time, "\n"));
  logger->set_level(spdlog::level::trace);
  logger->set_error_handler([](const std::string&) {}); // it would write to where writing failed
  return logger;
}

} // namespace

Log make_log(const LogOptions& options) {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const Style chosen = style(options.format, terminal);
  const auto logger = make_logger(chosen, terminal && options.format == LogFormat::text);
  return [logger, line = chosen.line, least = options.least](const Event& event) {
    if (event.level < least)
      return;
    try {
      logger->log(colour(event.level), line(event));
    } catch (const std::exception&) {
      return; // no memory for a line
    }
  };
}

} // namespace flowspec
