// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prefix.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace flowspec {

namespace {

/// True when the bits [offset, length) of both are the same.
bool agree(const Address& a, const Address& b, unsigned offset, unsigned length) {
  for (unsigned index = offset; index < length;) {
    if (index % 8 == 0 && index + 8 <= length) {
      if (a.bytes[index / 8] != b.bytes[index / 8])
        return false;
      index += 8;
    } else {
      if (a.bit(index) != b.bit(index))
        return false;
      ++index;
    }
  }
  return true;
}

/// Four numbers of 0..255 without leading zeros, as inet_pton takes them.
std::optional<Address> parse_dotted_quad(std::string_view text) {
  Address address;
  std::size_t at = 0;
  for (std::size_t octet = 0; octet < 4; ++octet) {
    if (octet > 0 && (at == text.size() || text[at++] != '.'))
      return std::nullopt;
    const std::size_t start = at;
    unsigned value = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && at < start + 3; ++at)
      value = value * 10 + static_cast<unsigned>(text[at] - '0');
    if (at == start || value > 255 || (at - start > 1 && text[start] == '0'))
      return std::nullopt;
    address.bytes[octet] = static_cast<std::uint8_t>(value);
  }
  return at == text.size() ? std::optional(address) : std::nullopt;
}

} // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.find(':') == std::string_view::npos)
    return parse_dotted_quad(text);
  // inet_pton wants a terminated string, and would stop at an embedded NUL.
  if (text.size() > INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  char terminated[INET6_ADDRSTRLEN + 1] = "";
  text.copy(terminated, text.size());
  Address address;
  address.family = Family::ipv6;
  if (inet_pton(AF_INET6, terminated, address.bytes.data()) != 1)
    return std::nullopt;
  return address;
}

std::string to_string(const Address& address) {
  if (address.family == Family::ipv4)
    return fmt::format(FMT_COMPILE("{}.{}.{}.{}"), address.bytes[0], address.bytes[1], address.bytes[2],
                       address.bytes[3]);
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, address.bytes.data(), text, sizeof text);
  return text;
}

Prefix Prefix::masked(const Address& address, unsigned length, unsigned offset) {
  Prefix prefix{address, static_cast<std::uint8_t>(length), static_cast<std::uint8_t>(offset)};
  auto& bytes = prefix.address.bytes;
  if (const std::size_t whole = length / 8; whole < bytes.size()) {
    bytes[whole] &= static_cast<std::uint8_t>(0xff00U >> length % 8);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(whole) + 1, bytes.end(), std::uint8_t{0});
  }
  if (offset > 0) {
    const auto whole = static_cast<std::ptrdiff_t>(offset / 8);
    std::fill(bytes.begin(), bytes.begin() + whole, std::uint8_t{0});
    if (offset % 8 != 0)
      bytes[offset / 8] &= static_cast<std::uint8_t>(0xffU >> offset % 8);
  }
  return prefix;
}

Prefix Prefix::any(Family family) {
  return {{family, {}}, 0, 0};
}

bool Prefix::contains(const Address& other) const {
  return other.family == family() && agree(address, other, offset, length);
}

bool Prefix::contains(const Prefix& other) const {
  return other.length >= length && contains(other.address);
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  const std::optional<Address> address = parse_address(text.substr(0, slash));
  if (!address)
    return std::nullopt;
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() || length > address_bits(address->family))
    return std::nullopt;
  return Prefix::masked(*address, length);
}

std::string to_string(const Prefix& prefix) {
  const std::string text = fmt::format(FMT_COMPILE("{}/{}"), to_string(prefix.address), prefix.length);
  return prefix.offset == 0 ? text : fmt::format("{}/off {}", text, prefix.offset);
}

} // namespace flowspec
