// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace flowspec {

namespace {

using Kind = BirdToken::Kind;

/// Words that BIRD does not take for a constant's name where a flow has a value.
constexpr std::array<std::string_view, 26> keywords{
    "dst",           "src",   "proto",  "next",     "header",        "port",        "dport",
    "sport",         "icmp",  "type",   "code",     "tcp",           "flags",       "length",
    "dscp",          "label", "offset", "fragment", "dont_fragment", "is_fragment", "first_fragment",
    "last_fragment", "true",  "false",  "flow4",    "flow6"};

std::string quoted(const BirdToken& token) {
  return token.kind == Kind::end ? "the end" : fmt::format("\"{}\"", token.text);
}

/// None when it is over 32 bits.
std::optional<std::uint32_t> number_of(const BirdToken& token) {
  const bool hex = token.text.starts_with("0x");
  const std::string_view digits = token.text.substr(hex ? 2 : 0);
  std::uint32_t value = 0;
  const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  return done.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

/// Four numbers up to 255; BIRD takes zeros in front of them.
std::optional<Address> ipv4_of(std::string_view text) {
  Address address;
  const char* next = text.data();
  for (std::size_t index = 0; index < 4; ++index) {
    next += index == 0 ? 0 : 1; // the dot
    const auto done = std::from_chars(next, text.data() + text.size(), address.bytes[index]);
    if (done.ec != std::errc{})
      return std::nullopt;
    next = done.ptr;
  }
  return address;
}

bool is_prefix(std::span<const BirdToken> tokens) {
  return tokens.size() == 3 && (tokens[0].kind == Kind::ipv4 || tokens[0].kind == Kind::ipv6) &&
         tokens[1].is("/") && tokens[2].kind == Kind::number;
}

} // namespace

BirdToken BirdValues::peek(std::size_t ahead) const {
  const std::size_t at = position_ + ahead;
  return at < tokens_.size() ? tokens_[at] : BirdToken{};
}

bool BirdValues::accept(std::string_view wanted) {
  const bool is = peek().is(wanted);
  position_ += is ? 1 : 0;
  return is;
}

bool BirdValues::expect(std::string_view wanted) {
  return accept(wanted) || refuse(fmt::format("{} where \"{}\" should be", quoted(peek()), wanted));
}

bool BirdValues::refuse(std::string reason) {
  complain(LintKind::refused_by_bird, std::move(reason));
  return false;
}

bool BirdValues::unexpected() {
  return refuse(fmt::format("{} cannot stand there", quoted(peek())));
}

bool BirdValues::number(std::uint32_t max, std::optional<std::uint32_t>& value) {
  const BirdToken token = peek();
  std::span<const BirdToken> meant(&token, 1);
  if (token.kind == Kind::number)
    skip(1);
  else if (!constant(meant))
    return false;
  if (meant.empty())
    return true;
  if (meant.size() != 1 || meant.front().kind != Kind::number) {
    not_worked_out("number", token);
    return true;
  }
  value = number_of(meant.front());
  if (!value || *value > max)
    return refuse(fmt::format("{} is over {}", meant.front().text, max));
  return true;
}

bool BirdValues::prefix(Family family, std::optional<Prefix>& prefix) {
  const BirdToken token = peek();
  std::span<const BirdToken> meant = tokens_.subspan(std::min(position_, tokens_.size()));
  if (token.kind == Kind::ipv4 || token.kind == Kind::ipv6) {
    skip(1);
    if (!expect("/"))
      return false;
    if (peek().kind != Kind::number)
      return unexpected();
    skip(1);
    meant = meant.first(3);
  } else if (!constant(meant)) {
    return false;
  }
  if (!meant.empty() && !is_prefix(meant))
    not_worked_out("prefix", token);
  else if (!meant.empty() && !literal_prefix(family, meant, prefix))
    return false;
  return family == Family::ipv4 || !accept("offset") || offset(prefix);
}

bool BirdValues::literal_prefix(Family family, std::span<const BirdToken> tokens,
                                std::optional<Prefix>& prefix) {
  const std::string text = fmt::format("{}/{}", tokens[0].text, tokens[2].text);
  if ((tokens[0].kind == Kind::ipv4) != (family == Family::ipv4))
    return refuse(fmt::format("{} in a route of {}", text, name(family)));
  const std::optional<Address> address =
      family == Family::ipv4 ? ipv4_of(tokens[0].text) : parse_address(tokens[0].text);
  const std::optional<std::uint32_t> length = number_of(tokens[2]);
  if (!address || !length || *length > address_bits(family))
    return refuse(fmt::format("{} is no prefix", text));
  prefix = Prefix::masked(*address, *length);
  if (prefix->address != *address)
    return refuse(fmt::format("{} has bits behind its length: {}", text, to_string(*prefix)));
  return true;
}

bool BirdValues::offset(std::optional<Prefix>& prefix) {
  std::optional<std::uint32_t> offset;
  if (!number(address_bits(Family::ipv6), offset))
    return false;
  if (!offset || !prefix) {
    prefix.reset();
    return true;
  }
  if (*offset > prefix->length)
    return refuse(fmt::format("the offset {} is over the length {}", *offset, prefix->length));
  prefix = Prefix::masked(prefix->address, prefix->length, *offset);
  return true;
}

void BirdValues::not_worked_out(std::string_view what, const BirdToken& token) {
  complain(LintKind::unknown, fmt::format("the {} that {} stands for is not worked out", what,
                                          token.is("(") ? "an expression" : token.text));
}

bool BirdValues::constant(std::span<const BirdToken>& meant) {
  const BirdToken token = peek();
  const bool bracket = token.is("(");
  if (!bracket && (token.kind != Kind::word || std::ranges::count(keywords, token.text) != 0))
    return unexpected();
  skip(1);
  if (!bracket) {
    meant = defined(token.text);
    return true;
  }
  const std::size_t begin = position_;
  for (std::size_t depth = 1; depth > 0; skip(1)) {
    if (peek().kind == Kind::end)
      return unexpected();
    depth += peek().is("(") ? 1U : 0U;
    depth -= peek().is(")") ? 1U : 0U;
  }
  meant = tokens_.subspan(begin, position_ - 1 - begin);
  if (meant.size() == 1 && meant.front().kind == Kind::word)
    meant = defined(meant.front().text);
  return position_ - begin > 1 || refuse("() is no value");
}

std::span<const BirdToken> BirdValues::defined(std::string_view name) {
  const auto known = constants_.find(name);
  if (known != constants_.end())
    return known->second;
  complain(LintKind::unknown, fmt::format("{} is not defined in what was read", name));
  return {};
}

} // namespace flowspec
