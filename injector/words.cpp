// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace flowspec {

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string in_words(std::chrono::milliseconds time) {
  struct Unit {
    std::int64_t milliseconds;
    std::string_view name;
  };
  constexpr Unit units[] = {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "min"}, {1'000, "s"}};
  const std::int64_t all = std::max<std::int64_t>(time.count(), 0);
  for (std::size_t index = 0; index < std::size(units); ++index) {
    const auto& [size, name] = units[index];
    if (all < size)
      continue;
    std::string text = fmt::format("{} {}", all / size, name);
    if (index + 1 == std::size(units) || all % size < units[index + 1].milliseconds)
      return text;
    return fmt::format("{} {} {}", text, all % size / units[index + 1].milliseconds, units[index + 1].name);
  }
  return fmt::format("{} ms", all);
}

std::string moment(std::int64_t unix_time) {
  using namespace std::chrono;
  // The years that four digits can say: a clock may have been set to anything.
  constexpr std::int64_t last = sys_seconds(sys_days(year(9999) / December / 31)).time_since_epoch().count();
  const sys_seconds time{seconds(std::clamp<std::int64_t>(unix_time, 0, last))};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

} // namespace flowspec
