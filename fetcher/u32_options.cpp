// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-m u32`: "0x6&0xff=0x1&&0x0>>0x16&0x3c@0x0=0x0:0x8,0xb".
#include "fetcher/match_options.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <utility>

namespace flowspec {

namespace {

constexpr std::size_t most_steps = 10;

/// What is left to read of the notation.
class U32Text {
 public:
  explicit U32Text(std::string_view text) : rest_(text) {}

  bool done() {
    skip_blanks();
    return rest_.empty();
  }

  bool take(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token))
      return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::uint32_t take_number() {
    skip_blanks();
    const std::string_view digits = rest_.substr(0, rest_.find_first_not_of("0123456789abcdefABCDEFx"));
    rest_.remove_prefix(digits.size());
    return static_cast<std::uint32_t>(
        number(digits, std::numeric_limits<std::uint32_t>::max(), "--u32: the number"));
  }

 private:
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }
  std::string_view rest_;
};

std::vector<U32Match::Step> read_steps(U32Text& text) {
  using Operator = U32Match::Operator;
  static constexpr std::array<std::pair<std::string_view, Operator>, 4> operators{
      {{"&", Operator::bit_and},
       {"<<", Operator::left_shift},
       {">>", Operator::right_shift},
       {"@", Operator::at}}};
  std::vector<U32Match::Step> steps{{Operator::bit_and, text.take_number()}};
  while (!text.take("=")) {
    bool found = false;
    for (const auto& [token, op] : operators)
      if (!found && text.take(token)) {
        steps.push_back({op, text.take_number()});
        found = true;
      }
    if (!found)
      throw UnreadablePart("--u32: no operator and no = behind a number");
  }
  return steps;
}

std::vector<U32Match::Range> read_ranges(U32Text& text) {
  std::vector<U32Match::Range> ranges;
  do {
    const std::uint32_t first = text.take_number();
    ranges.push_back({first, text.take(":") ? text.take_number() : first});
  } while (text.take(","));
  return ranges;
}

} // namespace

U32Match read_u32(std::span<const RuleOption> options) {
  if (options.empty())
    throw UnreadablePart("-m u32 without tests");
  U32Match match{.tests = {}, .negated = options.front().negated};
  U32Text text(options.front().value());
  do {
    U32Match::Test test{read_steps(text), read_ranges(text)};
    if (test.steps.size() > most_steps || test.ranges.size() > most_steps)
      throw UnreadablePart(fmt::format("--u32: a test of more than {} steps or ranges", most_steps));
    match.tests.push_back(std::move(test));
  } while (text.take("&&"));
  if (!text.done())
    throw UnreadablePart("--u32: text behind the last test");
  if (match.tests.size() > most_steps)
    throw UnreadablePart(fmt::format("--u32: more than {} tests", most_steps));
  return match;
}

} // namespace flowspec
