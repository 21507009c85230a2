// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules of others, made by iptables itself: none is lost in reading, and none is touched in writing.
#include "common/iptc.hpp"
#include "common/rule_text.hpp"
#include "tests/support/legacy.hpp"
#include "tests/support/namespace.hpp"

#include <catch2/catch.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

using namespace flowspec;

namespace {

struct Seen {
  std::string written; ///< by iptables-restore
  std::string read;    ///< by us, in our words
};

const std::vector<Seen> filter_forward{
    {"-m state --state RELATED,ESTABLISHED -j ACCEPT",
     "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"},
    {"-m conntrack --ctstate DNAT,SNAT,NEW -j ACCEPT", "-m conntrack --ctstate NEW,SNAT,DNAT -j ACCEPT"},
    {"-m conntrack --ctstate NEW --ctstatus SEEN_REPLY -j ACCEPT",
     "-m [conntrack rev 3, 168 bytes] -j ACCEPT"},
    {"-m tos --tos Minimize-Delay -m tos ! --tos 0xff/0x01 -j ACCEPT",
     "-m tos --tos 0x10/0x3f -m tos ! --tos 0xff/0x01 -j ACCEPT"},
    {"-m iprange --src-range 10.0.0.1 ! --dst-range 10.0.0.9-10.0.0.1 -j DROP",
     "-m iprange --src-range 10.0.0.1-10.0.0.1 ! --dst-range 10.0.0.9-10.0.0.1 -j DROP"},
    {"-m dscp --dscp-class EF -j ACCEPT", "-m dscp --dscp 0x2e -j ACCEPT"},
    {"-m conntrack --ctstate NEW --ctproto 6 -j ACCEPT", "-m [conntrack rev 3, 168 bytes] -j ACCEPT"},
    {"-m limit --limit 5/min -j LOG --log-prefix \"drop \" --log-level 4",
     "-m [limit rev 0, 40 bytes] -j [LOG rev 0, 32 bytes]"},
    {"-j NFLOG --nflog-group 3 --nflog-size 20", "-j [NFLOG rev 0, 80 bytes]"},
    {"-j NFQUEUE --queue-num 5", "-j [NFQUEUE rev 3, 8 bytes]"},
    {"-j QUEUE", "[unreadable: verdict QUEUE]"},
    {"-m recent --name bad --update --seconds 60 --rsource -j DROP", "-m [recent rev 1, 232 bytes] -j DROP"},
    {"-m string --string evil --algo bm --to 65535 -j DROP", "-m [string rev 1, 160 bytes] -j DROP"},
    {"-m mark --mark 0x5/0x7 -j web", "-m [mark rev 1, 16 bytes] -j web"},
    {"-m comment --comment \"a \\\"set\\\" of things\" -g web",
     "-m comment --comment \"a \\\"set\\\" of things\" -g web"},
    {"-p icmp -m icmp --icmp-type 8 -m length --length 5:7 -g web",
     "-p icmp -m icmp --icmp-type 8 -m length --length 5:7 -g web"},
    {"-m hashlimit --hashlimit-upto 7/min --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name a.b",
     "-m hashlimit --hashlimit-upto 7/min --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name a.b"},
    {"-s 10.0.0.0/255.0.255.0 -j DROP", "-j DROP [unreadable: -s 10.0.0.0/255.0.255.0]"},
    {"-p gre -j DROP", "-p 47 -j DROP"},
    {"", ""},
};

const std::string others = R"(*raw
:PREROUTING ACCEPT [11:1100]
:OUTPUT ACCEPT [12:1200]
[1:60] -A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
COMMIT
*nat
:PREROUTING ACCEPT [21:2100]
:INPUT ACCEPT [22:2200]
:OUTPUT ACCEPT [23:2300]
:POSTROUTING ACCEPT [24:2400]
[2:120] -A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.9:8080
[3:180] -A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*mangle
:PREROUTING ACCEPT [31:3100]
:INPUT ACCEPT [32:3200]
:FORWARD ACCEPT [33:3300]
:OUTPUT ACCEPT [34:3400]
:POSTROUTING ACCEPT [35:3500]
[4:240] -A FORWARD -j MARK --set-xmark 0x7/0xffffffff
[5:300] -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
)";

Rule to(Target target) {
  Rule rule;
  rule.target = std::move(target);
  return rule;
}

void load_everything() {
  std::string text = others +
                     "*filter\n:INPUT ACCEPT [41:4100]\n:FORWARD DROP [42:4200]\n:OUTPUT ACCEPT [43:4300]\n"
                     ":web - [0:0]\n[6:360] -A OUTPUT -m owner --uid-owner 0 -j ACCEPT\n"
                     "[7:420] -A web -p tcp -m multiport --dports 80,443 -j RETURN\n";
  for (std::size_t i = 0; i < filter_forward.size(); ++i)
    text += "[" + std::to_string(100 + i) + ":" + std::to_string(9000 + i) + "] -A FORWARD " +
            filter_forward[i].written + "\n";
  test::restore(Family::ipv4, text + "COMMIT\n", {"-c"});
}

} // namespace

