// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/address_range.hpp"

#include <optional>

namespace flowspec {

namespace {

/// The last address of `prefix`.
Address last_of(const Prefix& prefix) {
  Address last = prefix.address;
  for (unsigned bit = prefix.length; bit < address_bits(prefix.family()); ++bit)
    last.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
  return last;
}

/// The address behind `address`; none behind the family's last.
std::optional<Address> next(Address address) {
  for (std::size_t byte = address_bits(address.family) / 8; byte-- > 0;)
    if (++address.bytes[byte] != 0)
      return address;
  return std::nullopt;
}

/// The address before `address`; none before the family's first.
std::optional<Address> previous(Address address) {
  for (std::size_t byte = address_bits(address.family) / 8; byte-- > 0;)
    if (address.bytes[byte]-- != 0)
      return address;
  return std::nullopt;
}

} // namespace

std::vector<Prefix> prefixes_of(const IprangeMatch::Range& range) {
  std::vector<Prefix> result;
  std::optional<Address> first = range.first;
  while (first && *first <= range.last) {
    // The widest prefix that begins here and does not reach beyond the end.
    Prefix prefix = Prefix::masked(*first, address_bits(first->family));
    while (prefix.length > 0) {
      const Prefix wider = Prefix::masked(*first, prefix.length - 1U);
      if (wider.address != *first || last_of(wider) > range.last)
        break;
      prefix = wider;
    }
    result.push_back(prefix);
    first = next(last_of(prefix));
  }
  return result;
}

std::vector<Prefix> prefixes_outside(const IprangeMatch::Range& range) {
  const Prefix any = Prefix::any(range.first.family);
  if (range.last < range.first)
    return {any};
  std::vector<Prefix> result;
  if (const auto before = previous(range.first))
    result = prefixes_of({any.address, *before});
  if (const auto behind = next(range.last))
    for (const Prefix& prefix : prefixes_of({*behind, last_of(any)}))
      result.push_back(prefix);
  return result;
}

std::vector<Prefix> prefixes_outside(const Prefix& prefix) {
  return prefixes_outside(IprangeMatch::Range{prefix.address, last_of(prefix)});
}

} // namespace flowspec
