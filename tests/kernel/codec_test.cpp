// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the codec does not take, in both directions, and what it does with bytes that no kernel would show.
#include "common/match_codec.hpp"
#include "common/rule_list.hpp"
#include "common/xtables_codec.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>
#include <linux/netfilter/xt_DSCP.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_dscp.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_length.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netfilter_ipv6/ip6t_frag.h>
#include <linux/netfilter_ipv6/ip6t_ipv6header.h>

#include <endian.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <stdexcept>

using namespace flowspec;

namespace {

PackedRule packed(std::span<const std::byte> entry, Family family, const std::string& target, bool is_chain) {
  std::string bytes;
  decode_packed(entry, family, target.c_str(), is_chain, bytes);
  RuleList list;
  list.push_back_bytes(bytes);
  return {list, 0};
}

Rule with(Match match) {
  Rule rule;
  rule.protocol = 6;
  rule.matches.push_back(std::move(match));
  return rule;
}

IprangeMatch sources(const char* first, const char* last, bool negated = false) {
  IprangeMatch match;
  match.source = {*parse_address(first), *parse_address(last)};
  match.source_negated = negated;
  return match;
}

IprangeMatch destinations(const char* first, const char* last) {
  IprangeMatch match;
  match.destination = sources(first, last).source;
  return match;
}

/// The bytes of `rule` after somebody wrote into them what we do not.
template <class Entry>
Rule decode_changed(const Rule& rule, Family family, const std::function<void(Entry&)>& change) {
  std::vector<std::byte> bytes = encode(rule, family);
  change(*reinterpret_cast<Entry*>(bytes.data()));
  return decode(bytes, family, "", false);
}

Rule decode_changed(const std::function<void(ipt_entry&)>& change) {
  Rule rule;
  rule.source = parse_prefix("10.1.0.0/16");
  rule.in_interface = "eth0";
  return decode_changed(rule, Family::ipv4, change);
}

template <class Info>
Info& first_match(ipt_entry& entry) {
  return *reinterpret_cast<Info*>(reinterpret_cast<xt_entry_match*>(entry.elems)->data);
}

} // namespace

TEST_CASE(
    "rules are encoded one behind the other as each by itself, and what is refused leaves nothing behind") {
  generate::Random random(generate::seed());
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    std::vector<std::byte> together;
    std::vector<std::byte> apart;
    for (int i = 0; i < 1000; ++i) {
      const Rule rule = generate::rule(random, family);
      encode_into(together, rule, family);
      std::ranges::copy(encode(rule, family), std::back_inserter(apart));
    }
    CHECK(together == apart);
    Rule refused = with(TcpMatch{});
    refused.target = OpaqueTarget{"DROP", 0, {}};
    CHECK_THROWS_AS(encode_into(together, refused, family), std::invalid_argument);
    CHECK(together == apart);
  }
}

