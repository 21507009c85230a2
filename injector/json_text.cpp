// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace flowspec {

namespace {

/// True for the characters that are themselves within a string: printable ASCII but for `"` and `\`.
constexpr auto plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7f; ++c)
    table[c] = c != '"' && c != '\\';
  return table;
}();

bool is_plain(char c) {
  return plain[static_cast<unsigned char>(c)];
}

/// A code point of at most 0x10ffff in UTF-8.
void append_utf8(std::string& text, unsigned point) {
  const auto add = [&text](unsigned octet) { text += static_cast<char>(static_cast<unsigned char>(octet)); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xc0 | point >> 6);
    add(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    add(0xe0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3f));
    add(0x80 | (point & 0x3f));
  } else {
    add(0xf0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3f));
    add(0x80 | (point >> 6 & 0x3f));
    add(0x80 | (point & 0x3f));
  }
}

} // namespace

void JsonText::skip_white_space() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
    ++at_;
}

std::string JsonText::here() const {
  if (at_ == end_)
    return "the end";
  std::string shown(at_, std::min<std::size_t>(static_cast<std::size_t>(end_ - at_), 40));
  for (char& character : shown)
    if (character < ' ' || character > '~')
      character = '.';
  return fmt::format("\"{}\"", shown);
}

std::string_view JsonText::take_string() {
  if (!take('"'))
    throw JsonFault(fmt::format("{} where a string should begin", here()));
  const char* const start = at_;
  while (true) {
    while (at_ != end_ && is_plain(*at_))
      ++at_;
    if (at_ == end_)
      throw JsonFault("a string without its end");
    if (*at_ == '"')
      return {start, static_cast<std::size_t>(at_++ - start)};
    if (*at_ == '\\')
      return take_escaped(start);
    check_utf8();
  }
}

/// The string that began at `start`, now that an escape is here.
std::string_view JsonText::take_escaped(const char* start) {
  std::string value(start, at_);
  while (true) {
    const char* const piece = at_;
    while (at_ != end_ && is_plain(*at_))
      ++at_;
    value.append(piece, at_);
    if (at_ == end_)
      throw JsonFault("a string without its end");
    if (*at_ == '"') {
      ++at_;
      return unescaped_.emplace_back(std::move(value));
    }
    if (*at_ == '\\') {
      take_escape(value);
    } else {
      const char* const sequence = at_;
      check_utf8();
      value.append(sequence, at_);
    }
  }
}

/// At a backslash.
void JsonText::take_escape(std::string& value) {
  ++at_;
  const char kind = at_ == end_ ? '\0' : *at_;
  if (kind == '"' || kind == '\\' || kind == '/') {
    value += kind;
    ++at_;
    return;
  }
  if (kind != '\0' && std::string_view("bfnrt").find(kind) != std::string_view::npos)
    throw JsonFault("a control character in a string");
  if (kind != 'u')
    throw JsonFault(fmt::format("{} behind a backslash", here()));
  unsigned point = take_hex();
  if (point >= 0xd800 && point <= 0xdbff) {
    const bool low_follows = end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u';
    const unsigned low = low_follows ? (++at_, take_hex()) : 0;
    if (low < 0xdc00 || low > 0xdfff)
      throw JsonFault("the first half of a surrogate pair without the second");
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  } else if (point >= 0xdc00 && point <= 0xdfff) {
    throw JsonFault("the second half of a surrogate pair without the first");
  }
  if (point < ' ' || point == 0x7f)
    throw JsonFault("a control character in a string");
  append_utf8(value, point);
}

/// At the u of an escape: what the four digits behind it say.
unsigned JsonText::take_hex() {
  ++at_;
  unsigned value = 0;
  for (int digit = 0; digit < 4; ++digit, ++at_) {
    const char c = at_ == end_ ? '\0' : *at_;
    if (c >= '0' && c <= '9')
      value = value << 4 | static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value << 4 | static_cast<unsigned>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      value = value << 4 | static_cast<unsigned>(c - 'A' + 10);
    else
      throw JsonFault("\\u without four hexadecimal digits");
  }
  return value;
}

/// Steps over one character that is none of ASCII's printable ones (Unicode 15, table 3-7).
void JsonText::check_utf8() {
  const auto octet = [this](std::ptrdiff_t index) {
    return end_ - at_ > index ? static_cast<unsigned char>(at_[index]) : 0U;
  };
  const unsigned first = octet(0);
  if (first < 0x80)
    throw JsonFault("a control character in a string");
  const int more = first >= 0xc2 && first <= 0xdf   ? 1
                   : first >= 0xe0 && first <= 0xef ? 2
                   : first >= 0xf0 && first <= 0xf4 ? 3
                                                    : 0;
  // No character in more octets than it needs, no surrogate, none over 0x10ffff.
  const unsigned lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  bool valid = more > 0 && octet(1) >= lowest && octet(1) <= highest;
  for (int index = 2; index <= more; ++index)
    valid = valid && octet(index) >= 0x80 && octet(index) <= 0xbf;
  if (!valid)
    throw JsonFault("bytes that are not UTF-8 in a string");
  at_ += more + 1;
}

} // namespace flowspec
