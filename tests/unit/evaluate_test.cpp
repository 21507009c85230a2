// SPDX-License-Identifier: GPL-2.0-or-later
//
// The tests' own evaluator of rules, where it is more than a comparison of two numbers: packets that
// netfilter drops because a match cannot look at them, u32 words, and targets that let a packet go on.
#include "tests/support/evaluate.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <utility>

using namespace flowspec;

namespace {

using What = Evaluation::What;
using Op = U32Match::Operator;

Packet packet(Family family, std::uint8_t protocol) {
  Packet result;
  result.source.family = result.destination.family = family;
  result.protocol = protocol;
  return result;
}

Packet tcp_packet() {
  Packet result = packet(Family::ipv4, protocol::tcp);
  result.source_port = 1024;
  result.destination_port = 80;
  result.tcp_flags = 0x12;
  return result;
}

/// The header begins in this packet and is not whole.
Packet cut(std::uint8_t protocol) {
  Packet result = packet(Family::ipv4, protocol);
  result.header_cut = true;
  return result;
}

Rule rule(std::uint8_t protocol, std::vector<Match> matches, Target target = Verdict::accept) {
  Rule result;
  result.protocol = protocol;
  result.matches = std::move(matches);
  result.target = std::move(target);
  return result;
}

Evaluation walk(std::vector<Rule> rules, const Packet& packet) {
  static Ruleset ruleset; // an Evaluation points into it
  ruleset = {packet.family(), "filter", {{"FORWARD", Verdict::accept, std::move(rules)}}};
  return evaluate(ruleset, "FORWARD", packet);
}

/// "yes", "no", or "drop" when the match drops the packet.
std::string outcome(const Rule& rule, const Packet& packet) {
  const Evaluation evaluation = walk({rule}, packet);
  CHECK(evaluation.unreadable == (evaluation.what == What::drop));
  if (evaluation.unreadable) {
    CHECK(evaluation.rule == nullptr);
    return "drop";
  }
  return evaluation.what == What::accept ? "yes" : "no";
}

std::string outcome(const Match& match, const Packet& packet) {
  return outcome(rule(0, {match}), packet);
}

U32Match word(std::vector<U32Match::Step> steps, std::uint32_t value) {
  return {.tests = {{.steps = std::move(steps), .ranges = {{value, value}}}}};
}

} // namespace

TEST_CASE("evaluate: a match of a header that is not whole drops the packet") {
  const auto reached = [](std::uint8_t protocol, const Match& match) {
    return outcome(rule(protocol, {match}), cut(protocol));
  };
  CHECK(reached(protocol::tcp, TcpMatch{}) == "drop");
  CHECK(reached(protocol::udp, UdpMatch{}) == "drop");
  CHECK(reached(protocol::icmp, IcmpMatch{}) == "drop");
  CHECK(reached(protocol::tcp, MultiportMatch{.ports = {{80, 80}}}) == "drop");
  CHECK(reached(protocol::udp, LengthMatch{}) == "yes");
  // Not reached.
  CHECK(outcome(rule(protocol::udp, {UdpMatch{}}), cut(protocol::tcp)) == "no");
  CHECK(outcome(rule(protocol::tcp, {LengthMatch{.first = 21}, TcpMatch{}}), cut(protocol::tcp)) == "no");
  CHECK(outcome(rule(protocol::tcp, {TcpMatch{}, LengthMatch{.first = 21}}), cut(protocol::tcp)) == "drop");
}

TEST_CASE("evaluate: later fragments have no header to be cut, but for a TCP one right behind the first") {
  Packet later = packet(Family::ipv4, protocol::tcp);
  later.fragment_offset = 185;
  CHECK(outcome(rule(protocol::tcp, {TcpMatch{}}), later) == "no");
  later.fragment_offset = 1;
  later.header_cut = true;
  CHECK(outcome(rule(protocol::tcp, {TcpMatch{}}), later) == "drop");
  CHECK(outcome(rule(protocol::tcp, {MultiportMatch{.ports = {{80, 80}}}}), later) == "no");
}

TEST_CASE("evaluate: IPv6 headers that cannot be followed") {
  Packet hidden = packet(Family::ipv6, 0);
  hidden.upper_layer_hidden = hidden.fragment_hidden = true;
  Packet fragment = packet(Family::ipv6, 0);
  fragment.upper_layer_hidden = fragment.fragment_header = true;
  fragment.fragment_offset = 185;

  CHECK(outcome(rule(protocol::tcp, {}), hidden) == "drop");
  Rule negated = rule(protocol::tcp, {});
  negated.protocol_negated = true;
  CHECK(outcome(negated, hidden) == "drop");
  Rule elsewhere = rule(protocol::tcp, {});
  elsewhere.source = parse_prefix("2001:db8::/32");
  CHECK(outcome(elsewhere, hidden) == "no");
  CHECK(outcome(rule(0, {}), hidden) == "yes");

  CHECK(outcome(FragmentMatch{}, hidden) == "drop");
  CHECK(outcome(FragmentMatch{}, fragment) == "yes");
  CHECK(outcome(FragmentMatch{.first = true}, fragment) == "no");
  CHECK(outcome(FragmentMatch{.last = true}, fragment) == "yes");
  CHECK(outcome(FragmentMatch{.more = true}, fragment) == "no");
  CHECK(outcome(FragmentMatch{}, packet(Family::ipv6, protocol::tcp)) == "no");

  const Ipv6HeaderMatch has{.headers = Ipv6HeaderMatch::fragment};
  const Ipv6HeaderMatch lacks{.headers = Ipv6HeaderMatch::fragment, .negated = true};
  CHECK(outcome(has, fragment) == "yes");
  CHECK(outcome(lacks, hidden) == "no");
  CHECK(outcome(lacks, packet(Family::ipv6, protocol::tcp)) == "yes");
  fragment.upper_layer_hidden = false;
  CHECK(outcome(has, fragment) == "yes");
  CHECK(outcome(lacks, fragment) == "no");
}

