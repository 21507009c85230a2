// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet_oracle/report.hpp"

#include "common/precedence.hpp"
#include "common/rule_text.hpp"

#include <fmt/format.h>

namespace flowspec::oracle {

namespace {

std::string in_words(const Packet& packet) {
  std::string text = fmt::format("{} -> {} protocol {} length {} dscp {}", to_string(packet.source),
                                 to_string(packet.destination), packet.protocol, packet.length, packet.dscp);
  const auto add = [&](bool holds, const std::string& words) {
    if (holds)
      text += " " + words;
  };
  const auto value = [&](const auto& field, const char* name) {
    if (field)
      text += fmt::format(" {} {}", name, *field);
  };
  value(packet.source_port, "sport");
  value(packet.destination_port, "dport");
  value(packet.icmp_type, "icmp-type");
  value(packet.icmp_code, "icmp-code");
  if (packet.tcp_flags)
    text += fmt::format(" tcp-flags {:#x}", *packet.tcp_flags);
  add(packet.family() == Family::ipv6, fmt::format("flow-label {}", packet.flow_label));
  add(packet.dont_fragment, "dont-fragment");
  add(packet.fragment_header, "fragment-header");
  add(packet.fragment_hidden, "(fragment hidden)");
  add(packet.fragment_offset != 0 || packet.more_fragments,
      fmt::format("offset {}*8 {}", packet.fragment_offset, packet.more_fragments ? "more" : "last"));
  add(packet.header_cut, "(transport header cut)");
  add(packet.upper_layer_hidden, "(upper layer hidden)");
  return text;
}

std::string in_hex(const test::Bytes& bytes) {
  std::string text;
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (index % 32 == 0)
      text += fmt::format("\n   {:4}:", index);
    text += fmt::format("{}{:02x}", index % 4 == 0 ? " " : "", bytes[index]);
  }
  return text;
}

std::string in_rules(const WantedTable& table) {
  std::string text;
  for (const Hook& hook : table.hooks)
    if (hook.wanted)
      text += fmt::format("    -A {} {}\n", hook.parent, to_string(hook.jump(), table.family));
  for (const Chain& chain : table.chains)
    for (const Rule& rule : chain.rules)
      text += fmt::format("    -A {} {}\n", chain.name, to_string(rule, table.family));
  return text;
}

} // namespace

std::string to_string(const Difference& difference, const RuleSet& set, const Installed& installed) {
  std::string text = fmt::format("DIFFERENCE: set {}, packet {}\n  entries, first match first:\n", set.seed,
                                 difference.number);
  std::vector<Entry> entries = installed.reference;
  sort_by_precedence(entries);
  for (const Entry& entry : entries)
    text += fmt::format("    {}: {} => {}\n", comment_of(entry), to_string(entry.match),
                        to_string(entry.actions));
  for (const WantedTable& table : installed.tables)
    text += fmt::format("  rules of table {}:\n{}", table.table, in_rules(table));
  text += fmt::format("  packet: {}{}\n", in_words(difference.packet), in_hex(difference.bytes));
  return text + fmt::format("  expected: {}\n  seen:     {}\n", to_string(difference.wanted),
                            to_string(difference.seen));
}

} // namespace flowspec::oracle
