// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/component_check.hpp"

#include "common/decide.hpp"

#include <fmt/format.h>

#include <utility>

namespace flowspec {

namespace {

/// What is known of a component.
struct Told {
  Holding holding = Holding::holds;
  std::string has;
  std::vector<std::string_view> options;
};

Told told(bool holds, std::string has) {
  return {holds ? Holding::holds : Holding::fails, std::move(has), {}};
}

Told not_told(std::vector<std::string_view> options) {
  return {Holding::not_told, {}, std::move(options)};
}

/// What a packet has of which nothing is said, where no value would do.
constexpr const char* any_other = "some other value";

template <class Number>
Told number_told(const ValueSet& asked, const std::optional<Number>& said, std::string_view option) {
  if (said)
    return told(asked.contains(*said), std::to_string(*said));
  if (asked.full() || asked.empty())
    return told(asked.full(), any_other);
  return not_told({option});
}

Told protocol_told(const ValueSet& asked, const Question& question) {
  if (question.protocol)
    return told(asked.contains(*question.protocol), protocol_text(*question.protocol));
  return number_told(question.family == Family::ipv6 ? asked | extension_headers() : asked, question.protocol,
                     question_option::protocol);
}

/// Port: the source's or the destination's.
Told either_port_told(const ValueSet& asked, const Question& question) {
  const auto& source = question.source_port;
  const auto& destination = question.destination_port;
  if (asked.full() || (source && asked.contains(*source)) || (destination && asked.contains(*destination)))
    return told(true, {});
  if (source && destination)
    return told(false, fmt::format("{} (source) and {} (destination)", *source, *destination));
  if (asked.empty())
    return told(false, any_other);
  std::vector<std::string_view> options;
  if (!source)
    options.emplace_back(question_option::source_port);
  if (!destination)
    options.emplace_back(question_option::destination_port);
  return not_told(std::move(options));
}

Told tcp_flags_told(const BitTests& asked, const std::optional<std::uint16_t>& said) {
  if (said)
    return told(asked.holds(*said), tcp_flags_text(*said));
  bool some = false;
  bool every = true;
  for (std::uint16_t flags = 0; flags <= every_tcp_flag && (every || !some); ++flags) {
    const bool holds = asked.holds(flags);
    some = some || holds;
    every = every && holds;
  }
  return some && !every ? not_told({question_option::tcp_flags}) : told(every, any_other);
}

/// The header behind the IP header that a component looks into.
struct Transport {
  std::string_view what; ///< "ports"
  std::uint8_t protocol; ///< either of these carries it
  std::uint8_t other_protocol;
};

/// `value` is what is known if the header is in the packet; there is none behind another protocol, nor in a
/// later fragment.
Told behind(const Transport& transport, Told value, const Question& question) {
  if (question.protocol && *question.protocol != transport.protocol &&
      *question.protocol != transport.other_protocol)
    return told(false,
                fmt::format("no {}: its protocol is {}", transport.what, protocol_text(*question.protocol)));
  if (is_later_fragment(question))
    return told(false, fmt::format("no {}: it is a later fragment", transport.what));
  if (value.holding == Holding::fails)
    return value;
  // A value that is still to be said says with it that the header is there.
  if (value.holding == Holding::holds && !question.fragment && !says_transport(question))
    value = not_told({question_option::fragment});
  if (!question.protocol) {
    value.holding = Holding::not_told;
    value.options.insert(value.options.begin(), question_option::protocol);
  }
  return value;
}

/// The four bits of RFC 8955 section 4.2.2.12.
std::uint16_t fragment_bits(FragmentPlace place, bool dont_fragment) {
  unsigned bits = dont_fragment ? fragment_bit::dont_fragment : 0;
  if (place == FragmentPlace::middle || place == FragmentPlace::last)
    bits |= fragment_bit::is_fragment;
  if (place == FragmentPlace::first)
    bits |= fragment_bit::first_fragment;
  if (place == FragmentPlace::last)
    bits |= fragment_bit::last_fragment;
  return static_cast<std::uint16_t>(bits);
}

/// What the packet may be, as far as it is said.
struct Fragments {
  std::vector<FragmentPlace> places{fragment_places.begin(), fragment_places.end()};
  std::vector<bool> dont_fragment{false, true};

  explicit Fragments(const Question& question) {
    if (question.fragment)
      places = {*question.fragment};
    else if (says_transport(question))
      places = {FragmentPlace::none, FragmentPlace::first};
    if (question.family == Family::ipv6) // has no such bit
      dont_fragment = {false};
    else if (question.dont_fragment)
      dont_fragment = {*question.dont_fragment};
  }

