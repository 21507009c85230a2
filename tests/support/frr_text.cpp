// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/frr_text.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace flowspec::test {

namespace {

std::string values(const ValueSet& set) {
  std::string text;
  const auto add = [&text](std::string_view item, std::uint32_t value) {
    text += fmt::format("{}{} {} ", text.empty() ? "" : ", ", item, value);
  };
  for (const auto& [first, last] : set.intervals()) {
    if (first == last) {
      add("=", first);
    } else {
      add(">=", first);
      add("<=", last);
    }
  }
  return text;
}

std::string prefix(const Prefix& prefix) {
  return fmt::format("{}/{}{}", to_string(prefix.address), prefix.length,
                     prefix.family() == Family::ipv6 ? "/off 0" : "");
}

std::string components(const Components& match) {
  std::string text;
  const auto add = [&text](std::string_view key, const auto& component, auto to_text) {
    if (component)
      text += fmt::format("{}    \"{}\":\"{}\"", text.empty() ? "" : ",\n", key, to_text(*component));
  };
  const auto tests = [](const BitTests& list) { return to_string(list); };
  add("to", match.destination, prefix);
  add("from", match.source, prefix);
  add("proto", match.protocol, values);
  add("port", match.port, values);
  add("dstp", match.destination_port, values);
  add("srcp", match.source_port, values);
  add("type", match.icmp_type, values);
  add("code", match.icmp_code, values);
  add("tcp", match.tcp_flags, tests);
  add("pktlen", match.packet_length, values);
  add("dscp", match.dscp, values);
  add("pktfrag", match.fragment, tests);
  add("flwlbl", match.flow_label, values);
  return text;
}

std::string communities(const Entry& entry, const SequenceCarrier& carrier) {
  if (entry.actions.sample || !entry.actions.terminal || entry.actions.dscp_mark || entry.actions.redirect)
    throw std::logic_error("no text for this action");
  std::string text;
  const auto add = [&text](const std::string& token) { text += (text.empty() ? "" : " ") + token; };
  for (const std::string_view target : entry.route_targets)
    add(std::string(target));
  if (entry.sequence && carrier.kind == SequenceCarrier::Kind::route_target)
    add(fmt::format("{}:{}", carrier.asn, *entry.sequence));
  if (entry.actions.rate)
    add(fmt::format("FS:rate {:f}", static_cast<float>(*entry.actions.rate)));
  return text;
}

} // namespace

std::string frr_text(std::span<const Entry> entries, const SequenceCarrier& carrier) {
  std::string text;
  for (const Entry& entry : entries) {
    text += fmt::format("[\n  {{\n{}\n  }},\n", components(entry.match));
    if (const std::string list = communities(entry, carrier); !list.empty())
      text += fmt::format("  {{\n    \"ecomlist\":\"{}\"\n  }},\n", list);
    text += "  {\n    \"time\":\"00:00:01\"\n  }\n]\n";
  }
  return text;
}

} // namespace flowspec::test