TEST_CASE("encode refuses what would not be read back as the same") {
  const auto refused = [](const Rule& rule, Family family = Family::ipv4) {
    CHECK_THROWS_AS(encode(rule, family), std::invalid_argument);
  };
  Rule rule;
  SECTION("what was only read") {
    refused(with(OpaqueMatch{"tcp", 0, {}}));
    rule.target = OpaqueTarget{"DROP", 0, {}};
    refused(rule);
    rule.target = NoTarget{};
    rule.unreadable = "flags 0x80";
    refused(rule);
  }
  SECTION("a negation of nothing") {
    rule.source_negated = true;
    refused(rule);
    rule = {};
    rule.in_interface_negated = true;
    refused(rule);
    rule = {};
    rule.protocol_negated = true;
    refused(rule);
    rule = {};
    rule.later_fragments_negated = true;
    refused(rule);
    refused(with(TcpMatch{.source = {}, .destination = {}, .option_negated = true}));
    IprangeMatch range = sources("10.0.0.1", "10.0.0.2");
    range.destination_negated = true;
    refused(with(range));
    range = destinations("10.0.0.1", "10.0.0.2");
    range.source_negated = true;
    refused(with(range));
  }
  SECTION("another family's") {
    rule.source = parse_prefix("10.0.0.0/8");
    refused(rule, Family::ipv6);
    rule = {};
    rule.later_fragments = true;
    refused(rule, Family::ipv6);
    rule = {};
    rule.target = RejectTarget{"icmp-port-unreachable"};
    refused(rule, Family::ipv6);
    rule.target = RejectTarget{"icmp6-no-route"};
    refused(rule, Family::ipv4);
    refused(with(sources("::1", "::2")));
    refused(with(destinations("10.0.0.1", "10.0.0.2")), Family::ipv6);
    refused(with(FragmentMatch{.first = true}));
    refused(with(Ipv6HeaderMatch{.headers = Ipv6HeaderMatch::fragment}));
  }
  SECTION("names that do not fit") {
    rule.in_interface = "sixteen-letters-";
    refused(rule);
    rule = {};
    rule.target = Jump{std::string(29, 'x')};
    refused(rule);
    rule.target = Jump{""};
    refused(rule);
    rule.target = Jump{"ACCEPT"};
    refused(rule);
    refused(with(CommentMatch{std::string(256, 'x')}));
    refused(with(CommentMatch{std::string("a\0b", 3)}));
    refused(with(HashlimitMatch{.name = std::string(255, 'x'), .average = 1}));
    refused(with(HashlimitMatch{.name = "", .average = 1}));
    rule.target = NflogTarget{.prefix = std::string(64, 'x')};
    refused(rule);
    rule.target = NflogTarget{.prefix = std::string("a\0b", 3)};
    refused(rule);
    rule.target = NflogTarget{.prefix = "two\nlines"};
    refused(rule);
  }
  SECTION("values that do not fit") {
    refused(with(TcpMatch{.source = {2, 1}, .destination = {}}));
    refused(with(TcpMatch{.source = {}, .destination = {}, .flags_mask = 0x40}));
    refused(with(TcpMatch{.source = {}, .destination = {}, .flags_mask = 1, .flags_set = 2}));
    refused(with(UdpMatch{.source = {}, .destination = {2, 1}}));
    refused(with(IcmpMatch{.type = 3, .code_first = 2, .code_last = 1}));
    refused(with(IcmpMatch{.code_first = 2, .code_last = 2}));
    refused(with(MultiportMatch{}));
    refused(with(MultiportMatch{.ports = std::vector<PortRange>(16, PortRange{1, 1})}));
    refused(with(MultiportMatch{.ports = std::vector<PortRange>(8, PortRange{1, 2})}));
    refused(with(ConntrackMatch{.states = 0}));
    refused(with(ConntrackMatch{.states = 128}));
    refused(with(HashlimitMatch{.name = "x", .average = 0}));
    refused(with(HashlimitMatch{.name = "x", .mode = 128, .average = 1}));
    refused(with(U32Match{}));
    refused(with(U32Match{.tests = {{.steps = {}, .ranges = {{1, 1}}}}}));
    refused(with(U32Match{.tests = {{.steps = {{U32Match::Operator::at, 1}}, .ranges = {{1, 1}}}}}));
    refused(
        with(U32Match{.tests = {{.steps = {{}, {U32Match::Operator::left_shift, 32}}, .ranges = {{1, 1}}}}}));
    refused(with(LengthMatch{.first = 2, .last = 1}));
    refused(with(DscpMatch{.value = 64}));
    refused(with(IprangeMatch{}));
    refused(with(FragmentMatch{.more = true, .last = true}), Family::ipv6);
    refused(with(Ipv6HeaderMatch{}), Family::ipv6);
    rule.target = DscpTarget{64};
    refused(rule);
    Rule huge;
    huge.matches.assign(40, U32Match{.tests = {{.steps = {{}}, .ranges = {{1, 1}}}}});
    refused(huge);
  }
}

