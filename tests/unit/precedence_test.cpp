// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/decide.hpp"
#include "common/precedence.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace flowspec;

namespace {

Components to(const char* destination) {
  Components match;
  match.destination = parse_prefix(destination);
  match.family = match.destination->family();
  return match;
}

Components with_port(Components match, std::vector<Interval> ports) {
  match.destination_port = ValueSet(domain::port, std::move(ports));
  return match;
}

Components default_policy() {
  Components match = to("0.0.0.0/0");
  match.source = match.destination;
  return match;
}

Entry entry(Components match, std::optional<std::uint64_t> sequence = std::nullopt,
            std::optional<double> rate = 0) {
  return {std::move(match), {rate, false, true, std::nullopt, std::nullopt, {}}, sequence, {}, {}, ""};
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

} // namespace

// RFC 8955 section 4.3.1 to 4.3.3: the encodings given there, without the length octet.
TEST_CASE("canonical_nlri is what the RFC's own examples encode to") {
  Components first = to("192.0.2.0/24");
  first.protocol = ValueSet::single(domain::protocol, 6);
  first.port = ValueSet::single(domain::port, 25);
  CHECK(hex(canonical_nlri(first)) == "0118c00002"
                                      "038106"
                                      "048119");
  Components second = to("192.0.2.0/24");
  second.source = parse_prefix("203.0.113.0/24");
  second.port = ValueSet(domain::port, {{137, 139}, {8080, 8080}});
  CHECK(hex(canonical_nlri(second)) == "0118c00002"
                                       "0218cb0071"
                                       "040389458b911f90");
  Components third = to("192.0.2.1/32");
  third.fragment =
      BitTests{{{false, false, false, fragment_bit::dont_fragment | fragment_bit::first_fragment}}};
  CHECK(hex(canonical_nlri(third)) == "0120c0000201"
                                      "0c8005");
}

TEST_CASE("canonical_nlri tells different matches apart where their sets are empty or their lists long") {
  Components never = to("10.0.0.0/8");
  never.protocol = ValueSet(domain::protocol);
  CHECK(hex(canonical_nlri(never)) == "01080a"
                                      "038000");
  Components flags = to("10.0.0.0/8");
  flags.tcp_flags =
      BitTests{{{false, false, true, 2}, {true, true, false, 16}, {false, false, false, 0x100}}};
  CHECK(hex(canonical_nlri(flags)) == "01080a"
                                      "090102"
                                      "4210"
                                      "900100");
}

// RFC 8956 section 3.8: ::1234:5678:9a00:0/104 with offset 64 is the pattern 12 34 56 78 9a.
TEST_CASE("canonical_nlri of an IPv6 prefix has the offset and only the bits behind it") {
  Components match;
  match.family = Family::ipv6;
  match.destination = Prefix::masked(*parse_address("::1234:5678:9a00:0"), 104, 64);
  CHECK(hex(canonical_nlri(match)) == "016840123456789a");
  match.destination = Prefix::masked(*parse_address("::1234:5678:9a00:0"), 104, 65);
  CHECK(hex(canonical_nlri(match)) == "0168412468acf134");
}

TEST_CASE("the order of RFC 8955 section 5.1") {
  // Each goes before the next.
  Components from = to("10.0.0.0/8");
  from.source = parse_prefix("10.0.0.0/8");
  Components only_protocol;
  only_protocol.protocol = ValueSet::single(domain::protocol, 6);
  Components only_source;
  only_source.source = parse_prefix("10.0.0.0/8");
  const std::vector<Components> ordered{
      to("9.0.0.0/8"),                          // the lower address
      to("10.1.2.3/32"),                        // longer, within the same
      with_port(to("10.1.0.0/16"), {{25, 25}}), // the same prefix, more components
      to("10.1.0.0/16"),                        // within 10/8
      from,                                     // 10/8 with type 2 before 10/8 with type 5
      with_port(to("10.0.0.0/8"), {{80, 90}}),  // 03 50 .. before 81 50
      with_port(to("10.0.0.0/8"), {{80, 80}}),
      to("10.0.0.0/8"),
      to("0.0.0.0/0"),
      only_source, // type 2 after type 1
      only_protocol,
  };
  for (std::size_t a = 0; a < ordered.size(); ++a)
    for (std::size_t b = 0; b < ordered.size(); ++b) {
      CAPTURE(to_string(ordered[a]), to_string(ordered[b]));
      CHECK((rfc_precedence(ordered[a], ordered[b]) == (a <=> b)));
    }
}

TEST_CASE("RFC 8956: a lower offset goes first, whatever the addresses say") {
  Components plain = to("ffff::/16");
  Components shifted = plain;
  shifted.destination = Prefix::masked(*parse_address("::"), 32, 16);
  CHECK((rfc_precedence(plain, shifted) < 0));
}

TEST_CASE("sequence numbers first, then the RFC's order, the default policy last whatever its number") {
  std::vector<Entry> entries{entry(default_policy(), 1),   entry(to("10.1.2.3/32")),
                             entry(to("10.0.0.0/8")),      entry(to("10.0.0.0/8"), 20),
                             entry(to("10.9.0.0/16"), 20), entry(to("0.0.0.0/0"), 3)};
  const std::vector<Entry> expected{entries[5], entries[4], entries[3], entries[1], entries[2], entries[0]};
  do {
    std::vector<Entry> sorted = entries;
    sort_by_precedence(sorted);
    CHECK(sorted == expected);
  } while (std::next_permutation(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(to_string(a.match), a.sequence) < std::pair(to_string(b.match), b.sequence);
  }));
}

