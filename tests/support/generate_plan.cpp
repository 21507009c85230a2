// SPDX-License-Identifier: GPL-2.0-or-later
//
// Packets as bytes near a match: what a sender could make, and what no decent sender would.
#include "tests/support/generate.hpp"

#include <algorithm>

namespace flowspec::generate {

namespace {

using test::Bytes;
using test::ExtensionHeader;
using test::PacketPlan;
namespace extension = test::extension;

constexpr std::uint16_t ipv4_header = 20;
constexpr std::uint16_t ipv6_header = 40;

ExtensionHeader extension_header(std::uint8_t name, std::uint32_t more_units = 0) {
  return {name, static_cast<std::uint8_t>(more_units), 0, false};
}

/// One packet. Each component of the match is met with the same chance, high for most packets: with many
/// components a packet would otherwise hardly ever meet all of them, or all but one.
class Planner {
 public:
  Planner(Random& random, const Components& match)
      : random_(random), match_(match), hit_percent_(chance(random, 75) ? 96 : 65) {}

  PacketPlan plan() {
    plan_.source = address(match_.source);
    plan_.destination = address(match_.destination);
    plan_.protocol = upper_layer();
    plan_.dscp = static_cast<std::uint8_t>(value(match_.dscp, 12));
    plan_.ecn = static_cast<std::uint8_t>(now_and_then(20) ? pick(0, 3) : 0);
    plan_.identification = static_cast<std::uint16_t>(pick(0, 0xffff));
    plan_.reserved_bit = now_and_then(3);
    for (int attempt = hit() ? 12 : 1; attempt > 0; --attempt) {
      fragment();
      if (!match_.fragment || match_.fragment->holds(fragment_bits()))
        break;
    }
    if (v4()) {
      if (now_and_then(15))
        options();
    } else {
      plan_.flow_label = value(match_.flow_label, 12);
      extend();
    }
    transport();
    length();
    return plan_;
  }

 private:
  bool v4() const { return match_.family == Family::ipv4; }
  bool hit() { return chance(random_, hit_percent_); }
  bool now_and_then(unsigned percent) { return chance(random_, percent); }
  std::uint32_t pick(std::uint32_t lo, std::uint32_t hi) { return number(random_, lo, hi); }
  bool asks_ports() const { return match_.port || match_.destination_port || match_.source_port; }

  /// One of `set`; or next to it, or 0..most.
  std::uint32_t value(const std::optional<ValueSet>& set, std::uint32_t most) {
    if (!set || set->empty())
      return pick(0, most);
    if (!hit())
      return now_and_then(70) ? value_near(random_, *set) : pick(0, most);
    const auto& intervals = set->intervals();
    const Interval& one = intervals[pick(0, static_cast<std::uint32_t>(intervals.size() - 1))];
    return now_and_then(40) ? one.first : now_and_then(50) ? one.last : pick(one.first, one.last);
  }

  /// One in `prefix`; or beside it by its last bit, or anywhere.
  Address address(const std::optional<Prefix>& prefix) {
    Address result = generate::address(random_, match_.family);
    const bool within = hit();
    if (!prefix || (!within && now_and_then(50)))
      return result;
    const auto set = [&](unsigned index, bool bit) {
      const auto mask = static_cast<std::uint8_t>(0x80U >> index % 8);
      std::uint8_t& byte = result.bytes[index / 8];
      byte = static_cast<std::uint8_t>(bit ? byte | mask : byte & ~mask);
    };
    for (unsigned index = prefix->offset; index < prefix->length; ++index)
      set(index, prefix->address.bit(index));
    // Not within the first octet: what comes out may be no address that is routed.
    if (!within && prefix->length > 8)
      set(prefix->length - 1U, !prefix->address.bit(prefix->length - 1U));
    return result;
  }

  /// What the transport components ask for, as far as the protocol component has it.
  std::uint8_t upper_layer() {
    std::vector<std::uint8_t> asked;
    if (match_.tcp_flags || asks_ports())
      asked.push_back(protocol::tcp);
    if (!match_.tcp_flags && asks_ports())
      asked.push_back(protocol::udp);
    if (match_.icmp_type || match_.icmp_code)
      asked.push_back(protocol::icmp_of(match_.family));
    if (match_.protocol)
      std::erase_if(asked, [&](std::uint8_t one) { return !match_.protocol->contains(one); });
    if (!asked.empty() && hit())
      return asked[pick(0, static_cast<std::uint32_t>(asked.size() - 1))];
    return match_.protocol ? static_cast<std::uint8_t>(value(match_.protocol, domain::protocol))
                           : some_protocol(random_, match_.family);
  }

  std::uint16_t fragment_bits() const {
    const bool header = v4() || !plan_.extensions.empty();
    const bool more = v4() ? plan_.more_fragments : header && plan_.extensions.front().more_fragments;
    const bool later = (v4()     ? plan_.fragment_offset
                        : header ? plan_.extensions.front().fragment_offset
                                 : 0) != 0;
    using namespace fragment_bit;
    return static_cast<std::uint16_t>((plan_.dont_fragment ? dont_fragment : 0) | (later ? is_fragment : 0) |
                                      (!later && more ? first_fragment : 0) |
                                      (later && !more ? last_fragment : 0));
  }

