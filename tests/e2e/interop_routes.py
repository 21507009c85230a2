"""What the interoperability test announces: a row for each component and form, with what was meant by it.

A row has the words of each speaker, the match as the injector names it, packets that it is about and near misses. What differs
between speakers or families is a `Vary`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import lab as net
from packets import Packet, icmp, other, tcp, udp
from speakers import FAMILIES, SPEAKERS, Route


class Vary:
    """A value for `default`, and others for a speaker, for a family, or for both: "BIRD", "ipv6", "BIRD ipv6"."""

    def __init__(self, default: object, values: dict[str, object]) -> None:
        self.default, self.values = default, values

    def of(self, speaker: str, family: str) -> object:
        for key in (f"{speaker} {family}", speaker, family):
            if key in self.values:
                return self.values[key]
        return self.default


def vary(default: object, **values: object) -> Vary:
    return Vary(default, {key.replace("_", " "): value for key, value in values.items()})


class Cannot(str):
    """Words that the speaker does not take: it has no better ones for this."""


@dataclasses.dataclass(frozen=True)
class Row:
    component: str
    form: str
    # The components but for the destination, and the action behind " then "; without, it is to discard.
    bird: str | Vary
    exabgp: str | Vary
    gobgp: str | Vary
    match: dict[str, str | Vary] = dataclasses.field(default_factory=dict)
    hits: Sequence[Packet] | Vary = ()
    misses: Sequence[Packet] | Vary = ()
    families: Sequence[str] = FAMILIES
    action: str = "discard"  # in the injector's words
    hit: str = "dropped"  # what becomes of the packets
    miss: str = "passes"
    refused: str | Vary = ""  # the reason, when the injector must not take the route
    garbled: str | Vary = ""  # what the speaker sends that it was not told; `match` and the packets are about that
    within: str = ""  # the form of the row above, half of whose network this one has

    @property
    def name(self) -> str:
        return f"{self.component}: {self.form}"

    @property
    def network(self) -> int:
        """Two for each row: its own, and one beside it."""
        return 2 * ROWS.index(self) + 2

    def destination(self, family: str) -> str:
        if self.within:
            below = next(row.network for row in ROWS if row.name == f"{self.component}: {self.within}")
            return f"10.77.{below}.128/25" if family == "ipv4" else f"2001:db8:77:{below:x}:8000::/65"
        return f"10.77.{self.network}.0/24" if family == "ipv4" else f"2001:db8:77:{self.network:x}::/64"

    def host(self, family: str, packet: Packet) -> str:
        """The address that a packet of this row goes to."""
        network = self.network + packet.beside
        if self.within:
            return self.destination(family).partition("/")[0].replace(".128", ".129").replace("::", "::1")
        return f"10.77.{network}.9" if family == "ipv4" else f"2001:db8:77:{network:x}::9"

    def words(self, speaker: str, family: str) -> str:
        words = {"BIRD": self.bird, "ExaBGP": self.exabgp, "GoBGP": self.gobgp}[speaker]
        return words.of(speaker, family) if isinstance(words, Vary) else words

    def route(self, speaker: str, family: str) -> Route:
        match, then, action = self.words(speaker, family).partition(" then ")
        return Route(family, self.destination(family), match, action if then else SPEAKERS[speaker].DISCARD)

    def meant(self, speaker: str, family: str) -> dict[str, str]:
        """The match as the injector prints it."""
        components = {key: chosen(value, speaker, family) for key, value in self.match.items()}
        return {"destination": self.destination(family)} | components


def chosen(value: object, speaker: str, family: str) -> object:
    return value.of(speaker, family) if isinstance(value, Vary) else value


def community(high: int, low: int) -> str:
    """An extended community in BIRD's words."""
    return f"bgp_ext_community.add((generic, {high:#x}, {low:#x}));"


def bits(bird: str, others: str) -> Vary:
    """A test of bits as FRR shows it: BIRD asks for all of them, the others for any."""
    return vary(others, BIRD=bird)


WHOLE, FIRST, MIDDLE, LAST = udp(), udp(more=True), udp(more=True, offset=3), udp(offset=6)
UDP_ONLY = {"match": {"protocol": "17"}, "hits": [udp(), udp(dscp=10, ecn=1)], "misses": [tcp()]}