TEST_CASE("what no member of Rule holds makes it unreadable, and says why") {
  const auto unreadable = [](const std::function<void(ipt_entry&)>& change, const std::string& reason) {
    CHECK(decode_changed(change).unreadable == reason);
  };
  unreadable([](ipt_entry&) {}, "");
  unreadable([](ipt_entry& e) { e.ip.smsk.s_addr = htobe32(0xff00ff00); }, "-s 10.1.0.0/255.0.255.0");
  unreadable([](ipt_entry& e) { e.ip.src.s_addr = htobe32(0x0a010001); }, "-s 10.1.0.1/255.255.0.0");
  unreadable([](ipt_entry& e) { e.ip.iniface_mask[1] = 0; }, "interface eth0 with a mask of 1 bytes");
  unreadable([](ipt_entry& e) { e.ip.iniface_mask[5] = 0xff; }, "interface eth0 with a mask of 6 bytes");
  unreadable([](ipt_entry& e) { e.ip.proto = 300; }, "protocol 300");
  unreadable([](ipt_entry& e) { e.ip.invflags = IPT_INV_PROTO; }, "protocol ! 0");
  unreadable([](ipt_entry& e) { e.ip.flags = 0x80; }, "flags 0x80, inverted 0x0");
  unreadable([](ipt_entry& e) { e.ip.invflags = IPT_INV_TOS; }, "flags 0x0, inverted 0x4");
  unreadable([](ipt_entry& e) { e.ip.invflags = IPT_INV_FRAG; }, "flags 0x0, inverted 0x20");
  unreadable([](ipt_entry& e) { e.ip.flags = IPT_F_GOTO; }, "-g to what is no chain");
  unreadable([](ipt_entry& e) { e.target_offset = 8; }, "offsets 8 and 152");
  unreadable([](ipt_entry& e) { e.next_offset = 160; }, "offsets 112 and 160");
  unreadable([](ipt_entry& e) { e.target_offset = 120; }, "a match that is cut off");

  const std::vector<std::byte> queue = encode(Rule{}, Family::ipv4);
  CHECK(decode(queue, Family::ipv4, "QUEUE", false).unreadable == "verdict QUEUE");
  CHECK(decode({}, Family::ipv6, "", false).unreadable == "a rule that is cut off");

  Rule tcp;
  tcp.protocol = 6;
  const auto without_flag = [](ip6t_entry& e) { e.ipv6.flags = 0; };
  CHECK(decode_changed<ip6t_entry>(tcp, Family::ipv6, without_flag).unreadable == "protocol 6");
  const auto tos = [](ip6t_entry& e) { e.ipv6.flags |= IP6T_F_TOS; };
  CHECK(decode_changed<ip6t_entry>(tcp, Family::ipv6, tos).unreadable == "flags 0x3, inverted 0x0");
}

TEST_CASE("other ways to say the same are read as the same") {
  Rule expected;
  expected.source = parse_prefix("10.1.0.0/16");
  expected.in_interface = "eth+";
  CHECK(decode_changed([](ipt_entry& e) { std::memset(&e.ip.iniface_mask[3], 0, 2); }) == expected);
  expected.in_interface = "";
  CHECK(decode_changed([](ipt_entry& e) { std::memset(e.ip.iniface_mask, 0, 16); }) == expected);
  expected.in_interface = "+"; // no name at all
  expected.in_interface_negated = true;
  CHECK(decode_changed([](ipt_entry& e) {
          std::memset(e.ip.iniface_mask, 0, 16);
          e.ip.invflags = IPT_INV_VIA_IN;
        }) == expected);

  const Rule state = with(ConntrackMatch{.states = ConntrackMatch::established});
  CHECK(decode_changed<ipt_entry>(state, Family::ipv4, [](ipt_entry& e) {
          first_match<xt_conntrack_mtinfo3>(e).match_flags |= XT_CONNTRACK_STATE_ALIAS;
        }) == state);

  const Rule range = with(sources("10.0.0.1", "10.0.0.2"));
  CHECK(decode_changed<ipt_entry>(range, Family::ipv4, [](ipt_entry& e) {
          auto& info = first_match<xt_iprange_mtinfo>(e);
          info.flags |= IPRANGE_DST_INV; // not looked at without IPRANGE_DST, and neither are these
          info.dst_min.ip = 1;
          info.src_max.all[3] = 1;
        }) == range);
}