  /// "10 or 11 (last fragment)".
  std::string text() const {
    std::string bits;
    for (const FragmentPlace place : places)
      for (const bool set : dont_fragment)
        bits += fmt::format("{}{}", bits.empty() ? "" : " or ", fragment_bits(place, set));
    if (places.size() > 1)
      return bits;
    const bool whole = places.front() == FragmentPlace::none;
    return fmt::format("{} ({} fragment)", bits, whole ? "no" : name(places.front()));
  }
};

Told fragment_told(const BitTests& asked, const Question& question) {
  const Fragments may_be(question);
  const auto holds = [&](FragmentPlace place, bool dont_fragment) {
    return asked.holds(fragment_bits(place, dont_fragment));
  };
  bool by_place = false;
  bool by_bit = false;
  for (const FragmentPlace place : may_be.places)
    for (const bool bit : may_be.dont_fragment) {
      by_place = by_place || holds(place, bit) != holds(may_be.places.front(), bit);
      by_bit = by_bit || holds(place, bit) != holds(place, may_be.dont_fragment.front());
    }
  if (!by_place && !by_bit)
    return told(holds(may_be.places.front(), may_be.dont_fragment.front()), may_be.text());
  std::vector<std::string_view> options;
  if (by_place)
    options.emplace_back(question_option::fragment);
  if (by_bit)
    options.emplace_back(question_option::dont_fragment);
  return not_told(std::move(options));
}

Told flow_label_told(const ValueSet& asked, const Question& question) {
  return question.family == Family::ipv6
             ? number_told(asked, question.flow_label, question_option::flow_label)
             : told(false, "no flow label: it is IPv4");
}

} // namespace

std::vector<ComponentCheck> check_components(const Components& match, const Question& question) {
  std::vector<ComponentCheck> checks;
  const auto add = [&checks](std::string_view component, const auto& asked, Told told) {
    if (told.holding != Holding::fails)
      told.has.clear();
    checks.push_back(
        {component, told.holding, to_string(asked), std::move(told.has), std::move(told.options)});
  };
  const auto add_prefix = [&](std::string_view component, const Prefix& asked, const Address& address) {
    add(component, asked, told(asked.contains(address), to_string(address)));
  };
  const auto add_number = [&](std::string_view component, const ValueSet& asked, const auto& said,
                              std::string_view option) {
    add(component, asked, number_told(asked, said, option));
  };
  const auto add_behind = [&](const Transport& transport, std::string_view component, const auto& asked,
                              Told value) {
    add(component, asked, behind(transport, std::move(value), question));
  };
  namespace option = question_option;
  const Transport ports{"ports", protocol::tcp, protocol::udp};
  const Transport tcp{"TCP flags", protocol::tcp, protocol::tcp};
  const Transport icmp{"ICMP header", protocol::icmp_of(match.family), protocol::icmp_of(match.family)};

  if (match.destination)
    add_prefix("destination", *match.destination, question.destination);
  if (match.source)
    add_prefix("source", *match.source, question.source);
  if (match.protocol)
    add("protocol", *match.protocol, protocol_told(*match.protocol, question));
  if (match.port)
    add_behind(ports, "port", *match.port, either_port_told(*match.port, question));
  if (match.destination_port)
    add_behind(ports, "destination_port", *match.destination_port,
               number_told(*match.destination_port, question.destination_port, option::destination_port));
  if (match.source_port)
    add_behind(ports, "source_port", *match.source_port,
               number_told(*match.source_port, question.source_port, option::source_port));
  if (match.icmp_type)
    add_behind(icmp, "icmp_type", *match.icmp_type,
               number_told(*match.icmp_type, question.icmp_type, option::icmp_type));
  if (match.icmp_code)
    add_behind(icmp, "icmp_code", *match.icmp_code,
               number_told(*match.icmp_code, question.icmp_code, option::icmp_code));
  if (match.tcp_flags)
    add_behind(tcp, "tcp_flags", *match.tcp_flags, tcp_flags_told(*match.tcp_flags, question.tcp_flags));
  if (match.packet_length)
    add_number("packet_length", *match.packet_length, question.length, option::length);
  if (match.dscp)
    add_number("dscp", *match.dscp, question.dscp, option::dscp);
  if (match.fragment)
    add("fragment", *match.fragment, fragment_told(*match.fragment, question));
  if (match.flow_label)
    add("flow_label", *match.flow_label, flow_label_told(*match.flow_label, question));
  return checks;
}

} // namespace flowspec