TEST_CASE(
    "only destination and source together, both every address and nothing else, are the default policy") {
  CHECK(is_default_policy(default_policy()));
  CHECK_FALSE(is_default_policy(to("0.0.0.0/0")));
  CHECK_FALSE(is_default_policy(with_port(default_policy(), {{0, 65535}})));
  Components ipv6 = to("::/0");
  ipv6.source = ipv6.destination;
  CHECK(is_default_policy(ipv6));
}

TEST_CASE("an identifier belongs to the match, and to nothing else of the entry") {
  CHECK(stable_id(to("10.0.0.0/8")) == stable_id(to("10.0.0.0/8")));
  CHECK(stable_id(to("10.0.0.0/8")) != stable_id(to("10.0.0.0/9")));
  CHECK(stable_id(to("10.0.0.0/8")) == "f2b511ad0b30afbe"); // in the kernel's comments of every release
  CHECK(stable_id(to("::/0")) != stable_id(to("0.0.0.0/0")));
}

TEST_CASE("decide: the earliest entry that matches") {
  Packet packet;
  packet.source = *parse_address("192.0.2.1");
  packet.destination = *parse_address("10.1.2.3");
  packet.protocol = protocol::tcp;
  packet.source_port = 40000;
  packet.destination_port = 80;
  packet.tcp_flags = 2;
  using What = Decision::What;
  const std::vector<Entry> entries{
      entry(default_policy()), entry(with_port(to("10.0.0.0/8"), {{80, 80}}), 5, {}),
      entry(to("10.0.0.0/8"), 7), entry(with_port(to("10.1.2.3/32"), {{22, 22}}), 1)};
  CHECK(decide(entries, packet) == Decision{What::accept, &entries[1]});
  packet.destination_port = 22;
  CHECK(decide(entries, packet) == Decision{What::discard, &entries[3]});
  packet.destination_port = 443;
  CHECK(decide(entries, packet) == Decision{What::discard, &entries[2]});
  packet.established = true;
  CHECK(decide(entries, packet) ==
        Decision{What::discard, &entries[2]}); // an explicit drop cuts what is running
  packet.destination = *parse_address("11.0.0.1");
  CHECK(decide(entries, packet) == Decision{What::established, &entries[0]});
  CHECK(decide(entries, packet, Stateful::never) == Decision{What::discard, &entries[0]});
  CHECK(decide({}, packet) == Decision{});
  CHECK(decide({}, packet, Stateful::always) == Decision{What::established, nullptr});
}

TEST_CASE("a port component matches TCP and UDP whose header is there, and nothing else") {
  const Components match = with_port(to("10.0.0.0/8"), {{0, 65535}});
  Packet packet;
  packet.source = *parse_address("192.0.2.1");
  packet.destination = *parse_address("10.1.2.3");
  packet.protocol = protocol::udp;
  CHECK_FALSE(matches(match, packet)); // a later fragment
  packet.source_port = packet.destination_port = 0;
  CHECK(matches(match, packet));
  packet.protocol = 132; // SCTP has ports too, and is not meant
  CHECK_FALSE(matches(match, packet));
}

TEST_CASE("the fragment bits of a packet") {
  Components match = to("0.0.0.0/0");
  Packet packet;
  packet.source = *parse_address("192.0.2.1");
  packet.destination = *parse_address("10.1.2.3");
  struct Row {
    std::uint16_t bit;
    bool dont_fragment, more;
    std::uint16_t offset;
    bool expected;
  };
  for (const Row& row :
       {Row{fragment_bit::dont_fragment, true, false, 0, true}, Row{1, false, false, 0, false},
        Row{fragment_bit::is_fragment, false, true, 10, true}, Row{2, false, true, 0, false},
        Row{fragment_bit::first_fragment, false, true, 0, true}, Row{4, false, false, 0, false},
        Row{fragment_bit::last_fragment, false, false, 10, true}, Row{8, false, true, 10, false}}) {
    match.fragment = BitTests{{{false, false, true, row.bit}}};
    packet.dont_fragment = row.dont_fragment;
    packet.more_fragments = row.more;
    packet.fragment_offset = row.offset;
    CAPTURE(row.bit, row.more, row.offset);
    CHECK(matches(match, packet) == row.expected);
  }
}