TEST_CASE("a match that asks for more than our words say is opaque, with all its bytes") {
  const auto opaque = [](const Rule& rule, const std::function<void(ipt_entry&)>& change) {
    const Rule decoded = decode_changed<ipt_entry>(rule, Family::ipv4, change);
    REQUIRE(decoded.matches.size() == 1);
    const auto* match = std::get_if<OpaqueMatch>(&decoded.matches[0]);
    REQUIRE(match);
    CHECK(decoded.unreadable.empty());
    return match->data.size();
  };
  const Rule state = with(ConntrackMatch{.states = ConntrackMatch::established});
  CHECK(opaque(state, [](ipt_entry& e) {
          first_match<xt_conntrack_mtinfo3>(e).match_flags |= XT_CONNTRACK_STATUS;
        }) == 168);
  opaque(state, [](ipt_entry& e) {
    first_match<xt_conntrack_mtinfo3>(e).state_mask |= XT_CONNTRACK_STATE_UNTRACKED << 1;
  });
  opaque(state, [](ipt_entry& e) { first_match<xt_conntrack_mtinfo3>(e).state_mask = 0; });
  opaque(with(TcpMatch{}), [](ipt_entry& e) { first_match<xt_tcp>(e).invflags = 0x10; });
  opaque(with(TcpMatch{}), [](ipt_entry& e) { first_match<xt_tcp>(e).flg_mask = 0x80; });
  opaque(with(TcpMatch{}), [](ipt_entry& e) {
    reinterpret_cast<xt_entry_match*>(e.elems)->u.user.revision = 1; // nobody knows what that would mean
  });
}

TEST_CASE("the states of conntrack are the kernel's own bits, in every revision that we read") {
  constexpr std::pair<std::uint16_t, unsigned> bits[] = {
      {ConntrackMatch::invalid, XT_CONNTRACK_STATE_INVALID},
      {ConntrackMatch::established, XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED)},
      {ConntrackMatch::related, XT_CONNTRACK_STATE_BIT(IP_CT_RELATED)},
      {ConntrackMatch::fresh, XT_CONNTRACK_STATE_BIT(IP_CT_NEW)},
      {ConntrackMatch::source_nat, XT_CONNTRACK_STATE_SNAT},
      {ConntrackMatch::destination_nat, XT_CONNTRACK_STATE_DNAT},
      {ConntrackMatch::untracked, XT_CONNTRACK_STATE_UNTRACKED}};
  const auto read_as = []<class Info>(std::uint8_t revision, unsigned state, unsigned flags, Info) {
    xtables::Blank<Info> info;
    info->match_flags = static_cast<__u16>(flags);
    info->state_mask = static_cast<decltype(info->state_mask)>(state);
    return xtables::decode_match("conntrack", revision, std::move(info).bytes(), Family::ipv4);
  };
  constexpr unsigned alias = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS; // what -m state makes
  for (const auto& [ours, kernel] : bits) {
    const Match expected = ConntrackMatch{.states = ours};
    CHECK(read_as(3, kernel, XT_CONNTRACK_STATE, xt_conntrack_mtinfo3{}) == expected);
    CHECK(read_as(3, kernel, alias, xt_conntrack_mtinfo3{}) == expected);
    CHECK(read_as(2, kernel, alias, xt_conntrack_mtinfo2{}) == expected);
    if (kernel <= UINT8_MAX) // UNTRACKED came with revision 2
      CHECK(read_as(1, kernel, XT_CONNTRACK_STATE, xt_conntrack_mtinfo1{}) == expected);
  }
}

