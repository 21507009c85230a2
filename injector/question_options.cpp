// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/question_options.hpp"

#include "common/completion.hpp"
#include "common/decide.hpp"
#include "common/entry.hpp"
#include "common/error.hpp"
#include "common/named_protocols.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

namespace flowspec {

namespace {

namespace option = question_option;
using Word = std::optional<std::string>;

[[noreturn]] void refuse(std::string_view name, std::string_view value, std::string_view cause) {
  throw UsageError(fmt::format("{} {}: {}", name, value, cause));
}

std::string_view family_text(Family family) {
  return family == Family::ipv4 ? "IPv4" : "IPv6";
}

/// All of `text` as a number of that base.
std::optional<std::uint32_t> parse_number(std::string_view text, int base = 10) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc() || stopped != end)
    return std::nullopt;
  return value;
}

Address address_of(const char* name, const Word& word) {
  if (!word)
    throw UsageError(fmt::format("{}: it is missing, and an answer needs it", name));
  const std::optional<Address> address = parse_address(*word);
  if (!address)
    refuse(name, *word, "it is no IP address");
  return *address;
}

template <class Number>
std::optional<Number> number_of(const char* name, const Word& word, std::uint32_t highest,
                                std::uint32_t lowest = 0) {
  if (!word)
    return std::nullopt;
  const std::optional<std::uint32_t> value = parse_number(*word);
  if (!value || *value < lowest || *value > highest)
    refuse(name, *word, fmt::format("it is no number from {} to {}", lowest, highest));
  return static_cast<Number>(*value);
}

std::vector<std::string> protocol_names() {
  std::vector<std::string> names;
  for (const NamedProtocol& protocol : named_protocols)
    names.emplace_back(protocol.name);
  return names;
}

std::optional<std::uint8_t> protocol_of(const Word& word, Family family) {
  if (!word)
    return std::nullopt;
  std::optional<std::uint8_t> number = protocol_by_name(*word);
  const bool named = number.has_value();
  if (const auto value = parse_number(*word); !named && value && *value <= domain::protocol)
    number = static_cast<std::uint8_t>(*value);
  if (!number)
    refuse(option::protocol, *word,
           fmt::format("it is no protocol: {}, ipv6-icmp, or a number from 0 to {}",
                       fmt::join(protocol_names(), ", "), domain::protocol));
  const Family other = family == Family::ipv4 ? Family::ipv6 : Family::ipv4;
  if (named && *number == protocol::icmp_of(other))
    refuse(option::protocol, *word,
           fmt::format("the addresses are {}, whose ICMP is {}; a number says just that protocol",
                       family_text(family), protocol_text(protocol::icmp_of(family))));
  if (family == Family::ipv6 && extension_headers().contains(*number))
    refuse(option::protocol, *word,
           "an extension header of IPv6 is not looked at; say the protocol behind it");
  return number;
}

std::optional<std::uint16_t> tcp_flags_of(const Word& word) {
  if (!word)
    return std::nullopt;
  if (*word == "none")
    return std::uint16_t{0};
  if (word->starts_with("0x")) {
    const auto value = parse_number(std::string_view(*word).substr(2), 16);
    if (!value || *value > every_tcp_flag)
      refuse(option::tcp_flags, *word, fmt::format("it is no number from 0x0 to {:#x}", every_tcp_flag));
    return static_cast<std::uint16_t>(*value);
  }
  unsigned flags = 0;
  for (std::string_view rest = *word;;) {
    const std::size_t comma = rest.find(',');
    const auto* found = std::ranges::find(tcp_flag_names, rest.substr(0, comma), &TcpFlagName::name);
    if (found == tcp_flag_names.end())
      refuse(
          option::tcp_flags, *word,
          fmt::format("\"{}\" is no flag: fin, syn, rst, psh, ack, urg, ece, cwr, ae, joined by commas; or "
                      "none, or a number with 0x",
                      rest.substr(0, comma)));
    flags |= found->bit;
    if (comma == std::string_view::npos)
      return static_cast<std::uint16_t>(flags);
    rest.remove_prefix(comma + 1);
  }
}

std::optional<FragmentPlace> fragment_of(const Word& word) {
  if (!word)
    return std::nullopt;
  const auto* place =
      std::ranges::find_if(fragment_places, [&](FragmentPlace each) { return name(each) == *word; });
  if (place == fragment_places.end())
    refuse(option::fragment, *word, "it is one of none, first, middle, last");
  return *place;
}

/// Two flags that say the opposite of each other.
std::optional<bool> either(const char* yes_name, bool yes, const char* no_name, bool no) {
  if (yes && no)
    throw UsageError(fmt::format("{} and {}: only one of them", yes_name, no_name));
  return yes || no ? std::optional(yes) : std::nullopt;
}

/// A field of a transport header is only in a packet that has that header.
void check_transport(const char* name, const Word& word, const Question& question, std::uint8_t protocol,
                     std::uint8_t other_protocol, std::string_view needs) {
  if (!word)
    return;
  if (!question.protocol)
    refuse(name, *word, fmt::format("it needs {}", needs));
  if (*question.protocol != protocol && *question.protocol != other_protocol)
    refuse(name, *word,
           fmt::format("it needs {}, and the protocol is {}", needs, protocol_text(*question.protocol)));
  if (is_later_fragment(question))
    refuse(name, *word,
           fmt::format("{} {}: only the first fragment has that header", option::fragment,
                       flowspec::name(*question.fragment)));
}

