// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/trouble.hpp"

#include "injector/words.hpp"

#include <fmt/format.h>

namespace flowspec {

namespace {

/// FRR is restarted and locks are held in the course of things; for long they are not.
Level level(std::optional<Cause> cause, std::uint64_t times) {
  const bool ordinary = cause == Cause::no_answer || cause == Cause::bad_answer || cause == Cause::lock;
  return ordinary && times == 1 ? Level::warning : Level::error;
}

std::vector<std::pair<std::string, std::string>> fields(const Repeated::Line& line) {
  return {{"times", std::to_string(line.times)},
          {"seconds", fmt::format("{:.3f}", std::chrono::duration<double>(line.lasted).count())}};
}

} // namespace

std::optional<Event> Trouble::failed(std::optional<Cause> cause, const std::string& why,
                                     std::string_view consequence, Instant now) {
  const std::optional<Repeated::Line> line = repeated_.happened(why, now);
  if (!line)
    return std::nullopt;
  Event event{level(cause, line->times), "failed", why + std::string(consequence), fields(*line)};
  if (line->times > 1)
    event.message += fmt::format(" ({} times in {})", line->times, in_words(line->lasted));
  if (!line->reason_before.empty())
    event.message +=
        fmt::format("; before that, {}: {}", counted(line->times_before, "time"), line->reason_before);
  if (line->unsaid_before > 0)
    event.message += fmt::format("; it also failed {} in short before", counted(line->unsaid_before, "time"));
  event.fields.emplace_back("cause", cause ? std::string(name(*cause)) : "other");
  return event;
}

std::optional<Event> Trouble::succeeded(Instant now) {
  const std::optional<Repeated::Line> line = repeated_.over(now);
  if (!line)
    return std::nullopt;
  return Event{Level::notice, "recovered",
               fmt::format("{} after {} and {}; the last: {}", works_, in_words(line->lasted),
                           counted(line->times, "failure"), line->reason),
               fields(*line)};
}

} // namespace flowspec