TEST_CASE("a length, a DSCP, a range or an extension header that our words do not say is opaque") {
  const auto read = [](Match match, const std::function<void(std::byte*)>& change) {
    std::vector<std::byte> bytes = encode(with(std::move(match)), Family::ipv6);
    change(bytes.data() + sizeof(ip6t_entry) + sizeof(xt_entry_match));
    const Rule rule = decode(bytes, Family::ipv6, "", false);
    CHECK(rule.unreadable.empty());
    return rule.matches.at(0);
  };
  const auto opaque = [&]<class Info>(Match match, void (*change)(Info&)) {
    const auto same = [](std::byte*) {};
    CHECK(read(match, same) == match);
    CHECK(std::holds_alternative<OpaqueMatch>(
        read(match, [&](std::byte* info) { change(*reinterpret_cast<Info*>(info)); })));
  };
  const LengthMatch length{.first = 40, .last = 100};
  opaque(
      length, +[](xt_length_info& info) { info.min = 101; });
  opaque(
      length, +[](xt_length_info& info) { info.invert = 2; });
  opaque(
      DscpMatch{.value = 46}, +[](xt_dscp_info& info) { info.dscp = 64; });
  const IprangeMatch range = sources("::1", "::9", true);
  opaque(
      range, +[](xt_iprange_mtinfo& info) { info.flags |= 0x04; });
  opaque(
      range, +[](xt_iprange_mtinfo& info) { info.flags |= 0x40; });
  opaque(
      range, +[](xt_iprange_mtinfo& info) { info.flags = 0; });
  opaque(
      range, +[](xt_iprange_mtinfo& info) { info.flags = IPRANGE_SRC_INV; });
  const FragmentMatch fragment{.first = true, .more = true};
  opaque(
      fragment, +[](ip6t_frag& info) { info.flags |= IP6T_FRAG_IDS; });
  opaque(
      fragment, +[](ip6t_frag& info) { info.flags |= IP6T_FRAG_LEN; });
  opaque(
      fragment, +[](ip6t_frag& info) { info.flags |= IP6T_FRAG_RES; });
  opaque(
      fragment, +[](ip6t_frag& info) { info.flags |= IP6T_FRAG_NMF; });
  opaque(
      fragment, +[](ip6t_frag& info) { info.ids[0] = 5; });
  opaque(
      fragment, +[](ip6t_frag& info) { info.ids[1] = 5; });
  opaque(
      fragment, +[](ip6t_frag& info) { info.invflags = IP6T_FRAG_INV_IDS; });
  const Ipv6HeaderMatch header{.headers = Ipv6HeaderMatch::fragment, .negated = true};
  opaque(
      header, +[](ip6t_ipv6header_info& info) { info.modeflag = 0; });
  opaque(
      header, +[](ip6t_ipv6header_info& info) { info.matchflags = 0; });
  opaque(
      header, +[](ip6t_ipv6header_info& info) { info.invflags = 0x10; });

  // Another revision has another structure.
  for (const Match& match : {Match(TosMatch{.value = 0x10}), Match(range)}) {
    std::vector<std::byte> other = encode(with(match), Family::ipv6);
    auto& entry = *reinterpret_cast<xt_entry_match*>(other.data() + sizeof(ip6t_entry));
    CHECK(entry.u.user.revision == 1);
    entry.u.user.revision = 0;
    CHECK(std::holds_alternative<OpaqueMatch>(decode(other, Family::ipv6, "", false).matches.at(0)));
  }

  // In IPv4 nobody knows what these would mean.
  std::vector<std::byte> bytes = encode(with(DscpMatch{.value = 46}), Family::ipv4);
  auto& head = *reinterpret_cast<xt_entry_match*>(bytes.data() + sizeof(ipt_entry));
  std::strcpy(head.u.user.name, "ipv6header");
  CHECK(std::holds_alternative<OpaqueMatch>(decode(bytes, Family::ipv4, "", false).matches.at(0)));
}

