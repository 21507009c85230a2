// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/age.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>

namespace flowspec {

namespace {

using std::chrono::seconds;

constexpr seconds minute{60};
constexpr seconds hour = 60 * minute;
constexpr seconds day = 24 * hour;
constexpr seconds week = 7 * day;
constexpr seconds year = 365 * day;

struct Part {
  char end; ///< behind the number; 0: the text ends there
  seconds unit;
};

constexpr std::array clock{Part{':', hour}, Part{':', minute}, Part{0, seconds(1)}};
constexpr std::array days{Part{'d', day}, Part{'h', hour}, Part{'m', minute}};
constexpr std::array weeks{Part{'w', week}, Part{'d', day}, Part{'h', hour}};
constexpr std::array years{Part{'y', year}, Part{'w', week}, Part{'d', day}};

std::optional<seconds> read(std::string_view text, std::span<const Part> parts) {
  seconds sum{0};
  for (const Part& part : parts) {
    std::uint32_t value = 0; // no sum of these overflows
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{})
      return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    sum += value * part.unit;
    if (part.end == 0)
      continue;
    if (!text.starts_with(part.end))
      return std::nullopt;
    text.remove_prefix(1);
  }
  return text.empty() ? std::optional(sum) : std::nullopt;
}

} // namespace

std::optional<seconds> parse_age(std::string_view text) {
  for (const std::span<const Part> parts : {std::span<const Part>(clock), std::span<const Part>(days),
                                            std::span<const Part>(weeks), std::span<const Part>(years)})
    if (const std::optional<seconds> age = read(text, parts))
      return age;
  return std::nullopt;
}

std::string age_text(seconds age) {
  if (age < day)
    return fmt::format("{:02}:{:02}:{:02}", age / hour, age % hour / minute, age % minute / seconds(1));
  if (age < week)
    return fmt::format("{}d{:02}h{:02}m", age / day, age % day / hour, age % hour / minute);
  if (age < year)
    return fmt::format("{:02}w{}d{:02}h", age / week, age % week / day, age % day / hour);
  return fmt::format("{:02}y{:02}w{}d", age / year, age % year / week, age % year % week / day);
}

} // namespace flowspec
