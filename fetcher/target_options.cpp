// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/target_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace flowspec {

namespace {

using Options = std::span<const RuleOption>;

/// The words of --reject-with that iptables prints.
bool is_reject_word(std::string_view word, Family family) {
  static constexpr std::array ipv4{
      "icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable", "icmp-proto-unreachable",
      "icmp-net-prohibited",  "icmp-host-prohibited",  "icmp-admin-prohibited", "tcp-reset"};
  static constexpr std::array ipv6{"icmp6-no-route",
                                   "icmp6-adm-prohibited",
                                   "icmp6-addr-unreachable",
                                   "icmp6-port-unreachable",
                                   "icmp6-policy-fail",
                                   "icmp6-reject-route",
                                   "tcp-reset"};
  return family == Family::ipv4 ? std::ranges::find(ipv4, word) != ipv4.end()
                                : std::ranges::find(ipv6, word) != ipv6.end();
}

std::string default_reject_word(Family family) {
  return family == Family::ipv4 ? "icmp-port-unreachable" : "icmp6-port-unreachable";
}

RejectTarget read_reject(Options options, Family family) {
  RejectTarget reject{default_reject_word(family)};
  for (const RuleOption& option : options) {
    option.must_be_plain();
    if (option.name != "--reject-with" || !is_reject_word(option.value(), family))
      throw UnreadablePart(
          fmt::format("{} of -j REJECT", option.values.empty() ? option.name : option.value()));
    reject.with = option.value();
  }
  return reject;
}

/// The option `name` of `options`, or none. Throws UnreadablePart for every other option that is not in
/// `known`, for one that comes twice and for a negated one.
const RuleOption* find(Options options, std::string_view name, std::string_view target,
                       std::initializer_list<std::string_view> known) {
  const RuleOption* found = nullptr;
  for (const RuleOption& option : options) {
    option.must_be_plain();
    if (option.name == name) {
      if (found)
        throw UnreadablePart(fmt::format("{} twice", name));
      found = &option;
    } else if (std::ranges::find(known, option.name) == known.end()) {
      throw UnreadablePart(fmt::format("{} of -j {}", option.name, target));
    }
  }
  return found;
}

DscpTarget read_dscp(Options options) {
  const RuleOption* value = find(options, "--set-dscp", "DSCP", {});
  if (!value)
    throw UnreadablePart("-j DSCP without a value");
  return {static_cast<std::uint8_t>(number(value->value(), 63, value->name))};
}

/// "0x10/0xff", or "0x10" for every bit.
MarkTarget read_mark(Options options) {
  const RuleOption* option = find(options, "--set-xmark", "MARK", {});
  if (!option)
    throw UnreadablePart("-j MARK without a mark");
  const auto parts = split(option->value(), '/');
  if (parts.size() > 2)
    throw UnreadablePart(fmt::format("{} {}", option->name, option->value()));
  const auto word = [option](std::string_view digits) {
    return static_cast<std::uint32_t>(
        number(digits, std::numeric_limits<std::uint32_t>::max(), option->name));
  };
  MarkTarget mark{.value = word(parts[0])};
  if (parts.size() == 2)
    mark.mask = word(parts[1]);
  return mark;
}

NflogTarget read_nflog(Options options) {
  NflogTarget target;
  if (const RuleOption* group = find(options, "--nflog-group", "NFLOG", {"--nflog-prefix"}))
    target.group = static_cast<std::uint16_t>(number(group->value(), 65535, group->name));
  if (const RuleOption* prefix = find(options, "--nflog-prefix", "NFLOG", {"--nflog-group"})) {
    target.prefix = prefix->value();
    if (target.prefix.size() > NflogTarget::max_prefix || target.prefix.find('\n') != std::string::npos)
      throw UnreadablePart(fmt::format("{} of more than {} bytes, or with a line break", prefix->name,
                                       NflogTarget::max_prefix));
  }
  return target;
}

} // namespace

void read_target(Target& target, std::string_view name, Options options, Family family) {
  if (name == "REJECT") {
    target = RejectTarget{default_reject_word(family)};
    target = read_reject(options, family);
    return;
  }
  target = OpaqueTarget{std::string(name), 0, {}};
  if (name == "DSCP")
    target = read_dscp(options);
  else if (name == "MARK")
    target = read_mark(options);
  else if (name == "NFLOG")
    target = read_nflog(options);
  else
    throw UnreadablePart(fmt::format("-j {}", name));
}

} // namespace flowspec
