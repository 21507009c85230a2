// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry.hpp"

#include <fmt/format.h>

namespace flowspec {

bool is_default_policy(const Components& match) {
  Components policy;
  policy.family = match.family;
  policy.destination = policy.source = Prefix::any(match.family);
  return match == policy;
}

std::string stable_id(const Components& match) {
  // FNV-1a over the family and the NLRI, then the finaliser of MurmurHash3 so that short inputs spread over
  // all digits.
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto mix = [&hash](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3U; };
  mix(static_cast<std::uint8_t>(match.family));
  for (const std::uint8_t byte : canonical_nlri(match))
    mix(byte);
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdU;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53U;
  hash ^= hash >> 33;
  return fmt::format("{:016x}", hash);
}

std::string to_string(const Components& match) {
  std::string text;
  const auto add = [&](std::string_view label, const auto& component) {
    if (component)
      text += fmt::format("{}{} {}", text.empty() ? "" : " ", label, to_string(*component));
  };
  add("dst", match.destination);
  add("src", match.source);
  add("proto", match.protocol);
  add("port", match.port);
  add("dport", match.destination_port);
  add("sport", match.source_port);
  add("icmp-type", match.icmp_type);
  add("icmp-code", match.icmp_code);
  add("tcp-flags", match.tcp_flags);
  add("length", match.packet_length);
  add("dscp", match.dscp);
  add("fragment", match.fragment);
  add("flow-label", match.flow_label);
  return text.empty() ? "any" : text;
}

std::string to_string(const Actions& actions) {
  std::string text = !actions.rate          ? "accept"
                     : *actions.rate == 0.0 ? "discard"
                                            : fmt::format("rate {} B/s", *actions.rate);
  if (actions.sample)
    text += ", sample";
  if (!actions.terminal)
    text += ", go on";
  if (actions.dscp_mark)
    text += fmt::format(", mark dscp {}", *actions.dscp_mark);
  if (actions.redirect)
    text += fmt::format(", redirect {}", *actions.redirect);
  for (const std::string& unknown : actions.unknown)
    text += fmt::format(", [{}]", unknown);
  return text;
}

} // namespace flowspec
