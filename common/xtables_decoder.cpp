// SPDX-License-Identifier: GPL-2.0-or-later
//
// The half of xtables_codec that reads.
#include "common/match_codec.hpp"
#include "common/packed_rule.hpp"
#include "common/target_codec.hpp"
#include "common/xtables_codec.hpp"
#include "common/xtables_families.hpp"

#include <fmt/format.h>
#include <linux/netfilter/xt_comment.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace flowspec {

namespace {

using namespace xtables;
using Bytes = std::span<const std::byte>;

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

/// The ones at the front, when there are none behind.
std::optional<unsigned> mask_length(const Address& mask) {
  const auto* const end = mask.bytes.data() + address_bits(mask.family) / 8;
  const auto* byte = std::find_if(mask.bytes.data(), end, [](std::uint8_t octet) { return octet != 0xff; });
  auto length = static_cast<unsigned>(byte - mask.bytes.data()) * 8;
  if (byte == end)
    return length;
  const auto ones = static_cast<unsigned>(std::countl_one(*byte));
  const bool rest = static_cast<std::uint8_t>(*byte << ones) != 0 ||
                    std::any_of(byte + 1, end, [](std::uint8_t octet) { return octet != 0; });
  return rest ? std::nullopt : std::optional(length + ones);
}

/// Nothing for a mask of zeros that is not negated: it asks for nothing.
template <class Field>
std::optional<Prefix> read_prefix(char option, const Field& field, const Field& mask_field, bool negated,
                                  Family family, Unreadable& unreadable) {
  const Address address = address_of(field, family);
  const Address mask = address_of(mask_field, family);
  const std::optional<unsigned> length = mask_length(mask);
  const Prefix prefix = Prefix::masked(address, length.value_or(0));
  if (!length || prefix.address != address) {
    unreadable.because(
        fmt::format("{}-{} {}/{}", negated ? "! " : "", option, to_string(address), to_string(mask)));
    return std::nullopt;
  }
  return *length == 0 && !negated ? std::nullopt : std::optional(prefix);
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

/// All of a rule but its matches and target.
template <class Ip>
Rule decode_head(typename Ip::Entry entry) {
  Rule rule;
  Unreadable unreadable(rule.unreadable);
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
  if (asks_protocol != (header.proto != 0) || header.proto > 255 || (!asks_protocol && rule.protocol_negated))
    unreadable.because(fmt::format("protocol {}{}", rule.protocol_negated ? "! " : "", header.proto));
  constexpr unsigned known_flags = Ip::fragment | Ip::go_to | Ip::asks_protocol;
  constexpr unsigned known_inverse = inverted::source | inverted::destination | inverted::in_interface |
                                     inverted::out_interface | inverted::protocol | inverted::fragment;
  if ((header.flags & ~known_flags) != 0 || (header.invflags & ~known_inverse) != 0 ||
      (!rule.later_fragments && rule.later_fragments_negated))
    unreadable.because(fmt::format("flags {:#x}, inverted {:#x}", header.flags, header.invflags));
  return rule;
}

template <class Ip>
bool goes(typename Ip::Entry entry) {
  return (Ip::header(entry).flags & Ip::go_to) != 0;
}

/// The places of matches and target make sense.
template <class Ip>
bool well_placed(const typename Ip::Entry& entry, Bytes bytes) {
  return entry.target_offset >= sizeof entry &&
         entry.target_offset + sizeof(xt_entry_target) <= entry.next_offset &&
         entry.next_offset <= bytes.size();
}

template <class Ip>
Rule decode_as(Bytes bytes, const std::string& target_name, bool is_chain) {
  if (bytes.size() < sizeof(typename Ip::Entry)) {
    Rule rule;
    rule.unreadable = "a rule that is cut off";
    return rule;
  }
  const auto entry = load<typename Ip::Entry>(bytes);
  Rule rule = decode_head<Ip>(entry);
  Unreadable unreadable(rule.unreadable);
  if (!well_placed<Ip>(entry, bytes)) {
    unreadable.because(fmt::format("offsets {} and {}", entry.target_offset, entry.next_offset));
    return rule;
  }
  rule.matches = read_matches(bytes.first(entry.target_offset).subspan(sizeof entry), Ip::family, unreadable);
  unreadable.unless(is_chain || !goes<Ip>(entry), "-g to what is no chain");
  if (is_chain)
    rule.target = Jump{target_name, goes<Ip>(entry)};
  else if (target_name == "QUEUE")
    unreadable.because("verdict QUEUE");
  else if (const std::optional<Target> standard = decode_standard_target(target_name))
    rule.target = *standard;
  else
    rule.target = read_target(bytes.first(entry.next_offset).subspan(entry.target_offset), Ip::family,
                              target_name, unreadable);
  return rule;
}

/// Most rules have none but these, and a verdict or a chain: they need no Rule to be packed.
bool pack_match(RulePacker& packer, std::string_view name, unsigned revision, Bytes data, Family family) {
  if (revision != 0)
    return false;
  if (name == "comment" && data.size() == aligned(sizeof(xt_comment_info))) {
    const auto* text = reinterpret_cast<const char*>(data.data());
    const std::size_t length = strnlen(text, sizeof(xt_comment_info));
    if (length == sizeof(xt_comment_info))
      return false;
    packer.comment({text, length});
    return true;
  }
  if (name != "tcp" && name != "udp")
    return false;
  const Match match = decode_match(name, 0, data, family);
  if (const auto* tcp = std::get_if<TcpMatch>(&match))
    packer.match(*tcp);
  else if (const auto* udp = std::get_if<UdpMatch>(&match))
    packer.match(*udp);
  else
    return false;
  return true;
}

/// False when there is more to the rule; `to` then holds a part of it.
template <class Ip>
bool pack_plain(Bytes bytes, std::string_view target_name, bool is_chain, std::string& to) {
  if (bytes.size() < sizeof(typename Ip::Entry))
    return false;
  const auto entry = load<typename Ip::Entry>(bytes);
  const Rule head = decode_head<Ip>(entry);
  const std::optional<Target> standard = is_chain ? std::nullopt : decode_standard_target(target_name);
  const Verdict* verdict = standard ? std::get_if<Verdict>(&*standard) : nullptr;
  if (!head.unreadable.empty() || !well_placed<Ip>(entry, bytes) || (!is_chain && goes<Ip>(entry)) ||
      (!is_chain && verdict == nullptr))
    return false;
  RulePacker packer(to);
  packer.head(head);
  const Bytes matches = bytes.first(entry.target_offset).subspan(sizeof entry);
  std::size_t count = 0;
  for (Bytes rest = matches; !rest.empty(); ++count) {
    if (rest.size() < sizeof(xt_entry_match))
      return false;
    const auto size = load<xt_entry_match>(rest).u.user.match_size;
    if (size < sizeof(xt_entry_match) || size > rest.size())
      return false;
    rest = rest.subspan(size);
  }
  packer.matches(count);
  for (Bytes rest = matches; !rest.empty();) {
    const auto of = load<xt_entry_match>(rest);
    const std::string_view name(of.u.user.name, strnlen(of.u.user.name, sizeof of.u.user.name));
    const std::size_t size = of.u.user.match_size;
    if (!pack_match(packer, name, of.u.user.revision, rest.subspan(sizeof of, size - sizeof of), Ip::family))
      return false;
    rest = rest.subspan(size);
  }
  if (is_chain)
    packer.jump(target_name, goes<Ip>(entry));
  else
    packer.target(*verdict);
  return true;
}

} // namespace

Rule decode(std::span<const std::byte> entry, Family family, const std::string& target_name, bool is_chain) {
  return family == Family::ipv4 ? decode_as<Ip4>(entry, target_name, is_chain)
                                : decode_as<Ip6>(entry, target_name, is_chain);
}

void decode_packed(std::span<const std::byte> entry, Family family, const char* target_name, bool is_chain,
                   std::string& to) {
  const std::size_t before = to.size();
  if (family == Family::ipv4 ? pack_plain<Ip4>(entry, target_name, is_chain, to)
                             : pack_plain<Ip6>(entry, target_name, is_chain, to))
    return;
  to.resize(before);
  pack(decode(entry, family, target_name, is_chain), to);
}

} // namespace flowspec
