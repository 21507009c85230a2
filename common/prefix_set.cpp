// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prefix_set.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace flowspec {

namespace {

/// They differ in their last bit and in nothing else: together they are one prefix.
bool are_siblings(const Prefix& a, const Prefix& b) {
  return a.length > 0 && a.length == b.length && a != b &&
         Prefix::masked(a.address, a.length - 1U) == Prefix::masked(b.address, b.length - 1U);
}

/// The first of `prefixes` that begins behind `address`.
auto behind(const std::vector<Prefix>& prefixes, const Address& address) {
  return std::upper_bound(prefixes.begin(), prefixes.end(), address,
                          [](const Address& a, const Prefix& p) { return a < p.address; });
}

} // namespace

PrefixSet::PrefixSet(std::vector<Prefix> prefixes) {
  std::sort(prefixes.begin(), prefixes.end()); // what contains others comes before them
  for (const Prefix& prefix : prefixes) {
    if (prefix.offset != 0)
      throw std::invalid_argument("a set of prefixes with " + to_string(prefix));
    if (!prefixes_.empty() && prefixes_.back().contains(prefix))
      continue;
    Prefix next = prefix;
    for (; !prefixes_.empty() && are_siblings(prefixes_.back(), next); prefixes_.pop_back())
      next = Prefix::masked(next.address, next.length - 1U);
    prefixes_.push_back(next);
  }
}

bool PrefixSet::contains(const Address& address) const {
  const auto next = behind(prefixes_, address);
  return next != prefixes_.begin() && std::prev(next)->contains(address);
}

bool PrefixSet::contains(const Prefix& prefix) const {
  if (prefix.offset != 0)
    return false;
  const auto next = behind(prefixes_, prefix.address);
  return next != prefixes_.begin() && std::prev(next)->contains(prefix);
}

bool PrefixSet::overlaps(const Prefix& prefix) const {
  if (prefix.offset != 0)
    return std::any_of(prefixes_.begin(), prefixes_.end(),
                       [&](const Prefix& own) { return own.family() == prefix.family(); });
  const auto next = behind(prefixes_, prefix.address);
  return (next != prefixes_.begin() && std::prev(next)->contains(prefix.address)) ||
         (next != prefixes_.end() && prefix.contains(next->address));
}

const PrefixSet& shared_addresses() {
  static const PrefixSet addresses({*parse_prefix("127.0.0.0/8"), *parse_prefix("169.254.0.0/16"),
                                    *parse_prefix("224.0.0.0/4"), *parse_prefix("255.255.255.255/32"),
                                    *parse_prefix("::1/128"), *parse_prefix("fe80::/10"),
                                    *parse_prefix("ff00::/8")});
  return addresses;
}

} // namespace flowspec
