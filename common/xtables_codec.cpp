// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/xtables_codec.hpp"

#include "common/match_codec.hpp"
#include "common/target_codec.hpp"

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

/// Where the two families' entries differ; the members of their headers have the same names.
struct Ip4 {
  using Entry = ipt_entry;
  static constexpr Family family = Family::ipv4;
  static constexpr unsigned fragment = IPT_F_FRAG;
  static constexpr unsigned go_to = IPT_F_GOTO;
  static constexpr unsigned asks_protocol = 0; ///< set when the protocol is asked for
  static auto& header(Entry& entry) { return entry.ip; }
};

struct Ip6 {
  using Entry = ip6t_entry;
  static constexpr Family family = Family::ipv6;
  static constexpr unsigned fragment = 0;
  static constexpr unsigned go_to = IP6T_F_GOTO;
  static constexpr unsigned asks_protocol = IP6T_F_PROTO;
  static auto& header(Entry& entry) { return entry.ipv6; }
};

/// The same in both families.
namespace inverted {
constexpr unsigned in_interface = IPT_INV_VIA_IN;
constexpr unsigned out_interface = IPT_INV_VIA_OUT;
constexpr unsigned source = IPT_INV_SRCIP;
constexpr unsigned destination = IPT_INV_DSTIP;
constexpr unsigned fragment = IPT_INV_FRAG;
constexpr unsigned protocol = IPT_INV_PROTO;
} // namespace inverted

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

// Reading

/// Collects why a rule is not all said by its members.
class Unreadable {
 public:
  explicit Unreadable(std::string& reasons) : reasons_(reasons) {}
  void because(const std::string& reason) { reasons_.append(reasons_.empty() ? "" : "; ").append(reason); }
  void unless(bool condition, const std::string& reason) {
    if (!condition)
      because(reason);
  }

 private:
  std::string& reasons_;
};

template <class Field>
Address address_of(const Field& field, Family family) {
  Address address{family, {}};
  std::memcpy(address.bytes.data(), &field, sizeof field);
  return address;
}

/// Nothing for a mask of zeros that is not negated: it asks for nothing.
template <class Field>
std::optional<Prefix> read_prefix(char option, const Field& field, const Field& mask_field, bool negated,
                                  Family family, Unreadable& unreadable) {
  const Address address = address_of(field, family);
  const Address mask = address_of(mask_field, family);
  unsigned length = 0;
  while (length < address_bits(family) && mask.bit(length))
    ++length;
  const Prefix prefix = Prefix::masked(address, length);
  if (Prefix::masked(mask, length).address != mask || prefix.address != address) {
    unreadable.because(
        fmt::format("{}-{} {}/{}", negated ? "! " : "", option, to_string(address), to_string(mask)));
    return std::nullopt;
  }
  return length == 0 && !negated ? std::nullopt : std::optional(prefix);
}

/// iptables gives names in three ways: no mask for any name, ones up to and with the NUL for the name itself,
/// and ones for a first part of it for every name that begins so.
std::string read_interface(const char (&name)[IFNAMSIZ], const unsigned char (&mask)[IFNAMSIZ], bool negated,
                           Unreadable& unreadable) {
  const std::size_t length = strnlen(name, sizeof name);
  const auto* ones_end = std::ranges::find_if_not(mask, [](unsigned char byte) { return byte == 0xff; });
  const auto ones = static_cast<std::size_t>(ones_end - mask);
  const std::string_view text(name, length);
  const bool clean = std::all_of(ones_end, std::end(mask), [](unsigned char byte) { return byte == 0; });
  if (clean && ones == 0)
    return negated ? "+" : "";
  if (clean && ones == length + 1 && !text.ends_with('+'))
    return std::string(text);
  if (clean && ones <= length && ones < IFNAMSIZ - 1)
    return std::string(text.substr(0, ones)) + '+';
  unreadable.because(fmt::format("interface {} with a mask of {} bytes", text, ones));
  return std::string(text);
}

/// The matches in `bytes`, which lie one behind the other.
std::vector<Match> read_matches(Bytes bytes, Family family, Unreadable& unreadable) {
  std::vector<Match> matches;
  while (!bytes.empty()) {
    if (bytes.size() < sizeof(xt_entry_match)) {
      unreadable.because("a match that is cut off");
      break;
    }
    const auto head = load<xt_entry_match>(bytes);
    const std::size_t size = head.u.user.match_size;
    if (size < sizeof head || size > bytes.size()) {
      unreadable.because("a match that does not fit");
      break;
    }
    const std::string_view name(head.u.user.name, strnlen(head.u.user.name, sizeof head.u.user.name));
    matches.push_back(
        decode_match(name, head.u.user.revision, bytes.subspan(sizeof head, size - sizeof head), family));
    bytes = bytes.subspan(size);
  }
  return matches;
}

