// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/decide.hpp"
#include "common/nlri.hpp"
#include "common/precedence.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <span>

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
  return {std::move(match), {rate, false, true, std::nullopt, std::nullopt, {}}, sequence, {}, {}, "", {}};
}

NumericTest equals(std::int64_t value) {
  return {false, false, true, value};
}
NumericTest below(std::int64_t value) {
  return {true, false, false, value};
}
NumericTest above(std::int64_t value) {
  return {false, true, false, value};
}
NumericTest at_least(std::int64_t value) {
  return {false, true, true, value};
}
NumericTest at_most(std::int64_t value) {
  return {true, false, true, value};
}

/// To 10.0.0.0/24 with a destination port that was announced as `tests`.
Entry announced_ports(const std::vector<NumericTest>& tests) {
  Entry result = entry(to("10.0.0.0/24"));
  const std::optional<NumericReading> reading = joined_reading(tests, domain::port);
  result.match.destination_port = reading.value().values;
  add_announced(result.announced, 5, tests, *reading);
  return result;
}

/// The same of a packet length.
Entry announced_lengths(const std::vector<NumericTest>& tests) {
  Entry result = entry(to("10.0.0.0/24"));
  const std::optional<NumericReading> reading = joined_reading(tests, domain::packet_length);
  result.match.packet_length = reading.value().values;
  add_announced(result.announced, 10, tests, *reading);
  return result;
}

std::string hex(std::span<const std::uint8_t> bytes) {
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

TEST_CASE("bytes as announced are kept where canonical_nlri has others") {
  CHECK(hex(announced_ports({equals(5000)}).announced.of(5)).empty());
  CHECK(hex(announced_ports({equals(90), equals(100)}).announced.of(5)).empty());
  CHECK(hex(announced_ports({at_least(80), at_most(90), equals(443)}).announced.of(5)).empty());
  CHECK(hex(announced_ports({at_least(0), at_most(65535)}).announced.of(5)).empty());
  CHECK(hex(announced_ports({above(1023)}).announced.of(5)) == "9203ff");
  CHECK(hex(announced_ports({at_least(1024)}).announced.of(5)) == "930400");
  CHECK(hex(announced_ports({equals(443), equals(80), equals(100)}).announced.of(5)) == "1101bb"
                                                                                        "0150"
                                                                                        "8164");
  CHECK(hex(announced_ports({above(1023), below(2048), equals(53)}).announced.of(5)) == "1203ff"
                                                                                        "540800"
                                                                                        "8135");
  const Entry lengths = announced_lengths({below(100)});
  CHECK(hex(lengths.announced.of(10)) == "8464");
  CHECK(hex(lengths.announced.of(5)).empty());
}

TEST_CASE("the order of RFC 8955 section 5.1 is that of the bytes that were announced") {
  // The first goes before the second; by canonical_nlri it would be the other way round.
  const auto before = [](const Entry& first, const Entry& second) {
    CAPTURE(to_string(first.match), to_string(second.match));
    CHECK((rfc_precedence(first.match, second.match) > 0));
    CHECK((rfc_precedence(first, second) < 0));
    CHECK((rfc_precedence(second, first) > 0));
    CHECK(comes_before(first, second));
    CHECK_FALSE(comes_before(second, first));
    for (std::vector<Entry> entries : {std::vector{first, second}, std::vector{second, first}}) {
      sort_by_precedence(entries);
      CHECK(entries == std::vector{first, second});
    }
  };
  before(announced_ports({equals(5000)}), announced_ports({above(1023)}));  // 91 1388, 92 03ff
  before(announced_lengths({equals(60)}), announced_lengths({below(100)})); // 81 3c, 84 64
  before(announced_ports({equals(90), equals(100)}),
         announced_ports({equals(443), equals(80), equals(100)}));            // 01 5a, 11 01bb
  before(announced_ports({equals(5000)}), announced_ports({at_least(1024)})); // 91 1388, 93 0400
}

TEST_CASE("one match in several ways of writing it: the bytes alone tell") {
  Entry written = announced_ports({at_least(1024)});                     // 93 0400
  const Entry range = announced_ports({at_least(1024), at_most(65535)}); // 13 0400 d5 ffff
  CHECK(written.match == range.match);
  CHECK(stable_id(written.match) == stable_id(range.match));
  CHECK((rfc_precedence(range, written) < 0));
  CHECK((rfc_precedence(written, range) > 0));
  written.match.packet_length = ValueSet::single(domain::packet_length, 60); // one component more
  CHECK((rfc_precedence(written.match, range.match) < 0));
  CHECK((rfc_precedence(range, written) < 0)); // and yet, for component 5 is looked at before
}

TEST_CASE("how a match is written says nothing of routes with a sequence number") {
  Entry wide = announced_ports({above(1023)});
  Entry narrow = announced_ports({equals(5000)});
  CHECK(comes_before(narrow, wide));
  wide.sequence = narrow.sequence = 7;
  CHECK(comes_before(wide, narrow));
  wide.sequence = 8;
  CHECK(comes_before(narrow, wide));
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
