// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/question.hpp"

#include "common/named_protocols.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

std::string_view name(FragmentPlace place) {
  switch (place) {
  case FragmentPlace::none:
    return "none";
  case FragmentPlace::first:
    return "first";
  case FragmentPlace::middle:
    return "middle";
  case FragmentPlace::last:
    return "last";
  }
  return "none";
}

bool says_transport(const Question& question) {
  return question.source_port || question.destination_port || question.icmp_type || question.icmp_code ||
         question.tcp_flags;
}

bool is_later_fragment(const Question& question) {
  return question.fragment == FragmentPlace::middle || question.fragment == FragmentPlace::last;
}

std::string tcp_flags_text(std::uint16_t flags) {
  std::string names;
  for (const TcpFlagName& flag : tcp_flag_names)
    if ((flags & flag.bit) != 0)
      names.append(names.empty() ? "" : ",").append(flag.name);
  if (names.empty())
    return flags == 0 ? "none (0)" : std::to_string(flags);
  return fmt::format("{} ({})", names, flags);
}

std::optional<std::uint8_t> protocol_by_name(std::string_view name) {
  if (name == "ipv6-icmp")
    name = "icmpv6";
  const auto* found = std::ranges::find(named_protocols, name, &NamedProtocol::name);
  if (found == named_protocols.end())
    return std::nullopt;
  return found->number;
}

std::string protocol_text(std::uint8_t protocol) {
  const auto* found = std::ranges::find(named_protocols, protocol, &NamedProtocol::number);
  return found == named_protocols.end() ? std::to_string(protocol)
                                        : fmt::format("{} ({})", protocol, found->name);
}

} // namespace flowspec
