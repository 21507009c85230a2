// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/icmp_names.hpp"

#include <algorithm>
#include <array>

namespace flowspec {

namespace {

struct Name {
  std::string_view name;
  std::string_view numbers;
};

// Sorted by name.
constexpr std::array icmp{
    Name{"TOS-host-redirect", "5/3"},
    Name{"TOS-host-unreachable", "3/12"},
    Name{"TOS-network-redirect", "5/2"},
    Name{"TOS-network-unreachable", "3/11"},
    Name{"address-mask-reply", "18"},
    Name{"address-mask-request", "17"},
    Name{"communication-prohibited", "3/13"},
    Name{"destination-unreachable", "3"},
    Name{"echo-reply", "0"},
    Name{"echo-request", "8"},
    Name{"fragmentation-needed", "3/4"},
    Name{"host-precedence-violation", "3/14"},
    Name{"host-prohibited", "3/10"},
    Name{"host-redirect", "5/1"},
    Name{"host-unknown", "3/7"},
    Name{"host-unreachable", "3/1"},
    Name{"ip-header-bad", "12/0"},
    Name{"network-prohibited", "3/9"},
    Name{"network-redirect", "5/0"},
    Name{"network-unknown", "3/6"},
    Name{"network-unreachable", "3/0"},
    Name{"parameter-problem", "12"},
    Name{"ping", "8"},
    Name{"pong", "0"},
    Name{"port-unreachable", "3/3"},
    Name{"precedence-cutoff", "3/15"},
    Name{"protocol-unreachable", "3/2"},
    Name{"redirect", "5"},
    Name{"required-option-missing", "12/1"},
    Name{"router-advertisement", "9"},
    Name{"router-solicitation", "10"},
    Name{"source-quench", "4"},
    Name{"source-route-failed", "3/5"},
    Name{"time-exceeded", "11"},
    Name{"timestamp-reply", "14"},
    Name{"timestamp-request", "13"},
    Name{"ttl-exceeded", "11"},
    Name{"ttl-zero-during-reassembly", "11/1"},
    Name{"ttl-zero-during-transit", "11/0"},
};

constexpr std::array icmpv6{
    Name{"address-unreachable", "1/3"},
    Name{"bad-header", "4/0"},
    Name{"beyond-scope", "1/2"},
    Name{"communication-prohibited", "1/1"},
    Name{"destination-unreachable", "1"},
    Name{"echo-reply", "129"},
    Name{"echo-request", "128"},
    Name{"failed-policy", "1/5"},
    Name{"neighbor-advertisement", "136"},
    Name{"neighbor-solicitation", "135"},
    Name{"neighbour-advertisement", "136"},
    Name{"neighbour-solicitation", "135"},
    Name{"no-route", "1/0"},
    Name{"packet-too-big", "2"},
    Name{"parameter-problem", "4"},
    Name{"ping", "128"},
    Name{"pong", "129"},
    Name{"port-unreachable", "1/4"},
    Name{"redirect", "137"},
    Name{"reject-route", "1/6"},
    Name{"router-advertisement", "134"},
    Name{"router-solicitation", "133"},
    Name{"time-exceeded", "3"},
    Name{"ttl-exceeded", "3"},
    Name{"ttl-zero-during-reassembly", "3/1"},
    Name{"ttl-zero-during-transit", "3/0"},
    Name{"unknown-header-type", "4/1"},
    Name{"unknown-option", "4/2"},
};

template <typename Names>
std::string_view find(const Names& names, std::string_view name) {
  const auto* const found = std::ranges::lower_bound(names, name, {}, &Name::name);
  return found == names.end() || found->name != name ? std::string_view{} : found->numbers;
}

} // namespace

std::string_view icmp_numbers(std::string_view name, Family family) {
  return family == Family::ipv4 ? find(icmp, name) : find(icmpv6, name);
}

} // namespace flowspec