void check_together(const RawQuestion& raw, const Question& question) {
  const auto ports = [&](const char* name, const Word& word) {
    check_transport(name, word, question, protocol::tcp, protocol::udp, "--proto tcp or udp");
  };
  ports(option::source_port, raw.source_port);
  ports(option::destination_port, raw.destination_port);
  const std::uint8_t icmp_number = protocol::icmp_of(question.family);
  const auto icmp = [&](const char* name, const Word& word) {
    check_transport(name, word, question, icmp_number, icmp_number,
                    question.family == Family::ipv4 ? "--proto icmp" : "--proto icmpv6");
  };
  icmp(option::icmp_type, raw.icmp_type);
  icmp(option::icmp_code, raw.icmp_code);
  check_transport(option::tcp_flags, raw.tcp_flags, question, protocol::tcp, protocol::tcp, "--proto tcp");
  if (raw.flow_label && question.family == Family::ipv4)
    refuse(option::flow_label, *raw.flow_label, "the addresses are IPv4, which has no flow label");
  if (question.dont_fragment && question.family == Family::ipv6)
    throw UsageError(fmt::format("{}: the addresses are IPv6, which has no such bit",
                                 *question.dont_fragment ? option::dont_fragment : option::may_fragment));
}

/// The bytes of an IP header without options: no packet is shorter.
constexpr std::uint32_t shortest(Family family) {
  return family == Family::ipv4 ? 20 : 40;
}

} // namespace

void add_question_options(CLI::App& app, RawQuestion& raw) {
  CLI::Option_group* const group = app.add_option_group("The packet (what is not said is not known)");
  // Read by question_of; an empty word is one that was given.
  const auto add = [group](const char* option_name, Word& word, const char* type,
                           const std::string& description) {
    return group
        ->add_option_function<std::string>(
            option_name, [&word](const std::string& text) { word = text; }, description)
        ->type_name(type)
        ->configurable(false);
  };
  const auto flag = [group](const char* option_name, bool& value, const char* description) {
    group->add_flag(option_name, value, description)->configurable(false)->disable_flag_override();
  };
  const std::vector<std::string> protocols = protocol_names();
  std::vector<std::string> flags{"none"};
  for (const TcpFlagName& flag_name : tcp_flag_names)
    flags.emplace_back(flag_name.name);
  std::vector<std::string> places;
  for (const FragmentPlace place : fragment_places)
    places.emplace_back(name(place));
  add(option::source, raw.source, "ADDRESS", "Source address, IPv4 or IPv6")->required();
  add(option::destination, raw.destination, "ADDRESS", "Destination address, of the same family")->required();
  add(option::protocol, raw.protocol, "PROTOCOL",
      fmt::format("{}, or a number: the upper layer", fmt::join(protocols, ", ")))
      ->check(offering(protocols));
  add(option::source_port, raw.source_port, "PORT", "Source port, of TCP or UDP");
  add(option::destination_port, raw.destination_port, "PORT", "Destination port, of TCP or UDP");
  add(option::tcp_flags, raw.tcp_flags, "FLAGS",
      "fin,syn,rst,psh,ack,urg,ece,cwr,ae: those that are set; or none, or a number with 0x")
      ->check(offering(flags));
  add(option::icmp_type, raw.icmp_type, "NUMBER", "ICMP type (ICMPv6 with IPv6 addresses)");
  add(option::icmp_code, raw.icmp_code, "NUMBER", "ICMP code");
  add(option::length, raw.length, "BYTES", "The whole packet with its IP header");
  add(option::dscp, raw.dscp, "NUMBER", "0 to 63");
  add(option::flow_label, raw.flow_label, "NUMBER", "Of IPv6");
  add(option::fragment, raw.fragment, "PLACE", "none, first, middle or last")->check(offering(places));
  flag(option::dont_fragment, raw.dont_fragment, "The don't-fragment bit is set");
  flag(option::may_fragment, raw.may_fragment, "The don't-fragment bit is not set");
  flag(option::established, raw.established, "Connection tracking has it as ESTABLISHED or RELATED");
  flag(option::not_established, raw.not_established, "Connection tracking has it as anything else");
}

Question question_of(const RawQuestion& raw) {
  Question question;
  question.source = address_of(option::source, raw.source);
  question.destination = address_of(option::destination, raw.destination);
  question.family = question.source.family;
  if (question.destination.family != question.family)
    throw UsageError(fmt::format("{} {} and {} {}: one is {} and the other {}", option::source, *raw.source,
                                 option::destination, *raw.destination, family_text(question.family),
                                 family_text(question.destination.family)));
  question.protocol = protocol_of(raw.protocol, question.family);
  question.source_port = number_of<std::uint16_t>(option::source_port, raw.source_port, domain::port);
  question.destination_port =
      number_of<std::uint16_t>(option::destination_port, raw.destination_port, domain::port);
  question.icmp_type = number_of<std::uint8_t>(option::icmp_type, raw.icmp_type, domain::icmp);
  question.icmp_code = number_of<std::uint8_t>(option::icmp_code, raw.icmp_code, domain::icmp);
  question.tcp_flags = tcp_flags_of(raw.tcp_flags);
  question.length =
      number_of<std::uint32_t>(option::length, raw.length, domain::packet_length, shortest(question.family));
  question.dscp = number_of<std::uint8_t>(option::dscp, raw.dscp, domain::dscp);
  question.flow_label = number_of<std::uint32_t>(option::flow_label, raw.flow_label, domain::flow_label);
  question.fragment = fragment_of(raw.fragment);
  question.dont_fragment =
      either(option::dont_fragment, raw.dont_fragment, option::may_fragment, raw.may_fragment);
  question.established =
      either(option::established, raw.established, option::not_established, raw.not_established);
  check_together(raw, question);
  return question;
}

} // namespace flowspec
