// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bytes that the kernel oracle sends, and what it takes them for: both against bytes written by hand.
#include "tests/support/packet_bytes.hpp"
#include "tests/support/packet_parser.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace flowspec;
using namespace flowspec::test;

namespace {

PacketPlan between(const char* source, const char* destination) {
  PacketPlan plan;
  plan.source = *parse_address(source);
  plan.destination = *parse_address(destination);
  return plan;
}

const Bytes ipv6_addresses{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
                           0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};

/// An IPv6 packet without DSCP and flow label.
Bytes ipv6(std::uint8_t next, const Bytes& rest) {
  Bytes bytes{0x60, 0, 0, 0, 0, static_cast<std::uint8_t>(rest.size()), next, 64};
  bytes.insert(bytes.end(), ipv6_addresses.begin(), ipv6_addresses.end());
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

/// An IPv4 packet from 10.0.0.1 to 10.0.0.2; its checksum is not looked at.
Bytes ipv4(std::uint8_t protocol, std::uint16_t fragment, const Bytes& rest) {
  Bytes bytes{0x45,
              0,
              0,
              static_cast<std::uint8_t>(20 + rest.size()),
              0,
              1,
              static_cast<std::uint8_t>(fragment >> 8),
              static_cast<std::uint8_t>(fragment),
              64,
              protocol,
              0,
              0,
              10,
              0,
              0,
              1,
              10,
              0,
              0,
              2};
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

const Bytes tcp{0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x5f, 0x12, 1, 0, 0, 0, 0, 0};
const Bytes udp{0, 53, 0x30, 0x39, 0, 8, 0, 0};

Bytes first(Bytes bytes, std::size_t count) {
  bytes.resize(count);
  return bytes;
}

Bytes joined(Bytes bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

} // namespace

TEST_CASE("an IPv4 packet is built byte by byte") {
  PacketPlan plan = between("192.168.0.1", "192.168.0.199");
  plan.identification = 0;
  plan.dont_fragment = true;
  plan.protocol = 17;
  plan.length = 0x73;
  // The header whose checksum, b861, is everybody's example.
  CHECK(first(build(plan), 20) == Bytes{0x45, 0,    0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
                                        0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7});

  plan.dont_fragment = false;
  plan.more_fragments = true;
  plan.fragment_offset = 0x1234;
  plan.dscp = 46;
  plan.ecn = 1;
  plan.options = {1};
  plan.payload = {7, 8, 9};
  plan.length.reset();
  const Bytes bytes = build(plan);
  CHECK(bytes.size() == 27);
  CHECK(first(bytes, 10) == Bytes{0x46, 0xb9, 0, 27, 0, 0, 0x32, 0x34, 0x40, 0x11});
  CHECK(Bytes(bytes.begin() + 20, bytes.end()) == Bytes{1, 0, 0, 0, 7, 8, 9});
}

TEST_CASE("an IPv6 packet is built byte by byte") {
  PacketPlan plan = between("2001:db8::1", "2001:db8::2");
  plan.protocol = 17;
  plan.payload = udp_header(53, 12345);
  CHECK(build(plan) == ipv6(17, udp));

  plan.extensions = {{extension::hop_by_hop, 1, 0, false},
                     {extension::routing, 0, 0, false},
                     {extension::fragment, 0, 1, true},
                     {extension::authentication, 0, 0, false},
                     {extension::destination_options, 0, 0, false}};
  plan.identification = 0x0102;
  const Bytes chain{43, 1, 0x1e, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // hop-by-hop, 16 octets
                    44, 0, 4,    0,  0, 0, 0, 0,                         // routing, type 4
                    51, 0, 0,    9,  0, 0, 1, 2,                         // fragment
                    60, 2, 0,    0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // authentication, 16 octets
                    17, 0, 1,    4,  0, 0, 0, 0};                        // destination options
  CHECK(build(plan) == ipv6(0, joined(chain, udp)));

  plan.extensions.clear();
  plan.dscp = 46;
  plan.ecn = 2;
  plan.flow_label = 0xabcde;
  plan.length = 43;
  CHECK(first(build(plan), 8) == Bytes{0x6b, 0xaa, 0xbc, 0xde, 0, 3, 17, 64});
  CHECK(build(plan).size() == 43);
}

TEST_CASE("transport headers are built byte by byte") {
  CHECK(tcp_header(1, 0x203, 0xfff) ==
        Bytes{0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0x5f, 0xff, 0, 0, 0, 0, 0, 0});
  CHECK(udp_header(1, 0x203) == Bytes{0, 1, 2, 3, 0, 8, 0, 0});
  CHECK(icmp_header(8, 3) == Bytes{8, 3, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("what no packet can be is not built") {
  PacketPlan plan = between("10.0.0.1", "10.0.0.2");
  plan.length = 19;
  CHECK_THROWS_AS(build(plan), std::invalid_argument);
  plan.length = 20;
  CHECK(build(plan).size() == 20);
  plan.extensions = {{extension::fragment, 0, 0, false}};
  CHECK_THROWS_AS(build(plan), std::invalid_argument);
  plan.extensions.clear();
  plan.options.resize(41);
  CHECK_THROWS_AS(build(plan), std::invalid_argument);
}

TEST_CASE("an IPv4 packet is read") {
  const Packet packet = parse(ipv4(6, 0x4000, tcp));
  CHECK(to_string(packet.source) == "10.0.0.1");
  CHECK(to_string(packet.destination) == "10.0.0.2");
  CHECK(packet.protocol == 6);
  CHECK(packet.source_port == 12345);
  CHECK(packet.destination_port == 80);
  CHECK(packet.tcp_flags == 0xf12);
  CHECK(packet.length == 40);
  CHECK(packet.dont_fragment);
  CHECK(!packet.header_cut);
  CHECK(!packet.icmp_type);

  Bytes with_options = ipv4(17, 0, joined({1, 1, 1, 0}, udp));
  with_options[0] = 0x46;
  with_options[1] = 0xb9;
  CHECK(parse(with_options).source_port == 53);
  CHECK(parse(with_options).dscp == 46);

  CHECK(parse(ipv4(1, 0, {8, 3, 0, 0, 0, 0, 0, 0})).icmp_type == 8);
  CHECK(parse(ipv4(1, 0, {8, 3, 0, 0, 0, 0, 0, 0})).icmp_code == 3);
  CHECK(!parse(ipv4(58, 0, {8, 3, 0, 0, 0, 0, 0, 0})).icmp_type);
}

TEST_CASE("a transport header that is not whole is cut") {
  CHECK(parse(ipv4(6, 0, first(tcp, 19))).header_cut);
  CHECK(!parse(ipv4(6, 0, first(tcp, 19))).source_port);
  CHECK(parse(ipv4(6, 0x2000, first(tcp, 19))).header_cut); // a first fragment
  CHECK(parse(ipv4(17, 0, first(udp, 7))).header_cut);
  CHECK(parse(ipv4(1, 0, {8, 3, 0, 0, 0, 0, 0})).header_cut);
  CHECK(!parse(ipv4(47, 0, {})).header_cut);
  CHECK(!parse(ipv4(58, 0, {})).header_cut);
  CHECK(parse(ipv6(6, first(tcp, 19))).header_cut);
  CHECK(parse(ipv6(58, {})).header_cut);
  CHECK(!parse(ipv6(1, {})).header_cut);
}

TEST_CASE("a later fragment has no transport header") {
  const Packet later = parse(ipv4(6, 0x2002, tcp));
  CHECK(later.fragment_offset == 2);
  CHECK(later.more_fragments);
  CHECK(!later.source_port);
  CHECK(!later.header_cut);
  CHECK(parse(ipv4(6, 1, tcp)).header_cut); // RFC 3128
  CHECK(!parse(ipv4(17, 1, tcp)).header_cut);

  // A fragment of a fragment: the first header tells which one of the datagram, the second hides the ports.
  const Packet twice = parse(ipv6(44, joined({44, 0, 0, 1, 0, 0, 0, 1, 17, 0, 0, 16, 0, 0, 0, 2}, udp)));
  CHECK(twice.fragment_offset == 0);
  CHECK(twice.more_fragments);
  CHECK(twice.protocol == 17);
  CHECK(!twice.source_port);
  CHECK(!twice.header_cut);

  const Packet later6 = parse(ipv6(44, joined({6, 0, 0, 8, 0, 0, 0, 1}, tcp)));
  CHECK(later6.fragment_header);
  CHECK(later6.fragment_offset == 1);
  CHECK(!later6.more_fragments);
  CHECK(later6.protocol == 6);
  CHECK(!later6.source_port);
  CHECK(!later6.header_cut);
  CHECK(!later6.upper_layer_hidden);
}

TEST_CASE("the chain of IPv6 headers is followed to the upper layer") {
  const Bytes chain{60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // hop-by-hop, 16 octets
                    43, 0, 0, 0, 0, 0, 0, 0,                         // destination options
                    51, 0, 4, 0, 0, 0, 0, 0,                         // routing
                    44, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,             // authentication, 12 octets
                    17, 0, 0, 1, 0, 0, 0, 1};                        // a first fragment
  const Packet packet = parse(ipv6(0, joined(chain, udp)));
  CHECK(packet.protocol == 17);
  CHECK(packet.source_port == 53);
  CHECK(packet.fragment_header);
  CHECK(packet.more_fragments);
  CHECK(packet.fragment_offset == 0);
  CHECK(!packet.upper_layer_hidden);

  for (const std::uint8_t last : Bytes{50, 59, 135, 255}) {
    const Packet opaque = parse(ipv6(60, {last, 0, 0, 0, 0, 0, 0, 0, 60, 9}));
    CHECK(opaque.protocol == last);
    CHECK(!opaque.upper_layer_hidden);
  }
  Bytes marked = ipv6(17, udp);
  marked[0] = 0x6b;
  marked[1] = 0xaa;
  marked[2] = 0xbc;
  marked[3] = 0xde;
  CHECK(parse(marked).dscp == 46);
  CHECK(parse(marked).flow_label == 0xabcde);
  CHECK(parse(marked).length == 48);
}

TEST_CASE("a chain of IPv6 headers that cannot be followed hides the upper layer") {
  for (const std::uint8_t number : Bytes{0, 43, 51, 60}) {
    CHECK(parse(ipv6(number, {})).upper_layer_hidden);
    CHECK(parse(ipv6(number, {6})).upper_layer_hidden);
    CHECK(parse(ipv6(number, {60, 0, 0, 0})).upper_layer_hidden);
    // What is behind is known by name, and not there.
    CHECK(!parse(ipv6(number, {6, 0, 0, 0})).upper_layer_hidden);
    CHECK(parse(ipv6(number, {6, 0, 0, 0})).protocol == 6);
    CHECK(parse(ipv6(number, {6, 0, 0, 0})).header_cut);
    CHECK(parse(ipv6(number, {6, 0})).upper_layer_hidden == (number == extension::routing));
    CHECK(parse(ipv6(60, {number, 0, 0, 0, 0, 0, 0, 0})).upper_layer_hidden);
  }
  CHECK(parse(ipv6(44, {6, 0, 0})).upper_layer_hidden);
  CHECK(!parse(ipv6(44, {6, 0, 0})).fragment_header);
  CHECK(parse(ipv6(44, {6, 0, 0})).fragment_hidden);
  const Packet cut = parse(ipv6(44, {6, 0, 0, 9, 0, 0, 0}));
  CHECK((cut.fragment_hidden && !cut.fragment_header && !cut.upper_layer_hidden));
  CHECK(cut.fragment_offset == 1);

  const Packet later = parse(ipv6(44, {60, 0, 0, 9, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 0}));
  CHECK(later.upper_layer_hidden);
  CHECK(later.fragment_header);
  CHECK(later.fragment_offset == 1);
  CHECK(later.more_fragments);
  CHECK(!parse(ipv6(44, {59, 0, 0, 9, 0, 0, 0, 1})).upper_layer_hidden);
  CHECK(!parse(ipv6(44, {50, 0, 0, 9, 0, 0, 0, 1})).upper_layer_hidden);
}

TEST_CASE("bytes that are no whole IP packet are refused") {
  CHECK_THROWS_AS(parse(Bytes{}), std::invalid_argument);
  CHECK_THROWS_AS(parse(Bytes(20)), std::invalid_argument);
  CHECK_THROWS_AS(parse(first(ipv4(6, 0, tcp), 39)), std::invalid_argument);
  CHECK_THROWS_AS(parse(first(ipv4(6, 0, {}), 19)), std::invalid_argument);
  CHECK_THROWS_AS(parse(first(ipv6(6, tcp), 59)), std::invalid_argument);
  CHECK_THROWS_AS(parse(first(ipv6(6, {}), 39)), std::invalid_argument);
}

TEST_CASE("a router takes one hop, and marks") {
  PacketPlan plan = between("10.0.0.1", "10.0.0.2");
  plan.ecn = 3;
  plan.protocol = 17;
  plan.payload = udp_header(1, 2);
  PacketPlan after = plan;
  after.hops = 63;
  CHECK(forwarded(build(plan), std::nullopt) == build(after));
  after.dscp = 46;
  CHECK(forwarded(build(plan), 46) == build(after));

  PacketPlan plan6 = between("2001:db8::1", "2001:db8::2");
  plan6.dscp = 63;
  plan6.ecn = 3;
  plan6.flow_label = 0xfffff;
  PacketPlan after6 = plan6;
  after6.hops = 63;
  CHECK(forwarded(build(plan6), std::nullopt) == build(after6));
  after6.dscp = 10;
  CHECK(forwarded(build(plan6), 10) == build(after6));
}
