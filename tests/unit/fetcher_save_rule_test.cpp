// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule_text.hpp"
#include "fetcher/save_rule.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <vector>

using namespace flowspec;

namespace {

Rule read(std::string_view text, Family family = Family::ipv4) {
  SaveLines lines(text);
  const auto line = lines.next();
  return read_rule(line ? line->words : std::vector<SaveWord>{}, family,
                   [](std::string_view name) { return name == "mine"; });
}

template <typename M>
M only(std::string_view text, Family family = Family::ipv4) {
  const Rule rule = read(text, family);
  INFO(text << ": " << rule.unreadable);
  REQUIRE(rule.unreadable.empty());
  REQUIRE(rule.matches.size() == 1);
  REQUIRE(std::holds_alternative<M>(rule.matches.front()));
  return std::get<M>(rule.matches.front());
}

} // namespace

TEST_CASE("every option that iptables-save prints comes back from its own text") {
  const char* const ipv4 = GENERATE(values<const char*>({
      "-j ACCEPT",
      "-j DROP",
      "-j RETURN",
      "-j mine",
      "-g mine",
      "-s 10.0.0.0/8 -d 10.1.2.3/32 -p tcp -m tcp --dport 80 -j ACCEPT",
      "! -s 10.0.0.0/8 ! -d 10.1.2.3/32 ! -p udp",
      "! -s 0.0.0.0/0 -j DROP",
      "-i eth0 -o eth+ -j ACCEPT",
      "! -i eth0 ! -o eth+ -f -j ACCEPT",
      "-p icmp ! -f -m icmp --icmp-type any -j DROP",
      "-p tcp -m tcp --sport 0:1024 ! --dport 80:90 -j ACCEPT",
      "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
      "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP",
      "-p tcp -m tcp --tcp-option 5",
      "-p tcp -m tcp ! --tcp-option 5",
      "-p tcp -m tcp -j DROP",
      "-p udp -m udp --dport 1:65535 -j DROP",
      "-p udp -m udp ! --sport 0:65535 -j DROP",
      "-p icmp -m icmp --icmp-type 8 -j ACCEPT",
      "-p icmp -m icmp ! --icmp-type 3/4 -j ACCEPT",
      "-p icmp -m icmp --icmp-type 3/4-7 -j ACCEPT",
      "-p tcp -m multiport --dports 80,443,1000:2000 -j ACCEPT",
      "-p tcp -m multiport ! --sports 1 -j ACCEPT",
      "-p udp -m multiport --ports 53 -j ACCEPT",
      "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
      "-m conntrack ! --ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED -j ACCEPT",
      "-m conntrack --ctstate INVALID,NEW,UNTRACKED,SNAT,DNAT -j ACCEPT",
      "-m conntrack ! --ctstate DNAT -j DROP",
      "-m comment --comment plain -j ACCEPT",
      "-m comment --comment -j -j ACCEPT",
      R"(-m comment --comment "he said \"hi\" \\ it\'s" -j ACCEPT)",
      R"(-m comment --comment "" -m comment --comment "two
lines")",
      "-p 99 -j ACCEPT",
      "-p esp -j ACCEPT",
      "-m u32 --u32 \"0x6&0xff=0x1&&0x0>>0x16&0x3c@0x0<<0x18=0x0:0x8,0xb\" -j DROP",
      "-m u32 ! --u32 \"0x6=0x1\" -j DROP",
      "-p tcp -j REJECT --reject-with tcp-reset",
      "-j REJECT --reject-with icmp-admin-prohibited",
      "-m hashlimit --hashlimit-above 1000kb/s --hashlimit-name foo -j DROP",
      "-m hashlimit --hashlimit-upto 10/sec --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name x "
      "--hashlimit-srcmask 24",
      "-m hashlimit --hashlimit-above 992b/s --hashlimit-burst 12kb --hashlimit-mode dstip,dstport "
      "--hashlimit-name foo3 --hashlimit-htable-size 100 --hashlimit-htable-max 1000 "
      "--hashlimit-htable-gcinterval 500 "
      "--hashlimit-htable-expire 5000 --hashlimit-dstmask 24 -j DROP",
      "-m hashlimit --hashlimit-upto 3/day --hashlimit-burst 1 --hashlimit-name d",
      "-m hashlimit --hashlimit-upto 7/min --hashlimit-burst 1 --hashlimit-name m",
      "-m length --length 40:100 -j DROP",
      "-m length ! --length 40 -j DROP",
      "-m dscp --dscp 0x0a -m dscp ! --dscp 0x00 -j DROP",
      "-m tos --tos 0x10/0xff -m tos ! --tos 0x08/0x3f -j DROP",
      "-m tos --tos 0xff/0x01 -m tos --tos 0x00/0x00 -j DROP",
      "-m iprange --src-range 10.0.0.1-10.0.0.9 -j ACCEPT",
      "-m iprange ! --src-range 1.0.0.0-2.0.0.0 --dst-range 10.0.0.1-10.0.0.1 -j ACCEPT",
      "-m iprange --src-range 0.0.0.0-255.255.255.255 ! --dst-range 10.0.0.9-10.0.0.1 -j DROP",
      "-p tcp -m tcp --tcp-flags SYN SYN -m multiport --dports 1 -m tcp --dport 80 -m tcp ! --tcp-flags ACK "
      "NONE",
      "-p udp -m udp --sport 3 -m udp --sport 4:9",
      "-j DSCP --set-dscp 0x2e",
      "-j MARK --set-xmark 0x10/0xff",
      "-j NFLOG",
      R"(-s 10.0.0.0/8 -j NFLOG --nflog-prefix "it\'s -j DROP" --nflog-group 65535)",
      "-j NFLOG --nflog-prefix -j --nflog-group 3",
  }));
  const Rule rule = read(ipv4);
  CHECK(rule.unreadable == "");
  CHECK(to_string(rule, Family::ipv4) == ipv4);

  const char* const ipv6 = GENERATE(values<const char*>({
      "-s 2001:db8::/32 -d ::1/128 -p tcp -m tcp --dport 80 -j ACCEPT",
      "-p ipv6-icmp -m icmp6 --icmpv6-type 1/4 -j REJECT --reject-with icmp6-port-unreachable",
      "-p ipv6-icmp -m icmp6 ! --icmpv6-type 255 -j DROP",
      "-m frag -m frag --fragfirst --fragmore -m frag --fraglast -j DROP",
      "-m ipv6header --header ipv6-frag --soft -m ipv6header ! --header hop-by-hop,esp --soft -j DROP",
      "-m length --length 1280:65535 -j DSCP --set-dscp 0x00",
      "-m iprange --src-range 2001:db8::1-2001:db8::ff ! --dst-range ::-::ffff:10.0.0.2 -j DROP",
      "-m tos ! --tos 0xb8/0xfc -m conntrack --ctstate SNAT,DNAT -j DROP",
  }));
  CHECK(read(ipv6, Family::ipv6).unreadable == "");
  CHECK(to_string(read(ipv6, Family::ipv6), Family::ipv6) == ipv6);
}

