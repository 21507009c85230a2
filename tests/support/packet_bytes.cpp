// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/packet_bytes.hpp"

#include <span>
#include <stdexcept>

namespace flowspec::test {

namespace {

constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;
constexpr std::uint8_t filler = 0x5a;
// IPv6 options: padding, of which Linux takes 7 octets and no more; and RFC 4727's, which who does not know
// it skips.
constexpr std::uint8_t pad_n = 1;
constexpr std::uint8_t experimental = 0x1e;

void put16(Bytes& bytes, std::size_t at, std::size_t value) {
  bytes.at(at) = static_cast<std::uint8_t>(value >> 8);
  bytes.at(at + 1) = static_cast<std::uint8_t>(value & 0xff);
}

std::uint16_t word(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void append(Bytes& bytes, std::span<const std::uint8_t> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

/// RFC 791 section 3.1, over the header with its checksum as 0.
void set_checksum(Bytes& bytes, std::size_t header) {
  put16(bytes, 10, 0);
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < header; at += 2)
    sum += word(bytes, at);
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  put16(bytes, 10, ~sum & 0xffff);
}

std::size_t header_of_ipv4(std::span<const std::uint8_t> bytes) {
  return static_cast<std::size_t>(bytes[0] & 0x0f) * 4;
}

void fit(Bytes& bytes, const PacketPlan& plan, std::size_t header) {
  append(bytes, plan.payload);
  const std::size_t length = plan.length.value_or(bytes.size());
  if (length < header || length > 0xffff)
    throw std::invalid_argument("a packet that is shorter than its IP header, or longer than 65535 bytes");
  bytes.resize(length, filler);
}

Bytes build_ipv4(const PacketPlan& plan) {
  const std::size_t header = ipv4_header + (plan.options.size() + 3) / 4 * 4;
  if (header > 60 || !plan.extensions.empty())
    throw std::invalid_argument("an IPv4 header of more than 60 bytes, or with extension headers");
  Bytes bytes{static_cast<std::uint8_t>(0x40 | header / 4),
              static_cast<std::uint8_t>(plan.dscp << 2 | plan.ecn)};
  bytes.resize(ipv4_header);
  put16(bytes, 4, plan.identification);
  put16(bytes, 6,
        (plan.reserved_bit ? 0x8000U : 0U) | (plan.dont_fragment ? 0x4000U : 0U) |
            (plan.more_fragments ? 0x2000U : 0U) | plan.fragment_offset);
  bytes[8] = plan.hops;
  bytes[9] = plan.protocol;
  for (std::size_t index = 0; index < 4; ++index) {
    bytes[12 + index] = plan.source.bytes[index];
    bytes[16 + index] = plan.destination.bytes[index];
  }
  append(bytes, plan.options);
  bytes.resize(header); // end-of-list is 0
  fit(bytes, plan, header);
  put16(bytes, 2, bytes.size());
  set_checksum(bytes, header);
  return bytes;
}

/// One extension header that names `next` behind it.
Bytes extension_bytes(const ExtensionHeader& header, std::uint8_t next, const PacketPlan& plan) {
  Bytes bytes(8 + 8U * header.more_units);
  bytes[0] = next;
  bytes[1] = header.more_units;
  switch (header.number) {
  case extension::fragment:
    bytes.assign({next, 0, 0, 0, 0, 0, 0, 0});
    put16(bytes, 2,
          static_cast<std::size_t>(header.fragment_offset) << 3 | (plan.reserved_bit ? 2U : 0U) |
              (header.more_fragments ? 1U : 0U));
    put16(bytes, 6, plan.identification);
    break;
  case extension::authentication: // 12 octets and the check value; counted in words, less 2
    bytes.resize(bytes.size() + 8);
    bytes[1] = static_cast<std::uint8_t>(bytes.size() / 4 - 2);
    break;
  case extension::routing: // type 4 (RFC 8754) with no segment left: only the destination would look at it
    bytes[2] = 4;
    break;
  default: // one option over the whole of it
    bytes[2] = header.more_units == 0 ? pad_n : experimental;
    bytes[3] = static_cast<std::uint8_t>(bytes.size() - 4);
  }
  return bytes;
}

Bytes build_ipv6(const PacketPlan& plan) {
  if (!plan.options.empty())
    throw std::invalid_argument("IPv6 with options of IPv4");
  const std::size_t count = plan.extensions.size();
  const auto number = [&](std::size_t index) {
    return index < count ? plan.extensions[index].number : plan.protocol;
  };
  const unsigned traffic_class = static_cast<unsigned>(plan.dscp << 2 | plan.ecn);
  Bytes bytes(ipv6_header);
  put16(bytes, 0, 0x6000U | traffic_class << 4 | plan.flow_label >> 16);
  put16(bytes, 2, plan.flow_label & 0xffff);
  bytes[6] = number(0);
  bytes[7] = plan.hops;
  for (std::size_t index = 0; index < 16; ++index) {
    bytes[8 + index] = plan.source.bytes[index];
    bytes[24 + index] = plan.destination.bytes[index];
  }
  for (std::size_t index = 0; index < count; ++index)
    append(bytes, extension_bytes(plan.extensions[index], number(index + 1), plan));
  fit(bytes, plan, ipv6_header);
  put16(bytes, 4, bytes.size() - ipv6_header);
  return bytes;
}

} // namespace

Bytes build(const PacketPlan& plan) {
  return plan.source.family == Family::ipv4 ? build_ipv4(plan) : build_ipv6(plan);
}

Bytes tcp_header(std::uint16_t source_port, std::uint16_t destination_port, std::uint16_t flags) {
  Bytes bytes(20);
  put16(bytes, 0, source_port);
  put16(bytes, 2, destination_port);
  put16(bytes, 12, 0x5000U | (flags & 0x0fffU));
  return bytes;
}

Bytes udp_header(std::uint16_t source_port, std::uint16_t destination_port) {
  Bytes bytes(8);
  put16(bytes, 0, source_port);
  put16(bytes, 2, destination_port);
  put16(bytes, 4, 8);
  return bytes;
}

Bytes icmp_header(std::uint8_t type, std::uint8_t code) {
  return {type, code, 0, 0, 0, 0, 0, 0};
}

Bytes forwarded(Bytes bytes, std::optional<std::uint8_t> dscp) {
  if (bytes.at(0) >> 4 == 4) {
    --bytes[8];
    if (dscp)
      bytes[1] = static_cast<std::uint8_t>(*dscp << 2 | (bytes[1] & 3));
    set_checksum(bytes, header_of_ipv4(bytes));
  } else {
    --bytes[7];
    if (dscp)
      put16(bytes, 0, (word(bytes, 0) & 0xf03fU) | static_cast<unsigned>(*dscp << 6));
  }
  return bytes;
}

} // namespace flowspec::test
