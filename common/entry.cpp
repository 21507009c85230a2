// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry.hpp"

#include <fmt/format.h>

namespace flowspec {

bool is_default_policy(const Components& match) {
  if (!match.destination || match.destination->length != 0 || !match.source || match.source->length != 0)
    return false; // by far the most
  Components policy;
  policy.family = match.family;
  policy.destination = policy.source = Prefix::any(match.family);
  return match == policy;
}

std::string stable_id(const Components& match) {
  std::uint64_t rest = match_hash(match);
  std::string text(16, '0');
  for (std::size_t index = text.size(); index-- > 0; rest >>= 4)
    text[index] = "0123456789abcdef"[rest & 0xf];
  return text;
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
  for (const std::string_view unknown : actions.unknown)
    text += fmt::format(", [{}]", unknown);
  return text;
}

} // namespace flowspec