TEST_CASE("foreign rules are read in our words, as bytes, or as unreadable, and never left out") {
  const test::NetworkNamespace network;
  load_everything();
  const Ruleset filter = KernelTable(Family::ipv4, "filter").read();
  const Chain* forward = filter.find("FORWARD");
  REQUIRE(forward);
  CHECK(forward->policy == Verdict::drop);
  REQUIRE(forward->rules.size() == filter_forward.size());
  for (std::size_t i = 0; i < filter_forward.size(); ++i)
    CHECK(to_string(forward->rules[i], Family::ipv4) == filter_forward[i].read);
  REQUIRE(filter.find("web"));
  CHECK_FALSE(filter.find("web")->policy);
  CHECK(to_string(filter.find("OUTPUT")->rules.at(0), Family::ipv4) ==
        "-m [owner rev 1, 24 bytes] -j ACCEPT");

  const Ruleset nat = KernelTable(Family::ipv4, "nat").read();
  CHECK(to_string(nat.find("PREROUTING")->rules.at(0), Family::ipv4) ==
        "-p tcp -m tcp --dport 80 -j [DNAT rev 2, 48 bytes]");
  const Ruleset mangle = KernelTable(Family::ipv4, "mangle").read();
  CHECK(to_string(mangle.find("FORWARD")->rules.at(0), Family::ipv4) == "-j MARK --set-xmark 0x7/0xffffffff");
  CHECK(to_string(mangle.find("FORWARD")->rules.at(1), Family::ipv4) ==
        "-p tcp -m tcp --tcp-flags SYN,RST SYN -j [TCPMSS rev 0, 8 bytes]");
}

TEST_CASE("a commit leaves every other line of iptables-save as it was, counters too") {
  const test::NetworkNamespace network;
  load_everything();
  const std::vector<std::string> before = test::saved(Family::ipv4);
  REQUIRE(before.size() > 40);

  const Rule jump = to(Jump{"FLOWSPEC"});
  Rule drop = to(Verdict::drop);
  drop.source = parse_prefix("192.0.2.0/24");
  std::vector<Edit> edits{CreateChain{"FLOWSPEC"}, InsertRule{"FORWARD", 0, jump},
                          InsertRule{"FLOWSPEC", 0, drop}};
  KernelTable(Family::ipv4, "filter").commit(edits);
  std::vector<std::string> after = test::saved(Family::ipv4);
  CHECK(after.size() == before.size() + 3);
  std::erase_if(after, [](const std::string& line) { return line.find("FLOWSPEC") != std::string::npos; });
  CHECK(after == before);

  edits = {DeleteRule{"FLOWSPEC", 0, drop}, DeleteRule{"FORWARD", 0, jump}, DeleteChain{"FLOWSPEC"}};
  KernelTable(Family::ipv4, "filter").commit(edits);
  CHECK(test::saved(Family::ipv4) == before);
}

TEST_CASE("a chain named like a target hides it for new rules, and changes no old one") {
  const test::NetworkNamespace network; // iptables itself would not make such a chain
  KernelTable(Family::ipv4, "filter").commit({InsertRule{"FORWARD", 0, to(RejectTarget{})}});
  KernelTable(Family::ipv4, "filter")
      .commit({CreateChain{"REJECT"}, InsertRule{"FORWARD", 1, to(Jump{"REJECT"})}});
  KernelTable table(Family::ipv4, "filter");
  const Ruleset ruleset = table.read();
  CHECK(ruleset.find("FORWARD")->rules == std::vector<Rule>{to(RejectTarget{}), to(Jump{"REJECT"})});
  CHECK_THROWS_WITH(table.commit({InsertRule{"FORWARD", 0, to(RejectTarget{})}}),
                    Catch::Contains("a chain named REJECT hides the target of that name"));
  CHECK_THROWS_WITH(KernelTable(Family::ipv4, "filter")
                        .commit({CreateChain{"NFLOG"}, InsertRule{"FORWARD", 0, to(NflogTarget{})}}),
                    Catch::Contains("a chain named NFLOG hides the target of that name"));
}

TEST_CASE("what the kernel keeps inside a match while packets pass is no part of the rule") {
  const test::NetworkNamespace network;
  std::string text = "*filter\n";
  for (const std::string match :
       {"", "-m limit --limit 5/min", "-m quota --quota 500", "-m statistic --mode nth --every 3 --packet 0",
        "-m recent --name seen --set", "-m connlimit --connlimit-above 5", "-m conntrack --ctstate NEW",
        "-m hashlimit --hashlimit-upto 7/min --hashlimit-mode srcip --hashlimit-name b"})
    text += "-A OUTPUT -p udp " + match + "\n";
  test::restore(Family::ipv4, text + "COMMIT\n");
  const Ruleset before = KernelTable(Family::ipv4, "filter").read();

  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 20; ++i)
    sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  close(fd);

  CHECK(test::saved(Family::ipv4, "filter").at(4).starts_with("[20:580] -A OUTPUT -p udp"));
  CHECK(KernelTable(Family::ipv4, "filter").read() == before);
}
