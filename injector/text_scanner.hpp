// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace flowspec {

/// Walks over a text from left to right. A step that does not fit moves nothing.
class TextScanner {
 public:
  explicit TextScanner(std::string_view text) : rest_(text), whole_(text) {}

  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  std::size_t position() const { return whole_.size() - rest_.size(); }
  /// The text from `start` to here.
  std::string_view since(std::size_t start) const { return whole_.substr(start, position() - start); }
  void rewind(std::size_t position) { rest_ = whole_.substr(position); }

  bool take(std::string_view literal) {
    if (!rest_.starts_with(literal))
      return false;
    rest_.remove_prefix(literal.size());
    return true;
  }

  /// One or more characters of `set`.
  std::optional<std::string_view> take_any_of(std::string_view set) {
    const std::size_t length = std::min(rest_.find_first_not_of(set), rest_.size());
    if (length == 0)
      return std::nullopt;
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }

  std::optional<std::string_view> take_digits() {
    std::size_t length = 0;
    while (length < rest_.size() && rest_[length] >= '0' && rest_[length] <= '9')
      ++length;
    if (length == 0)
      return std::nullopt;
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }

  /// A decimal number without sign; one over 2^62 comes back as 2^62, which is over every limit that is asked
  /// of it.
  std::optional<std::int64_t> take_number() {
    const std::optional<std::string_view> digits = take_digits();
    if (!digits)
      return std::nullopt;
    constexpr std::int64_t ceiling = std::int64_t{1} << 62;
    std::int64_t value = 0;
    for (const char digit : *digits)
      value = value > ceiling / 10 - 1 ? ceiling : value * 10 + (digit - '0');
    return value;
  }

 private:
  std::string_view rest_;
  std::string_view whole_;
};

} // namespace flowspec
