// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_lexer.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flowspec {

namespace {

using Kind = BirdToken::Kind;

constexpr std::string_view digits = "0123456789";
constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";
constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
constexpr std::string_view letters_and_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
constexpr std::string_view signs = "={}:;,.()+*/%<>~[]?!|&-";
constexpr std::array<std::string_view, 9> long_signs{"..", "!=", "!~", "<=", ">=", "&&", "||", "[=", "=]"};

/// How many bytes of `text` from its beginning are of `set`.
std::size_t run_of(std::string_view text, std::string_view set) {
  return std::min(text.find_first_not_of(set), text.size());
}

/// The length of four groups of digits with dots between; 0 when `text` does not begin so.
std::size_t ipv4_length(std::string_view text) {
  std::size_t length = 0;
  for (int group = 0; group < 4; ++group) {
    if (group > 0 && (length == text.size() || text[length++] != '.'))
      return 0;
    const std::size_t found = run_of(text.substr(length), digits);
    if (found == 0)
      return 0;
    length += found;
  }
  return length;
}

/// The length of hexadecimal groups with at least three colons, or two in a row; an IPv4 address may end
/// them. 0 when `text` does not begin so.
std::size_t ipv6_length(std::string_view text) {
  std::size_t length = 0;
  int colons = 0;
  bool doubled = false;
  for (;;) {
    const std::size_t group = run_of(text.substr(length), hex_digits);
    if (length + group == text.size() || text[length + group] != ':')
      break;
    doubled = doubled || (colons > 0 && group == 0);
    length += group + 1;
    ++colons;
  }
  if (colons < 3 && !doubled)
    return 0;
  const std::string_view tail = text.substr(length);
  return length + std::max(ipv4_length(tail), run_of(tail, hex_digits));
}

class Lexer {
 public:
  Lexer(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  std::vector<BirdToken> tokens() {
    std::vector<BirdToken> result;
    do {
      const std::size_t before = position_;
      skip_blanks();
      BirdToken token = next();
      token.apart = position_ - before > token.text.size() || result.empty();
      result.push_back(token);
    } while (result.back().kind != Kind::end);
    return result;
  }

 private:
  std::string_view rest() const { return text_.substr(position_); }

  [[noreturn]] void fail(std::size_t line, std::string_view what) const {
    throw Error(fmt::format("{}:{}: {}", file_, line, what));
  }

  void skip_blanks() {
    for (;;) {
      if (const std::size_t blanks = run_of(rest(), " \t\n"); blanks != 0)
        advance(blanks);
      else if (rest().starts_with('#'))
        advance(std::min(rest().find('\n'), rest().size()));
      else if (rest().starts_with("/*"))
        skip_comment();
      else
        return;
    }
  }

  void skip_comment() {
    const std::size_t end = rest().find("*/", 2);
    if (end == std::string_view::npos)
      fail(line_, "the comment that begins here does not end");
    advance(end + 2);
  }

  BirdToken next() {
    if (rest().empty())
      return {Kind::end, {}, line_, false};
    if (rest().front() == '\0')
      fail(line_, "this is not text");
    if (rest().front() == '"')
      return take(Kind::string, closed("string") + 1);
    if (rest().front() == '\'')
      return quoted_word();
    if (const std::size_t length = ipv6_length(rest()); length != 0)
      return take(Kind::ipv6, length);
    if (const std::size_t length = ipv4_length(rest()); length != 0)
      return take(Kind::ipv4, length);
    if (digits.find(rest().front()) != std::string_view::npos)
      return take(Kind::number, number_length());
    if (letters.find(rest().front()) != std::string_view::npos)
      return take(Kind::word, run_of(rest(), letters_and_digits));
    for (const std::string_view sign : long_signs)
      if (rest().starts_with(sign))
        return take(Kind::sign, sign.size());
    return take(signs.find(rest().front()) != std::string_view::npos ? Kind::sign : Kind::alien, 1);
  }

  std::size_t number_length() const {
    const std::size_t hex = rest().starts_with("0x") ? run_of(rest().substr(2), hex_digits) : 0;
    return hex != 0 ? 2 + hex : run_of(rest(), digits);
  }

  /// Where the quote that the text begins with comes again, on the same line.
  std::size_t closed(std::string_view what) const {
    const std::size_t end = rest().find_first_of(rest().front() == '"' ? "\"\n" : "'\n", 1);
    if (end == std::string_view::npos || rest()[end] == '\n')
      fail(line_, fmt::format("the {} that begins here does not end on its line", what));
    return end;
  }

  BirdToken quoted_word() {
    BirdToken token = take(Kind::word, closed("symbol") + 1);
    token.text = token.text.substr(1, token.text.size() - 2);
    return token;
  }

  BirdToken take(Kind kind, std::size_t length) {
    const BirdToken token{kind, rest().substr(0, length), line_, false};
    advance(length);
    return token;
  }

  void advance(std::size_t length) {
    line_ += static_cast<std::size_t>(std::ranges::count(rest().substr(0, length), '\n'));
    position_ += length;
  }

  std::string_view text_;
  std::string_view file_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
};

} // namespace

std::vector<BirdToken> bird_tokens(std::string_view text, std::string_view file) {
  return Lexer(text, file).tokens();
}

} // namespace flowspec
