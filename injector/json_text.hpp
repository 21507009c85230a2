// SPDX-License-Identifier: GPL-2.0-or-later
//
// The tokens of JSON (RFC 8259) that an answer of texts consists of.
#pragma once

#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>

namespace flowspec {

/// Why a text is not what was expected; whoever catches it says where.
class JsonFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Walks over a JSON text from left to right. What is not as it should be is thrown as a JsonFault.
class JsonText {
 public:
  explicit JsonText(std::string_view text)
      : whole_(text), at_(text.data()), end_(text.data() + text.size()) {}

  std::size_t position() const { return static_cast<std::size_t>(at_ - whole_.data()); }
  std::string_view since(std::size_t start) const { return whole_.substr(start, position() - start); }
  void skip_white_space();
  bool at_end() const { return at_ == end_; }
  /// The next character behind white space; 0 at the end.
  char next() {
    skip_white_space();
    return at_ == end_ ? '\0' : *at_;
  }
  /// Steps over `token`, which is not 0, if it comes next, behind white space.
  bool take(char token) {
    if (next() != token)
      return false;
    ++at_;
    return true;
  }
  /// The string that comes next, which has to be one, without its quotes and escapes. Control characters are
  /// a fault, escaped or not: FRR prints none, and one could break a line of what is printed here.
  std::string_view take_string();
  /// What stands here, for a message: a few characters, or "the end".
  std::string here() const;
  /// The strings with escapes that were taken so far are not needed any more.
  void forget_strings() { unescaped_.clear(); }

 private:
  std::string_view take_escaped(const char* start);
  void take_escape(std::string& value);
  unsigned take_hex();
  void check_utf8();

  std::string_view whole_;
  const char* at_;
  const char* end_;
  std::deque<std::string> unescaped_; ///< the values of those that have escapes
};

} // namespace flowspec
