// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet_oracle/tally.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec::oracle {

namespace {

/// Fewer packets than this are somebody looking at one thing.
constexpr std::uint64_t enough_packets = 10'000;
/// Of the packets of a run over both families, in a thousand.
constexpr std::uint64_t least_outcome = 10;
constexpr std::uint64_t least_other = 2;

std::string outcome_name(Decision::What what) {
  switch (what) {
  case Decision::What::no_entry:
    return "no entry";
  case Decision::What::accept:
    return "accept";
  case Decision::What::discard:
    return "discard";
  case Decision::What::rate_limit:
    return "rate";
  case Decision::What::established:
    return "established";
  case Decision::What::unreadable:
    return "unreadable";
  }
  return "";
}

std::vector<std::string> kinds_of(const Packet& packet, const test::PacketPlan& plan) {
  std::vector<std::string> kinds;
  const auto add = [&](bool holds, const char* name) {
    if (holds)
      kinds.emplace_back(name);
  };
  add(packet.family() == Family::ipv4, "IPv4");
  add(packet.family() == Family::ipv6, "IPv6");
  add(packet.fragment_offset == 0 && packet.more_fragments, "first fragment");
  add(packet.fragment_offset != 0 && packet.more_fragments, "middle fragment");
  add(packet.fragment_offset != 0 && !packet.more_fragments, "last fragment");
  add(packet.header_cut, "cut");
  add(packet.upper_layer_hidden, "hidden");
  add(!plan.options.empty(), "IPv4 options");
  add(!plan.extensions.empty(), "IPv6 extension headers");
  return kinds;
}

std::vector<std::string> parts_of(const Entry& entry) {
  std::vector<std::string> parts;
  const auto add = [&](const auto& present, const char* name) {
    if (present)
      parts.emplace_back(name);
  };
  const Components& match = entry.match;
  add(match.destination, "destination");
  add(match.source, "source");
  add(match.protocol, "protocol");
  add(match.port, "port");
  add(match.destination_port, "destination port");
  add(match.source_port, "source port");
  add(match.icmp_type, "icmp type");
  add(match.icmp_code, "icmp code");
  add(match.tcp_flags, "tcp flags");
  add(match.packet_length, "packet length");
  add(match.dscp, "dscp");
  add(match.fragment, "fragment");
  add(match.flow_label, "flow label");
  add(entry.actions.dscp_mark && !entry.actions.discards(), "mark");
  add(entry.actions.redirect && !entry.actions.discards(), "redirect");
  add(entry.actions.sample, "sample");
  return parts;
}

std::string line(const std::string& title, const std::map<std::string, std::uint64_t>& counts) {
  std::string text = title + ":";
  for (const auto& [name, count] : counts)
    text += fmt::format("{} {} {}", text.back() == ':' ? "" : ",", name, count);
  return text;
}

} // namespace

void Tally::add_set(const std::vector<Entry>& entries, const std::vector<Rejected>& rejected) {
  ++sets_;
  entries_ += entries.size();
  for (const Rejected& one : rejected)
    ++rejected_[std::string(name(one.reason))];
}

void Tally::add(const Decision& decision, const Packet& packet, const test::PacketPlan& plan,
                bool in_mangle) {
  ++packets_;
  ++outcomes_[outcome_name(decision.what)];
  if (in_mangle)
    ++outcomes_["(discarded early)"];
  if (packet.fragment_offset != 0 || packet.more_fragments)
    ++outcomes_["(fragments)"];
  if (packet.header_cut)
    ++outcomes_["(cut)"];
  for (const std::string& kind : kinds_of(packet, plan))
    ++packet_kinds_[kind];
  if (decision.entry != nullptr)
    for (const std::string& part : parts_of(*decision.entry))
      ++deciding_[part];
}

std::string Tally::to_string() const {
  return line("packets", packet_kinds_) + "\n" + line("decided by an entry with", deciding_) + "\n" +
         line("entries rejected", rejected_) + "\n" +
         line(fmt::format("{} packets over {} sets of {} entries", packets_, sets_, entries_), outcomes_);
}

std::vector<std::string> Tally::hardly_met() const {
  std::vector<std::string> names;
  if (packets_ < enough_packets)
    return names;
  const auto look = [&](const Counts& counts, std::uint64_t least, std::vector<std::string> wanted) {
    std::erase_if(wanted, [&](const std::string& name) {
      const auto found = counts.find(name);
      return found != counts.end() && found->second * 1000 >= packets_ * least;
    });
    names.insert(names.end(), wanted.begin(), wanted.end());
  };
  look(outcomes_, least_outcome, {"no entry", "accept", "discard", "rate", "unreadable"});
  look(packet_kinds_, least_other, {"first fragment", "middle fragment", "last fragment", "cut"});
  std::vector<std::string> parts{"destination", "source",    "protocol",  "port",      "destination port",
                                 "source port", "icmp type", "icmp code", "tcp flags", "packet length",
                                 "dscp",        "fragment",  "mark",      "redirect",  "sample"};
  if (packet_kinds_.contains("IPv4"))
    look(packet_kinds_, least_other, {"IPv4 options"});
  if (packet_kinds_.contains("IPv6")) {
    look(packet_kinds_, least_other, {"IPv6 extension headers", "hidden"});
    parts.emplace_back("flow label");
  }
  look(deciding_, least_other, std::move(parts));
  return names;
}

} // namespace flowspec::oracle