  void fragment() {
    const std::uint16_t offsets[] = {1, 2, 185, 0x1fff};
    const auto offset = [&] { return now_and_then(40) ? std::uint16_t{0} : offsets[pick(0, 3)]; };
    const bool fragmented = now_and_then(match_.fragment ? 75 : 15);
    plan_.dont_fragment = v4() && now_and_then(30);
    plan_.more_fragments = v4() && fragmented && now_and_then(65);
    plan_.fragment_offset = v4() && fragmented ? offset() : std::uint16_t{0};
    plan_.extensions.clear();
    if (!v4() && fragmented)
      do
        plan_.extensions.push_back({extension::fragment, 0, offset(), now_and_then(65)});
      while (now_and_then(5)); // a fragment of a fragment
  }

  ExtensionHeader some_extension() {
    const std::uint8_t names[] = {extension::routing, extension::authentication,
                                  extension::destination_options};
    const std::uint8_t name = names[pick(0, 2)];
    return extension_header(name, pick(0, 2));
  }

  /// Extension headers before the fragment header and, more seldom, behind it.
  void extend() {
    std::vector<ExtensionHeader>& chain = plan_.extensions;
    for (std::uint32_t more = now_and_then(25) ? pick(1, 2) : 0; more > 0; --more)
      chain.insert(chain.begin(), some_extension());
    if (now_and_then(15))
      chain.push_back(some_extension());
    if (now_and_then(15))
      chain.insert(chain.begin(), extension_header(extension::hop_by_hop, pick(0, 1)));
    // An extension header's number is no upper layer: it goes where it belongs.
    if (!extension::is_one(plan_.protocol))
      return;
    if (plan_.protocol == extension::hop_by_hop) {
      if (chain.empty() || chain.front().number != extension::hop_by_hop)
        chain.insert(chain.begin(), extension_header(extension::hop_by_hop));
    } else if (plan_.protocol != extension::fragment) {
      chain.push_back(extension_header(plan_.protocol));
    }
    plan_.protocol = now_and_then(50) ? std::uint8_t{59} : protocol::udp;
  }

  void options() {
    plan_.options.assign(pick(1, 40), 1); // no operation
    if (plan_.options.size() >= 4 && now_and_then(30)) {
      plan_.options[0] = 0x5e; // RFC 4727's experiment
      plan_.options[1] = 4;
    }
  }

  /// What meets `own`, and `port` too when `with_port` says so and there is such a value.
  std::uint16_t port(const std::optional<ValueSet>& own, bool with_port) {
    std::optional<ValueSet> both = own;
    if (match_.port && with_port) {
      both = own ? *own & *match_.port : *match_.port;
      if (both->empty())
        both = own;
    }
    return static_cast<std::uint16_t>(value(both, 12));
  }

  std::uint16_t flags() {
    std::uint16_t result = 0;
    for (int attempt = hit() ? 40 : 1; attempt > 0; --attempt) {
      result = static_cast<std::uint16_t>(pick(0, now_and_then(60) ? 0x3f : 0xfff));
      if (!match_.tcp_flags || match_.tcp_flags->holds(result))
        break;
    }
    return result;
  }

  void transport() {
    Bytes& bytes = plan_.payload;
    if (plan_.protocol == protocol::tcp || plan_.protocol == protocol::udp) {
      const bool source_side = now_and_then(50);
      const std::uint16_t source = port(match_.source_port, source_side);
      const std::uint16_t destination = port(match_.destination_port, !source_side);
      bytes = plan_.protocol == protocol::tcp ? test::tcp_header(source, destination, flags())
                                              : test::udp_header(source, destination);
      if (plan_.protocol == protocol::tcp && now_and_then(20)) // any data offset, right or wrong
        bytes[12] = static_cast<std::uint8_t>((bytes[12] & 0x0f) | pick(0, 15) << 4);
    } else if (plan_.protocol == protocol::icmp_of(match_.family)) {
      const auto type = static_cast<std::uint8_t>(value(match_.icmp_type, 12));
      bytes = test::icmp_header(type, static_cast<std::uint8_t>(value(match_.icmp_code, 5)));
    }
    for (std::uint32_t data = now_and_then(50) ? 0 : pick(1, 40); data > 0; --data)
      bytes.push_back(static_cast<std::uint8_t>(pick(0, 255)));
  }

  /// The shortest that a router sends on: it reads the IP header with its options, and hop-by-hop options.
  std::uint16_t shortest() const {
    if (v4())
      return static_cast<std::uint16_t>(ipv4_header + (plan_.options.size() + 3) / 4 * 4);
    const std::vector<ExtensionHeader>& chain = plan_.extensions;
    const bool hop_by_hop = !chain.empty() && chain[0].number == extension::hop_by_hop;
    return static_cast<std::uint16_t>(ipv6_header + (hop_by_hop ? 8 + 8 * chain[0].more_units : 0));
  }

  void length() {
    const auto whole = static_cast<std::uint16_t>(test::build(plan_).size());
    if (match_.packet_length) {
      const std::uint32_t wanted = value(match_.packet_length, 2 * whole);
      if (wanted <= 2000 || now_and_then(30))
        plan_.length = std::max(shortest(), static_cast<std::uint16_t>(wanted));
    } else if (now_and_then(8)) {
      plan_.length = static_cast<std::uint16_t>(pick(shortest(), whole));
    }
  }

  Random& random_;
  const Components& match_;
  unsigned hit_percent_;
  PacketPlan plan_;
};

} // namespace

PacketPlan plan_near(Random& random, const Components& match) {
  return Planner(random, match).plan();
}

} // namespace flowspec::generate