TEST_CASE("a text may say the same in other words") {
  const auto [text, same] = GENERATE(table<const char*, const char*>({
      {"--protocol tcp --match tcp --destination-port 80 --jump ACCEPT",
       "-p tcp -m tcp --dport 80 -j ACCEPT"},
      {"--src 10.0.0.1 --dst 10.0.0.2 -j DROP", "-s 10.0.0.1/32 -d 10.0.0.2/32 -j DROP"},
      {"-s 10.1.2.3/255.255.0.0 -j DROP", "-s 10.1.0.0/16 -j DROP"},
      {"-s 0.0.0.0/0 -d 0.0.0.0/0.0.0.0 -p all -i + -j DROP", "-j DROP"},
      {"-p gre -j DROP", "-p 47 -j DROP"},
      {"-p tcp -m tcp --syn -j DROP", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"},
      {"-p tcp ! --syn -j DROP", "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"},
      {"-p tcp --tcp-flags syn,Rst syn", "-p tcp -m tcp --tcp-flags SYN,RST SYN"},
      {"-p tcp -m tcp --sport :1024 --dport 1024: -j DROP",
       "-p tcp -m tcp --sport 0:1024 --dport 1024:65535 -j DROP"},
      {"-p tcp -m tcp --dport 0:65535 -j DROP", "-p tcp -m tcp -j DROP"},
      {"-p icmp -m icmp --icmp-type 255 -j DROP", "-p icmp -m icmp --icmp-type any -j DROP"},
      {"-m state --state NEW -j DROP", "-m conntrack --ctstate NEW -j DROP"},
      {"-m state ! --state UNTRACKED,INVALID -j DROP", "-m conntrack ! --ctstate INVALID,UNTRACKED -j DROP"},
      {"-m state --state new,related", "-m conntrack --ctstate NEW,RELATED"},
      {"-m conntrack --ctstate dnat,SNAT,NEW", "-m conntrack --ctstate NEW,SNAT,DNAT"},
      {"-j REJECT", "-j REJECT --reject-with icmp-port-unreachable"},
      // What people write by hand.
      {"-p tcp --dport 22 -j ACCEPT", "-p tcp -m tcp --dport 22 -j ACCEPT"},
      {"-p udp --sport 53 --dport 53 -j ACCEPT", "-p udp -m udp --sport 53 --dport 53 -j ACCEPT"},
      {"-p icmp --icmp-type 8 -j ACCEPT", "-p icmp -m icmp --icmp-type 8 -j ACCEPT"},
      {"-p icmp -m icmp --icmp-type echo-request -j ACCEPT", "-p icmp -m icmp --icmp-type 8 -j ACCEPT"},
      {"-p icmp -m icmp --icmp-type fragmentation-needed", "-p icmp -m icmp --icmp-type 3/4"},
      {"-p icmp -m icmp --icmp-type TOS-host-redirect", "-p icmp -m icmp --icmp-type 5/3"},
      {"-m conntrack --ctstate NEW -m tcp -p tcp --dport 22 -j ACCEPT",
       "-p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT"},
      {"-j ACCEPT -p tcp -m tcp --dport 22", "-p tcp -m tcp --dport 22 -j ACCEPT"},
      {"-m length --length :0x28 -j DROP", "-m length --length 0:40 -j DROP"},
      {"-m length --length 40: -j DROP", "-m length --length 40:65535 -j DROP"},
      {"-m dscp --dscp 10 -j DROP", "-m dscp --dscp 0x0a -j DROP"},
      {"-m dscp --dscp-class EF -j DROP", "-m dscp --dscp 0x2e -j DROP"},
      {"-m dscp ! --dscp-class cs7 -j DROP", "-m dscp ! --dscp 0x38 -j DROP"},
      {"-m dscp --dscp-class AF43 -j DROP", "-m dscp --dscp 0x26 -j DROP"},
      {"-m dscp --dscp-class BE -j DROP", "-m dscp --dscp 0x00 -j DROP"},
      {"-m tos --tos 16", "-m tos --tos 0x10/0xff"},
      {"-m tos --tos 0x8/63", "-m tos --tos 0x08/0x3f"},
      {"-m tos --tos Minimize-Delay", "-m tos --tos 0x10/0x3f"},
      {"-m tos ! --tos maximize-throughput", "-m tos ! --tos 0x08/0x3f"},
      {"-m tos --tos Maximize-Reliability", "-m tos --tos 0x04/0x3f"},
      {"-m tos --tos Minimize-Cost", "-m tos --tos 0x02/0x3f"},
      {"-m tos --tos Normal-Service", "-m tos --tos 0x00/0x3f"},
      {"-m iprange --src-range 10.0.0.1 -j DROP", "-m iprange --src-range 10.0.0.1-10.0.0.1 -j DROP"},
      {"-m iprange ! --dst-range 10.0.0.1-10.0.0.9 --src-range 1.0.0.0-2.0.0.0",
       "-m iprange --src-range 1.0.0.0-2.0.0.0 ! --dst-range 10.0.0.1-10.0.0.9"},
      {"-j MARK --set-xmark 16", "-j MARK --set-xmark 0x10/0xffffffff"},
      {"-j NFLOG --nflog-group 0 --nflog-prefix x", "-j NFLOG --nflog-prefix x"},
  }));
  const Rule rule = read(text);
  CHECK(rule.unreadable == "");
  CHECK(to_string(rule, Family::ipv4) == same);
  CHECK(rule == read(same));
}

TEST_CASE("a rule with a part that Rule does not hold is unreadable, and says which") {
  const auto [text, reason] = GENERATE(table<const char*, const char*>({
      {"-m limit --limit 5/sec -j ACCEPT", "-m limit"},
      {"-m ttl --ttl-eq 1 -j DROP", "-m ttl"},
      {"-m length -j DROP", "-m length without a length"},
      {"-m length --length 200:100 -j DROP", "--length 200:100 ends before it begins"},
      {"-m length --length 65536 -j DROP", "--length 65536 is over 65535"},
      {"-m dscp --dscp 64 -j DROP", "--dscp 64 is over 63"},
      {"-m dscp --dscp-class LE -j DROP", "--dscp-class LE"},
      {"-m dscp --dscp 3 --dscp-class EF -j DROP", "--dscp and --dscp-class"},
      {"-m tos -j DROP", "-m tos without a value"},
      {"-m tos --tos 256 -j DROP", "--tos 256 is over 255"},
      {"-m tos --tos 010 -j DROP", "--tos \"010\" is no number"},
      {"-m tos --tos 0x10/0x100 -j DROP", "--tos 0x100 is over 255"},
      {"-m tos --tos 0x10/ -j DROP", "--tos \"\" is no number"},
      {"-m tos --tos 1/2/3 -j DROP", "--tos 1/2/3"},
      {"-m tos --tos Minimize-Delay/0x3f -j DROP", "--tos \"Minimize-Delay\" is no number"},
      {"-m tos --tos 1 --tos 2 -j DROP", "--tos twice"},
      {"-m tos --dscp 1 -j DROP", "--dscp"},
      {"-m iprange -j DROP", "-m iprange without a range"},
      {"-m iprange --src-range 10.0.0.0/24 -j DROP", "--src-range 10.0.0.0/24 is no range of ipv4 addresses"},
      {"-m iprange --src-range 10.0.0.1- -j DROP", "--src-range 10.0.0.1- is no range of ipv4 addresses"},
      {"-m iprange --dst-range 1.0.0.1-1.0.0.2-1.0.0.3 -j DROP",
       "--dst-range 1.0.0.1-1.0.0.2-1.0.0.3 is no range of ipv4 addresses"},
      {"-m iprange --src-range ::1-::2 -j DROP", "--src-range ::1-::2 is no range of ipv4 addresses"},
      {"-m iprange --src-range 10.0.0.1 --src-range 10.0.0.2 -j DROP", "--src-range twice"},
      {"-m frag --fragfirst -j DROP", "-m frag in ipv4"},
      {"-m ipv6header --header frag --soft -j DROP", "-m ipv6header in ipv4"},
      {"-j DSCP", "-j DSCP without a value"},
      {"-j DSCP --set-dscp 64", "--set-dscp 64 is over 63"},
      {"-j DSCP --set-dscp-class EF", "--set-dscp-class of -j DSCP"},
      {"-j DSCP ! --set-dscp 1", "! --set-dscp"},
      {"-j MARK --set-mark 1", "--set-mark of -j MARK"},
      {"-j MARK --set-xmark 1 --set-xmark 2", "--set-xmark twice"},
      {"-j MARK --set-xmark 1/2/3", "--set-xmark 1/2/3"},
      {"-j MARK --set-xmark 0x100000000", "--set-xmark 0x100000000 is over 4294967295"},
      {"-j NFLOG --nflog-size 20", "--nflog-size of -j NFLOG"},
      {"-j NFLOG --nflog-group 65536", "--nflog-group 65536 is over 65535"},
      {"-j NFLOG --nflog-prefix 0123456789012345678901234567890123456789012345678901234567890123",
       "--nflog-prefix of more than 63 bytes, or with a line break"},
      {"-j NFLOG --nflog-prefix \"two\nlines\"",
       "--nflog-prefix of more than 63 bytes, or with a line break"},
      {"-j LOG --log-prefix \"foo bar\"", "-j LOG"},
      {"-g nowhere", "-g nowhere"},
      {"-s 10.0.0.0/255.0.255.0 -j DROP", "-s 10.0.0.0/255.0.255.0: the mask has gaps"},
      {"-s 10.0.0.0/33 -j DROP", "-s 33 is over 32"},
      {"-s example.org -j DROP", "-s example.org is no ipv4 prefix"},
      {"-s 10.0.0.1,10.0.0.2 -j DROP", "-s 10.0.0.1,10.0.0.2 is no ipv4 prefix"},
      {"-s 2001:db8::/32 -j DROP", "-s 2001:db8::/32 is no ipv4 prefix"},
      {"-s 10.0.0.1 -s 10.0.0.2 -j DROP", "-s twice"},
      {"-p frob -j DROP", "-p \"frob\" is no number"},
      {"-p 256 -j DROP", "-p 256 is over 255"},
      {"! -p all -j DROP", "! -p all"},
      {"-p tcp -m tcp --dport ssh -j DROP", "--dport \"ssh\" is no number"},
      {"-p tcp -m tcp --dport 090 -j DROP", "--dport \"090\" is no number"},
      {"-p tcp -m tcp --dport 65536 -j DROP", "--dport 65536 is over 65535"},
      {"-p tcp -m tcp --dport 90:80 -j DROP", "--dport 90:80 ends before it begins"},
      {"-p tcp -m tcp --dport 80 --dport 81 -j DROP", "--dport twice"},
      {"-p tcp -m tcp --tcp-flags SYN FOO -j DROP", "--tcp-flags FOO"},
      {"-p tcp -m tcp --ecn-tcp-ece 3 -j DROP", "--ecn-tcp-ece of -m tcp"},
      {"-p tcp -m tcp --dscp 3 -j DROP", "--dscp"},
      {"-p udp -m udp --tcp-option 3 -j DROP", "--tcp-option"},
      {"-p icmp -m icmp --icmp-type echo -j DROP", "--icmp-type \"echo\" is no number"},
      {"-p icmp -m icmp --icmp-type 3/4/5 -j DROP", "--icmp-type 3/4/5"},
      {"-p icmp -m icmp6 --icmpv6-type 1 -j DROP", "-m icmp6 in ipv4"},
      {"-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 -j DROP",
       "--dports with more than 15 ports"},
      {"-p tcp -m multiport --dports 1 --sports 2 -j DROP", "-m multiport without exactly one list of ports"},
      {"-p tcp -m tcp --syn --tcp-flags ALL ACK -j DROP", "--syn and --tcp-flags"},
      {"-m conntrack --ctstate NEW,NONE -j ACCEPT", "--ctstate NONE"},
      {"-m conntrack --ctstate NEW, -j ACCEPT", "--ctstate "},
      {"-m state --state NEW,SNAT -j ACCEPT", "--state NEW,SNAT"},
      {"-m conntrack --ctorigsrc 1.2.3.4 -j ACCEPT", "--ctorigsrc of -m conntrack"},
      {"-m conntrack --ctstate NEW --ctdir ORIGINAL -j ACCEPT", "--ctdir of -m conntrack"},
      {"-m comment ! --comment x -j ACCEPT", "! --comment"},
      {"-m u32 --u32 \"0x6&0xff\" -j DROP", "--u32: no operator and no = behind a number"},
      {"-m u32 --u32 \"6=1 7\" -j DROP", "--u32: text behind the last test"},
      {"-m hashlimit --hashlimit-upto 5/fortnight --hashlimit-name x", "--hashlimit-upto 5/fortnight"},
      {"-m hashlimit --hashlimit-upto 0/sec --hashlimit-name x", "--hashlimit-upto 0/sec"},
      {"-m hashlimit --hashlimit-upto 5/sec", "-m hashlimit without a rate or a name"},
      {"-j REJECT --reject-with echo-reply", "echo-reply of -j REJECT"},
      {"-j ACCEPT --frob 1", "--frob of -j ACCEPT"},
      {"! -j ACCEPT", "! -j"},
      {"--dport 80 -j DROP", "--dport"},
      {"-j", "-j without a value"},
      {"-p tcp stray -j DROP", "stray"},
      {"-4 -j DROP", "-4"},
  }));
  CHECK(read(text).unreadable == reason);
}

TEST_CASE("the headers of IPv6: other words, and what is not read") {
  const auto [text, same] = GENERATE(table<const char*, const char*>({
      {"-m ipv6header --soft --header hop,dst,route,frag,auth,esp,none,prot",
       "-m ipv6header --header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt,protocol --soft"},
      {"-m ipv6header ! --header 44,0 --soft", "-m ipv6header ! --header hop-by-hop,ipv6-frag --soft"},
  }));
  CHECK(read(text, Family::ipv6) == read(same, Family::ipv6));
  CHECK(to_string(read(text, Family::ipv6), Family::ipv6) == same);

  const auto [part, reason] = GENERATE(table<const char*, const char*>({
      {"-m frag --fragid 5", "--fragid of -m frag"},
      {"-m frag --fragres", "--fragres of -m frag"},
      {"-m frag --fragmore --fraglast", "--fragmore and --fraglast"},
      {"-m frag ! --fragfirst", "! --fragfirst"},
      {"-m frag --fragfirst --fragfirst", "--fragfirst twice"},
      {"-m ipv6header --header frag", "-m ipv6header without --soft"},
      {"-m ipv6header --soft", "-m ipv6header without a header"},
      {"-m ipv6header --header tcp --soft", "--header tcp"},
      {"-m ipv6header --header frag ! --soft", "! --soft"},
  }));
  CHECK(read(part, Family::ipv6).unreadable == reason);
}

TEST_CASE("the parts around an unreadable one are read") {
  const Rule rule = read("-s 10.0.0.0/8 -m limit --limit 5/sec -p tcp -m tcp --dport 80 -j DROP");
  CHECK(rule.unreadable == "-m limit");
  CHECK(rule.source == parse_prefix("10.0.0.0/8"));
  CHECK(rule.protocol == 6);
  CHECK(rule.target == Target(Verdict::drop));
  REQUIRE(rule.matches.size() == 2);
  CHECK(std::get<OpaqueMatch>(rule.matches[0]).name == "limit");
  CHECK(std::get<TcpMatch>(rule.matches[1]).destination == PortRange{80, 80});
  CHECK(std::get<OpaqueTarget>(read("-j LOG --log-prefix -x").target).name == "LOG");
  CHECK(std::get<OpaqueTarget>(read("-j MARK --set-mark 1").target).name == "MARK");
  CHECK(std::holds_alternative<RejectTarget>(read("-j REJECT --reject-with nothing").target));
}

TEST_CASE("rates become the kernel's costs") {
  const auto bytes = only<HashlimitMatch>("-m hashlimit --hashlimit-above 1000kb/s --hashlimit-name foo");
  CHECK(bytes.mode == (HashlimitMatch::mode_invert | HashlimitMatch::mode_bytes));
  CHECK(bytes.average == 4294967295U / (1000 * 1024 / 16 + 1));
  CHECK(bytes.burst == 0);
  CHECK(bytes.expire == 15000);
  CHECK(bytes.gc_interval == 1000);
  CHECK(bytes.source_mask == 32);
  const auto negated = only<HashlimitMatch>("-m hashlimit ! --hashlimit-upto 1000kb/s --hashlimit-name foo");
  CHECK(negated == bytes);
  const auto packets =
      only<HashlimitMatch>("-m hashlimit --hashlimit-upto 2/minute --hashlimit-name foo", Family::ipv6);
  CHECK(packets.average == 30'000'000);
  CHECK(packets.burst == 5);
  CHECK(packets.expire == 60'000);
  CHECK(packets.destination_mask == 128);
  CHECK(only<HashlimitMatch>("-m hashlimit --hashlimit-above 1000/sec --hashlimit-burst 5 --hashlimit-name f "
                             "--hashlimit-rate-match --hashlimit-rate-interval 10")
            .interval == 10);
}