Target read_target(Bytes bytes, Family family, const std::string& name, Unreadable& unreadable) {
  const auto head = load<xt_entry_target>(bytes);
  const std::size_t size = head.u.user.target_size;
  if (size < sizeof head || size > bytes.size()) {
    unreadable.because("a target that does not fit");
    return OpaqueTarget{name, head.u.user.revision, {}};
  }
  return decode_extension_target(name, head.u.user.revision, bytes.subspan(sizeof head, size - sizeof head),
                                 family);
}

template <class Ip>
Rule decode_as(Bytes bytes, const std::string& target_name, bool is_chain) {
  Rule rule;
  Unreadable unreadable(rule.unreadable);
  if (bytes.size() < sizeof(typename Ip::Entry)) {
    unreadable.because("a rule that is cut off");
    return rule;
  }
  auto entry = load<typename Ip::Entry>(bytes);
  const auto& header = Ip::header(entry);
  const auto flag = [&](unsigned bit) { return (header.flags & bit) != 0; };
  const auto inverse = [&](unsigned bit) { return (header.invflags & bit) != 0; };

  rule.source_negated = inverse(inverted::source);
  rule.destination_negated = inverse(inverted::destination);
  rule.in_interface_negated = inverse(inverted::in_interface);
  rule.out_interface_negated = inverse(inverted::out_interface);
  rule.protocol_negated = inverse(inverted::protocol);
  rule.later_fragments = flag(Ip::fragment);
  rule.later_fragments_negated = inverse(inverted::fragment);
  rule.source = read_prefix('s', header.src, header.smsk, rule.source_negated, Ip::family, unreadable);
  rule.destination =
      read_prefix('d', header.dst, header.dmsk, rule.destination_negated, Ip::family, unreadable);
  rule.in_interface =
      read_interface(header.iniface, header.iniface_mask, rule.in_interface_negated, unreadable);
  rule.out_interface =
      read_interface(header.outiface, header.outiface_mask, rule.out_interface_negated, unreadable);
  rule.protocol = static_cast<std::uint8_t>(header.proto);
  const bool asks_protocol = Ip::asks_protocol == 0 ? header.proto != 0 : flag(Ip::asks_protocol);
  unreadable.unless(asks_protocol == (header.proto != 0) && header.proto <= 255 &&
                        (asks_protocol || !rule.protocol_negated),
                    fmt::format("protocol {}{}", rule.protocol_negated ? "! " : "", header.proto));
  constexpr unsigned known_flags = Ip::fragment | Ip::go_to | Ip::asks_protocol;
  constexpr unsigned known_inverse = inverted::source | inverted::destination | inverted::in_interface |
                                     inverted::out_interface | inverted::protocol | inverted::fragment;
  unreadable.unless((header.flags & ~known_flags) == 0 && (header.invflags & ~known_inverse) == 0 &&
                        (rule.later_fragments || !rule.later_fragments_negated),
                    fmt::format("flags {:#x}, inverted {:#x}", header.flags, header.invflags));

  if (entry.target_offset < sizeof entry ||
      entry.target_offset + sizeof(xt_entry_target) > entry.next_offset || entry.next_offset > bytes.size()) {
    unreadable.because(fmt::format("offsets {} and {}", entry.target_offset, entry.next_offset));
    return rule;
  }
  rule.matches = read_matches(bytes.first(entry.target_offset).subspan(sizeof entry), Ip::family, unreadable);
  unreadable.unless(is_chain || !flag(Ip::go_to), "-g to what is no chain");
  if (is_chain)
    rule.target = Jump{target_name, flag(Ip::go_to)};
  else if (target_name == "QUEUE")
    unreadable.because("verdict QUEUE");
  else if (const std::optional<Target> standard = decode_standard_target(target_name))
    rule.target = *standard;
  else
    rule.target = read_target(bytes.first(entry.next_offset).subspan(entry.target_offset), Ip::family,
                              target_name, unreadable);
  return rule;
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

Rule decode(std::span<const std::byte> entry, Family family, const std::string& target_name, bool is_chain) {
  return family == Family::ipv4 ? decode_as<Ip4>(entry, target_name, is_chain)
                                : decode_as<Ip6>(entry, target_name, is_chain);
}

} // namespace flowspec