TEST_CASE("evaluate: length and dscp") {
  Packet one = tcp_packet();
  one.length = 40;
  one.dscp = 46;
  CHECK(outcome(LengthMatch{.first = 40, .last = 100}, one) == "yes");
  CHECK(outcome(LengthMatch{.first = 41, .last = 100}, one) == "no");
  CHECK(outcome(LengthMatch{.first = 41, .last = 100, .negated = true}, one) == "yes");
  CHECK(outcome(DscpMatch{.value = 46}, one) == "yes");
  CHECK(outcome(DscpMatch{.value = 46, .negated = true}, one) == "no");
}

TEST_CASE("evaluate: IPv4 words of u32") {
  Packet one = tcp_packet();
  one.length = 40;
  one.dscp = 46;
  CHECK(outcome(word({{Op::bit_and, 6}, {Op::bit_and, 0xff}}, 6), one) == "yes");
  CHECK(outcome(word({{Op::bit_and, 0}, {Op::bit_and, 0xffff}}, 40), one) == "yes");
  CHECK(outcome(word({{Op::bit_and, 0}, {Op::right_shift, 18}, {Op::bit_and, 0x3f}}, 46), one) == "yes");

  const std::vector<U32Match::Step> fragment{{Op::bit_and, 4}, {Op::bit_and, 0x7fff}};
  CHECK(outcome(word(fragment, 0), one) == "yes");
  one.dont_fragment = one.more_fragments = true;
  one.fragment_offset = 185;
  CHECK(outcome(word(fragment, 0x4000 | 0x2000 | 185), one) == "yes");

  const auto flags = [](std::uint32_t mask, std::uint32_t value) {
    return word({{Op::bit_and, 0},
                 {Op::right_shift, 22},
                 {Op::bit_and, 0x3c},
                 {Op::at, 12},
                 {Op::right_shift, 16},
                 {Op::bit_and, mask}},
                value);
  };
  CHECK(outcome(flags(0xfff, 0x12), tcp_packet()) == "yes");
  CHECK(outcome(flags(0x03, 0x02), tcp_packet()) == "yes");
  CHECK(outcome(flags(0x03, 0x00), packet(Family::ipv4, protocol::udp)) == "no");
  CHECK_THROWS_AS(outcome(flags(0xffff, 0), tcp_packet()), std::logic_error); // the header's length too

  const auto icmp = [](std::vector<U32Match::Step> rest, std::uint32_t value) {
    std::vector<U32Match::Step> steps{
        {Op::bit_and, 0}, {Op::right_shift, 22}, {Op::bit_and, 0x3c}, {Op::at, 0}};
    steps.insert(steps.end(), rest.begin(), rest.end());
    return word(std::move(steps), value);
  };
  Packet ping = packet(Family::ipv4, protocol::icmp);
  CHECK(outcome(icmp({{Op::right_shift, 24}}, 0), ping) == "no");
  ping.icmp_type = 8;
  ping.icmp_code = 3;
  CHECK(outcome(icmp({{Op::right_shift, 24}}, 8), ping) == "yes");
  CHECK(outcome(icmp({{Op::right_shift, 16}, {Op::bit_and, 0xff}}, 3), ping) == "yes");
  CHECK_THROWS_AS(outcome(word({{Op::bit_and, 8}}, 0), ping), std::logic_error);
}

TEST_CASE("evaluate: IPv6 words of u32") {
  Packet one = packet(Family::ipv6, protocol::tcp);
  one.length = 100;
  one.dscp = 46;
  one.flow_label = 0xabcde;
  CHECK(outcome(word({{Op::bit_and, 2}, {Op::bit_and, 0xffff}}, 60), one) == "yes");
  CHECK(outcome(word({{Op::bit_and, 0}, {Op::right_shift, 22}, {Op::bit_and, 0x3f}}, 46), one) == "yes");
  CHECK(outcome(word({{Op::bit_and, 0}, {Op::bit_and, 0xfffff}}, 0xabcde), one) == "yes");
  CHECK_THROWS_AS(outcome(word({{Op::bit_and, 6}, {Op::bit_and, 0xff}}, 6), one), std::logic_error);
}

TEST_CASE("evaluate: targets that let the packet go on are kept") {
  const Evaluation evaluation = walk(
      {rule(0, {}, DscpTarget{10}), rule(0, {}, MarkTarget{.value = 0x10, .mask = 0xff}),
       rule(0, {}, MarkTarget{.value = 0x30, .mask = 0x20}), rule(0, {}, NflogTarget{3, "x"}),
       rule(0, {DscpMatch{.value = 0}}, Verdict::drop), rule(0, {DscpMatch{.value = 10}}, Verdict::accept)},
      tcp_packet());
  CHECK(evaluation.what == What::accept);
  CHECK(evaluation.dscp_mark == 10);
  CHECK(evaluation.mark == 0x20U);
  CHECK(evaluation.sampled);
  const Evaluation nothing = walk({rule(protocol::udp, {}, DscpTarget{10})}, tcp_packet());
  CHECK(nothing == Evaluation{});
}