TEST_CASE("a target that asks for more than our words say is opaque") {
  const auto read = [](const Target& target, const std::string& name,
                       const std::function<void(xt_entry_target&)>& change) {
    Rule rule;
    rule.target = target;
    std::vector<std::byte> bytes = encode(rule, Family::ipv4);
    change(*reinterpret_cast<xt_entry_target*>(bytes.data() + sizeof(ipt_entry)));
    const Rule decoded = decode(bytes, Family::ipv4, name, false);
    CHECK(packed(bytes, Family::ipv4, name, false) == PackedRule(decoded));
    CHECK(decoded.unreadable.empty());
    return decoded.target;
  };
  const auto opaque = [&]<class Info>(const Target& target, const std::string& name, void (*change)(Info&)) {
    CHECK(read(target, name, [](xt_entry_target&) {}) == target);
    CHECK(std::holds_alternative<OpaqueTarget>(
        read(target, name, [&](xt_entry_target& entry) { change(*reinterpret_cast<Info*>(entry.data)); })));
  };
  opaque(
      DscpTarget{46}, "DSCP", +[](xt_DSCP_info& info) { info.dscp = 64; });
  const NflogTarget nflog{.group = 3, .prefix = "flowspec abc"};
  opaque(
      nflog, "NFLOG", +[](xt_nflog_info& info) { info.len = 20; });
  opaque(
      nflog, "NFLOG", +[](xt_nflog_info& info) { info.flags = XT_NFLOG_F_COPY_LEN; });
  opaque(
      nflog, "NFLOG", +[](xt_nflog_info& info) { info.threshold = 2; });
  opaque(
      nflog, "NFLOG", +[](xt_nflog_info& info) { info.prefix[3] = '\n'; });
  opaque(
      nflog, "NFLOG", +[](xt_nflog_info& info) { std::memset(info.prefix, 'x', sizeof info.prefix); });
  // Revision 1 has a mode in place of the mask.
  CHECK(std::holds_alternative<OpaqueTarget>(
      read(MarkTarget{0x10, 0xff}, "MARK", [](xt_entry_target& entry) { entry.u.user.revision = 1; })));
}

TEST_CASE("decode takes any bytes") {
  generate::Random random(generate::seed());
  const auto octet = [&] { return static_cast<std::byte>(generate::number(random, 0, 255)); };
  const std::array<std::string, 9> targets{"",     "ACCEPT", "QUEUE", "REJECT",  "DSCP",
                                           "MARK", "NFLOG",  "LOG",   "FLOWSPEC"};
  std::size_t unreadable = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Family family = generate::chance(random, 50) ? Family::ipv4 : Family::ipv6;
    std::vector<std::byte> bytes;
    if (generate::chance(random, 80)) {
      bytes = encode(generate::rule(random, family), family);
      for (std::uint32_t changes = generate::number(random, 1, 6); changes > 0; --changes)
        bytes[generate::number(random, 0, static_cast<std::uint32_t>(bytes.size() - 1))] = octet();
      if (generate::chance(random, 20))
        bytes.resize(generate::number(random, 0, static_cast<std::uint32_t>(bytes.size())));
    } else {
      bytes.resize(generate::number(random, 0, 400));
      std::ranges::generate(bytes, octet);
    }
    const std::string& target = targets[generate::number(random, 0, targets.size() - 1)];
    const Rule rule = decode(bytes, family, target, target == "FLOWSPEC");
    REQUIRE(packed(bytes, family, target, target == "FLOWSPEC") == PackedRule(rule));
    unreadable += rule.unreadable.empty() ? 0U : 1U;
  }
  CHECK(unreadable > 1000); // the bytes were odd enough
}