ROWS = [
    Row("destination", "prefix", "", "", "", {}, [tcp(), udp(), icmp(), other(47)], [udp(beside=True)]),
    Row(
        "source", "prefix",
        vary("src 10.0.1.64/26;", ipv6="src 2001:db8:1::40/122;"),
        vary("source 10.0.1.64/26;", ipv6="source 2001:db8:1::40/122;"),
        vary("source 10.0.1.64/26", ipv6="source 2001:db8:1::40/122"),
        {"source": vary("10.0.1.64/26", ipv6="2001:db8:1::40/122")},
        [tcp(source=0x40), udp(source=0x7F)], [udp(source=0x3F), udp(source=0x80)],
    ),
    Row("protocol", "one", "proto 6;", "protocol =6;", "protocol ==6", {"protocol": "6"}, [tcp()], [udp(), icmp()]),
    Row(
        "protocol", "list", "proto 6,17;", "protocol [ =6 =17 ];", "protocol '==6 ==17'", {"protocol": "6,17"},
        [tcp(), udp()], [icmp(), other(47)],
    ),
    Row(
        "protocol", "range", "proto 3..6;", "protocol >=3&<=6;", "protocol '>=3&<=6'", {"protocol": "3-6"},
        [other(3), tcp()], [other(2), other(7)],
    ),
    Row(
        "port", "one", "port 80;", "port =80;", "port ==80", {"port": "80"},
        [tcp(80), udp(sport=80)], [tcp(81), udp(sport=79), other(132, dport=80)],
    ),
    Row(
        "port", "list", "port 80,443;", "port [ =80 =443 ];", "port '==80 ==443'", {"port": "80,443"},
        [tcp(443), udp(sport=80)], [tcp(442)],
    ),
    Row(
        "port", "range", "port 8000..8080;", "port >=8000&<=8080;", "port '>=8000&<=8080'", {"port": "8000-8080"},
        [tcp(8000), udp(sport=8080)], [tcp(7999), udp(sport=8081)],
    ),
    Row("port", "> 1023", "port > 1023;", "port >1023;", "port >1023", {"port": "1024-65535"}, [tcp(sport=1024)], [tcp(1023)]),
    Row(
        "destination port", "one", "dport 80;", "destination-port =80;", "destination-port ==80", {"destination_port": "80"},
        [tcp(80), udp(80)], [tcp(81), tcp(sport=80), udp(80, offset=6)],
    ),
    Row(
        "destination port", "list", "dport 80,443;", "destination-port [ =80 =443 ];", "destination-port '==80 ==443'",
        {"destination_port": "80,443"}, [tcp(80), udp(443)], [tcp(81), tcp(sport=443)],
    ),
    Row(
        "destination port", "range", "dport 8000..8080;", "destination-port >=8000&<=8080;", "destination-port '>=8000&<=8080'",
        {"destination_port": "8000-8080"}, [tcp(8000), udp(8080)], [tcp(7999), udp(8081)],
    ),
    Row(
        "destination port", "> 1023", "dport > 1023;", "destination-port >1023;", "destination-port >1023",
        {"destination_port": "1024-65535"}, [tcp(1024), udp(65535)], [tcp(1023), udp(sport=1024)],
    ),
    Row(
        "destination port", "range or value", "dport > 1023 && < 2048 || = 53;", "destination-port [ >1023&<2048 =53 ];",
        "destination-port '>1023&<2048 ==53'", {"destination_port": "53,1024-2047"}, [udp(53), tcp(2047)], [udp(52), tcp(2048)],
    ),
    Row(
        "destination port", "overlapping", "dport = 15 || > 10;", "destination-port [ =15 >10 ];",
        "destination-port '==15 >10'", refused="ambiguous-operators", misses=[udp(9), udp(15)],
    ),
    Row(
        "source port", "one", "sport 53;", "source-port =53;", "source-port ==53", {"source_port": "53"},
        [tcp(sport=53), udp(sport=53)], [udp(sport=54), udp(53)],
    ),
    Row(
        "source port", "list", "sport 53,123;", "source-port [ =53 =123 ];", "source-port '==53 ==123'",
        {"source_port": "53,123"}, [tcp(sport=53), udp(sport=123)], [udp(sport=54), udp(123)],
    ),
    Row(
        "source port", "range", "sport 8000..8080;", "source-port >=8000&<=8080;", "source-port '>=8000&<=8080'",
        {"source_port": "8000-8080"}, [tcp(sport=8000), udp(sport=8080)], [tcp(sport=7999), udp(sport=8081)],
    ),
    Row(
        "source port", "> 1023", "sport > 1023;", "source-port >1023;", "source-port >1023", {"source_port": "1024-65535"},
        [tcp(sport=1024), udp(sport=65535)], [tcp(sport=1023), udp(1024)],
    ),
    Row(
        "ICMP type", "one", vary("icmp type 8;", ipv6="icmp type 128;"), vary("icmp-type =8;", ipv6="icmp-type =128;"),
        vary("icmp-type ==8", ipv6="icmp-type ==128"), {"icmp_type": vary("8", ipv6="128")},
        vary([icmp(8), icmp(8, 1)], ipv6=[icmp(128), icmp(128, 1)]), vary([icmp(0), tcp()], ipv6=[icmp(129), tcp()]),
    ),
    Row(
        "ICMP type", "list", vary("icmp type 0,8;", ipv6="icmp type 128,129;"),
        vary("icmp-type [ =0 =8 ];", ipv6="icmp-type [ =128 =129 ];"),
        vary("icmp-type '==0 ==8'", ipv6="icmp-type '==128 ==129'"),
        {"icmp_type": vary("0,8", ipv6="128-129")},
        vary([icmp(0), icmp(8)], ipv6=[icmp(128), icmp(129)]), vary([icmp(1)], ipv6=[icmp(127)]),
    ),
    Row(
        "ICMP code", "one", "icmp code 4;", "icmp-code =4;", "icmp-code ==4", {"icmp_code": "4"},
        [icmp(3, 4), icmp(1, 4)], [icmp(3, 3), udp()],
    ),
    Row(
        "ICMP code", "with a type", "icmp type 3; icmp code 1..3;", "icmp-type =3; icmp-code >=1&<=3;",
        "icmp-type ==3 icmp-code '>=1&<=3'", {"icmp_type": "3", "icmp_code": "1-3"},
        [icmp(3, 1), icmp(3, 3)], [icmp(3, 4), icmp(1, 1)],
    ),
    Row(
        "TCP flags", "set", "tcp flags 0x02/0x02;", "tcp-flags [ =syn ];", "tcp-flags =S", {"tcp_flags": "= 2"},
        [tcp(), tcp(flags="SA")], [tcp(flags="A"), udp(), tcp(flags="S", offset=6)],
    ),
    Row(
        "TCP flags", "any of several", "tcp flags !0/0x12;", "tcp-flags [ syn+ack ];", "tcp-flags SA", {"tcp_flags": "∋ 18"},
        [tcp(flags="S"), tcp(flags="A")], [tcp(flags="R")],
    ),
    Row(
        "TCP flags", "not set", "tcp flags 0/0x02;", "tcp-flags [ !syn ];", "tcp-flags !S", {"tcp_flags": "∋ ! 2"},
        [tcp(flags="A"), tcp(flags="")], [tcp(flags="S"), tcp(flags="SA"), udp()],
    ),
    Row(
        "TCP flags", "not all of several", "tcp flags !0x12/0x12;", "tcp-flags [ !=syn+ack ];", "tcp-flags !=SA",
        {"tcp_flags": "= ! 18"}, [tcp(flags="S"), tcp(flags="A"), tcp(flags="R")], [tcp(flags="SA"), tcp(flags="SAE")],
    ),
    Row(
        "TCP flags", "AND", "tcp flags 0x02/0x12;", "tcp-flags [ =syn&!ack ];", "tcp-flags '=S&!A'",
        {"tcp_flags": "= 2,&∋ ! 16"}, [tcp(flags="S"), tcp(flags="SE")], [tcp(flags="SA"), tcp(flags="A"), tcp(flags="")],
    ),
    Row(
        "TCP flags", "OR", "tcp flags 0x02/0x02 || 0x04/0x04;", "tcp-flags [ =syn =rst ];", "tcp-flags '=S =R'",
        {"tcp_flags": "= 2,|= 4"}, [tcp(flags="S"), tcp(flags="R")], [tcp(flags="A"), tcp(flags="F")],
    ),
    Row(
        "TCP flags", "two octets", "tcp flags 0x102/0x102;", "tcp-flags [ =ns+syn ];", Cannot("tcp-flags 0x102"),
        {"tcp_flags": "= 258"}, [tcp(flags="SN"), tcp(flags="SAN")], [tcp(flags="S"), tcp(flags="N")],
        refused=vary("", ipv6="not-enforceable"),
    ),
    Row(
        "packet length", "one", "length 100;", "packet-length =100;", "packet-length ==100", {"packet_length": "100"},
        [tcp(length=100), udp(length=100)], [udp(length=99), udp(length=101)],
    ),
    Row(
        "packet length", "range", "length 100..200;", "packet-length >=100&<=200;", "packet-length '>=100&<=200'",
        {"packet_length": "100-200"}, [udp(length=100), udp(length=200)], [udp(length=99), udp(length=201)],
    ),
    Row(
        "packet length", "list", "length 100,150;", "packet-length [ =100 =150 ];", "packet-length '==100 ==150'",
        {"packet_length": "100,150"}, [udp(length=100), udp(length=150)], [udp(length=125), udp(length=99)],
    ),
    Row(
        "DSCP", "one", "dscp 46;", "dscp =46;", "dscp ==46", {"dscp": "46"},
        [udp(dscp=46), tcp(dscp=46, ecn=1)], [udp(), udp(dscp=47)],
    ),
    Row(
        "DSCP", "list", "dscp 10,46;", "dscp [ =10 =46 ];", "dscp '==10 ==46'", {"dscp": "10,46"},
        [udp(dscp=10), udp(dscp=46)], [udp(dscp=0), udp(dscp=11)],
    ),
    Row(
        "fragment", "don't fragment", vary("fragment dont_fragment;", ipv6=Cannot("fragment dont_fragment;")),
        "fragment [ dont-fragment ];", "fragment dont-fragment", {"fragment": bits("= 1", "∋ 1")},
        vary([udp(df=True)], ipv6=[]), [WHOLE, FIRST, LAST], refused=vary("", ipv6="never-matches"),
    ),
    Row(
        "fragment", "is a fragment", "fragment is_fragment;", "fragment [ is-fragment ];", "fragment is-fragment",
        {"fragment": bits("= 2", "∋ 2")}, [MIDDLE, LAST], [WHOLE, FIRST],
    ),
    Row(
        "fragment", "first", "fragment first_fragment;", "fragment [ first-fragment ];", "fragment first-fragment",
        {"fragment": bits("= 4", "∋ 4")}, [FIRST], [WHOLE, MIDDLE, LAST],
    ),
    Row(
        "fragment", "last", "fragment last_fragment;", "fragment [ last-fragment ];", "fragment last-fragment",
        {"fragment": bits("= 8", "∋ 8")}, [LAST], [WHOLE, FIRST, MIDDLE],
    ),
    Row(
        "fragment", "first or last", "fragment first_fragment || last_fragment;", "fragment [ first-fragment last-fragment ];",
        "fragment 'first-fragment last-fragment'", {"fragment": bits("= 4,|= 8", "∋ 4,|∋ 8")},
        [FIRST, LAST], [WHOLE, MIDDLE], refused=vary("", ipv6="not-enforceable"),
    ),
    Row(
        "fragment", "no later fragment", "fragment !is_fragment;", "fragment [ !is-fragment ];", "fragment !is-fragment",
        {"fragment": "∋ ! 2"}, [WHOLE, FIRST], [MIDDLE, LAST],
    ),
    Row(
        "fragment", "don't fragment, AND", "fragment dont_fragment && !is_fragment;",
        "fragment [ dont-fragment&!is-fragment ];", "fragment 'dont-fragment&!is-fragment'",
        {"fragment": bits("= 1,&∋ ! 2", "∋ 1,&∋ ! 2")},
        [udp(df=True), udp(df=True, more=True)], [WHOLE, udp(df=True, offset=6)], families=["ipv4"],
    ),
    Row(
        "fragment", "not-a-fragment, sent as 0", Cannot("fragment not_a_fragment;"), "fragment [ not-a-fragment ];",
        "fragment not-a-fragment", misses=[WHOLE, FIRST, LAST], refused="never-matches",
    ),
    Row(
        "flow label", "one", "label 5;", "flow-label =5;", "label ==5", {"flow_label": "5"},
        [udp(label=5), tcp(label=5, dscp=63)], [udp(label=4), udp()], families=["ipv6"],
    ),
    Row(
        "flow label", "list", "label 5,9;", "flow-label [ =5 =9 ];", "label '==5 ==9'", {"flow_label": "5,9"},
        [udp(label=5), udp(label=9)], [udp(label=7)], families=["ipv6"],
    ),
    Row(
        "flow label", "range", "label 5..9;", "flow-label >=5&<=9;", "label '>=5&<=9'", {"flow_label": "5-9"},
        [udp(label=5), udp(label=9)], [udp(label=4), udp(label=10)], families=["ipv6"],
    ),
    Row(
        "flow label", "over 16 bits", "label 0x12345;", "flow-label =74565;", "label ==74565",
        {"flow_label": vary("74565", BIRD="9029")}, vary([udp(label=0x12345)], BIRD=[udp(label=0x2345)]),
        vary([udp(label=0x2345), udp(label=0x12344)], BIRD=[udp(label=0x12345)]),
        families=["ipv6"], garbled=vary("", BIRD="sends 9029 for 74565"),
    ),
    Row("action", "discard", "proto 17;", "protocol =17;", "protocol ==17", **UDP_ONLY),
    Row(
        "action", "accept, before a wider discard", "proto 17; then ", "protocol =17; then accept;",
        "protocol ==17 then accept",
        within="discard", action="accept", hit="passes", **UDP_ONLY,
    ),
    Row(
        "action", "rate in bytes", f"proto 17; then {net.rate(20000)}", "protocol =17; then rate-limit 20000;",
        "protocol ==17 then rate-limit 20000", {"protocol": "17"}, [udp(length=1000, times=200)], [tcp(length=1000, times=200)],
        action="rate 20000 B/s", hit="limited",
    ),
    Row(
        "action", "rate in packets", f"proto 17; then {community(0x800C0000, 0x42C80000)}",
        "protocol =17; then extended-community [ 0x800c000042c80000 ];", Cannot("protocol ==17 then rate-limit-packets 100"),
        refused="unreadable-action", misses=[udp()],
    ),
    Row(
        "action", "DSCP marking", f"proto 17; then {net.marking(46)}", "protocol =17; then mark 46;",
        "protocol ==17 then mark 46", action="accept, mark dscp 46", hit="marked 46", **UDP_ONLY,
    ),
    Row(
        "action", "discard and mark", f"proto 17; then {net.DISCARD} {net.marking(46)}", "protocol =17; then discard; mark 46;",
        "protocol ==17 then discard mark 46", action="discard, mark dscp 46", **UDP_ONLY,
    ),
    Row(
        "action", "rate and mark", f"proto 17; then {net.rate(1e6)} {net.marking(46)}",
        "protocol =17; then rate-limit 1000000; mark 46;", "protocol ==17 then rate-limit 1000000 mark 46",
        action="rate 1000000 B/s, mark dscp 46", hit="marked 46", **UDP_ONLY,
    ),
    Row(
        "action", "redirect to a route target", f"proto 17; then {community(0x8008FDE8, 100)}",
        "protocol =17; then redirect 65000:100;", "protocol ==17 then redirect 65000:100",
        action="accept, redirect 65000:100", hit="redirected", **UDP_ONLY,
    ),
    Row(
        "action", "redirect, a target that FRR cuts", f"proto 17; then {community(0x8008FDE8, 4000000000)}",
        "protocol =17; then redirect 65000:4000000000;", "protocol ==17 then redirect 65000:4000000000",
        refused="unreadable-action", misses=[udp()],
    ),
    Row(
        "action", "redirect to an IPv6 route target",
        Cannot("proto 17; then bgp_ipv6_ext_community.add((rt, 2001:db8::1, 100));"),
        Cannot("protocol =17; then redirect [2001:db8::1]:100;"), "protocol ==17 then redirect 2001:db8::1:100",
        refused="unreadable-action", misses=[udp()],
    ),
    Row(
        "action", "redirect to an address", f"proto 17; then {community(0x08000000, 0)}",
        "protocol =17; then redirect 10.0.2.99;", Cannot("protocol ==17 then redirect 10.0.2.99"),
        refused="unsupported-action", misses=[udp()],
    ),
    Row(
        "action", "sample", f"proto 17; then {community(0x80070000, 2)}", "protocol =17; then action sample;",
        "protocol ==17 then action sample", refused="unreadable-action", misses=[udp()],
    ),
    Row(
        "action", "terminal bit", f"proto 17; then {community(0x80070000, 1)}", "protocol =17; then action terminal;",
        "protocol ==17 then action terminal", refused="unreadable-action", misses=[udp()],
    ),
    Row(
        "action", "discard and sample (the sample bit is hidden: discarded)", f"proto 17; then {net.DISCARD} {community(0x80070000, 2)}",
        "protocol =17; then discard; action sample;", "protocol ==17 then discard action sample", **UDP_ONLY,
    ),
    Row(
        "sequence number", "route target", f"proto 17; then {net.DISCARD} {net.sequence(7)}",
        "protocol =17; then discard; extended-community [ target:65535:7 ];", Cannot("protocol ==17 then discard rt 65535:7"),
        **UDP_ONLY,
    ),
]  # fmt: skip
