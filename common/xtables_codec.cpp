// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/xtables_codec.hpp"

#include "common/match_codec.hpp"
#include "common/target_codec.hpp"
#include "common/xtables_families.hpp"

#include <fmt/format.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace flowspec {

namespace {

using namespace xtables;
using Bytes = std::span<const std::byte>;

// Writing

template <class Field>
void write_prefix(const std::optional<Prefix>& prefix, bool negated, Family family, Field& address,
                  Field& mask) {
  require(prefix || !negated, "a negated address that is not asked for");
  if (!prefix)
    return;
  require(prefix->family() == family, "an address of the other family");
  require(prefix->offset == 0, "a prefix with an offset");
  require(prefix->length <= 8 * sizeof mask, "a prefix that is longer than an address");
  std::memcpy(&address, prefix->address.bytes.data(), sizeof address);
  std::array<std::uint8_t, sizeof mask> ones{};
  const unsigned whole = prefix->length / 8;
  std::fill_n(ones.begin(), whole, std::uint8_t{0xff});
  if (prefix->length % 8 != 0)
    ones.at(whole) = static_cast<std::uint8_t>(0xff00U >> prefix->length % 8);
  std::memcpy(&mask, ones.data(), sizeof mask);
}

void write_interface(const std::string& name, bool negated, char (&to)[IFNAMSIZ],
                     unsigned char (&mask)[IFNAMSIZ]) {
  require(!name.empty() || !negated, "a negated interface that is not asked for");
  require(name.size() < IFNAMSIZ && name.find('\0') == std::string::npos,
          "an interface name of more than 15 bytes");
  std::ranges::copy(name, to);
  if (!name.empty())
    std::memset(mask, 0xff, name.back() == '+' ? name.size() - 1 : name.size() + 1); // the NUL counts
}

template <class Ip>
void encode_as(const Rule& rule, std::vector<std::byte>& bytes) {
  require(rule.unreadable.empty(), "a rule that could not be read completely");
  const std::size_t begin = bytes.size();
  require(begin == aligned(begin), "a rule behind bytes that do not end where the kernel would begin one");
  Writer to(bytes);
  auto& header = Ip::header(to.add<typename Ip::Entry>());
  unsigned flags = 0;
  unsigned invflags = 0;
  const auto set = [](unsigned& word, unsigned bit, bool condition) { word |= condition ? bit : 0; };

  write_prefix(rule.source, rule.source_negated, Ip::family, header.src, header.smsk);
  write_prefix(rule.destination, rule.destination_negated, Ip::family, header.dst, header.dmsk);
  write_interface(rule.in_interface, rule.in_interface_negated, header.iniface, header.iniface_mask);
  write_interface(rule.out_interface, rule.out_interface_negated, header.outiface, header.outiface_mask);
  require(rule.protocol != 0 || !rule.protocol_negated, "a negated protocol that is not asked for");
  require(rule.later_fragments || !rule.later_fragments_negated,
          "a negated fragment test that is not asked for");
  require(!rule.later_fragments || Ip::fragment != 0, "IPv6 has no fragment test of its own");
  header.proto = rule.protocol;
  set(flags, Ip::asks_protocol, rule.protocol != 0);
  set(flags, Ip::fragment, rule.later_fragments);
  const auto* jump = std::get_if<Jump>(&rule.target);
  set(flags, Ip::go_to, jump && jump->go_to);
  set(invflags, inverted::source, rule.source_negated);
  set(invflags, inverted::destination, rule.destination_negated);
  set(invflags, inverted::in_interface, rule.in_interface_negated);
  set(invflags, inverted::out_interface, rule.out_interface_negated);
  set(invflags, inverted::protocol, rule.protocol_negated);
  set(invflags, inverted::fragment, rule.later_fragments_negated);
  header.flags = static_cast<__u8>(flags);
  header.invflags = static_cast<__u8>(invflags);

  for (const Match& match : rule.matches)
    append_match(match, Ip::family, to);
  const std::size_t target_offset = bytes.size() - begin;
  append_target(rule.target, Ip::family, to);
  const std::size_t size = bytes.size() - begin;
  require(size <= UINT16_MAX, "more matches than one rule can hold");
  auto& entry = *reinterpret_cast<typename Ip::Entry*>(bytes.data() + begin); // it may have moved
  entry.target_offset = static_cast<__u16>(target_offset);
  entry.next_offset = static_cast<__u16>(size);
}

} // namespace

void encode_into(std::vector<std::byte>& bytes, const Rule& rule, Family family) {
  const std::size_t before = bytes.size();
  try {
    family == Family::ipv4 ? encode_as<Ip4>(rule, bytes) : encode_as<Ip6>(rule, bytes);
  } catch (...) {
    bytes.resize(before);
    throw;
  }
}

std::vector<std::byte> encode(const Rule& rule, Family family) {
  constexpr std::size_t usual = 512; // addresses, a protocol's match, a comment and a verdict
  std::vector<std::byte> bytes;
  bytes.reserve(usual);
  encode_into(bytes, rule, family);
  return bytes;
}

} // namespace flowspec
