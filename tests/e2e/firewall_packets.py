"""Packets for a firewall: most of them near its rules, some of them anywhere."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable

from firewall_conditions import LENGTHS, OTHER_PROTOCOLS, PORTS, routable
from firewalls import BASE, Firewall, Rule
from packets import FLAGS, ICMP, TCP, UDP, Packet

Sent = tuple[str, str, Packet]  # from an address, to an address

TOKEN = 10  # octets that tell packets apart
HEADERS = {TCP: 20, UDP: 8, ICMP: 8}
# What connection tracking takes for the beginning of a connection.
FIRST_FLAGS = ("S", "SE", "SEC", "SU", "A", "AP", "AU")
FIRST_ICMP = {4: ((8, 0), (13, 0)), 6: ((128, 0), (139, 0))}


class PacketMaker:
    """Where connections are tracked every packet begins one that was not there before."""

    def __init__(self, source: random.Random) -> None:
        self.random = source
        self.connections: set[tuple[object, ...]] = set()

    def packets(self, firewall: Firewall, count: int) -> list[Sent]:
        """Each once."""
        made: dict[Sent, None] = {}
        while len(made) < count:
            sent = self.packet(firewall, self.path(firewall) if self.random.random() < 0.85 else [])
            if not firewall.stateful or self.is_new(firewall.family, sent):
                made[sent] = None
        return list(made)

    def path(self, firewall: Firewall) -> list[Rule]:
        """A rule and the rules that lead to it."""
        chain, rule = self.random.choice(firewall.rules)
        rules = [rule]
        while chain != BASE:
            chain, rule = self.random.choice(firewall.callers(chain))
            rules.append(rule)
        return rules

    def is_new(self, family: int, sent: Sent) -> bool:
        source, destination, packet = sent
        if packet.protocol == ICMP:
            return True  # a request is no answer to another
        ends = {(source, packet.sport), (destination, packet.dport)} if packet.protocol in (TCP, UDP) else {source, destination}
        connection = (family, packet.protocol, frozenset(ends))
        if connection in self.connections:
            return False
        self.connections.add(connection)
        return True

    def packet(self, firewall: Firewall, path: list[Rule]) -> Sent:
        pick = self.random.choice
        everywhere = [rule for _, rule in firewall.rules]
        true_to_path = pick([0.75, 0.98, 0.98])

        def near(name: str, otherwise: Callable[[], object]) -> object:
            """A value from the rule, or from those that lead to it; else one of any rule; else `otherwise`."""
            for rules, odds in ((path[:1], true_to_path), (path, true_to_path), ([pick(everywhere)], 0.5)):
                values = [value for rule in rules for value in rule.near.get(name, ())]
                if values and self.random.random() < odds:
                    return pick(values)
            return otherwise()

        protocol = near("protocol", lambda: pick([TCP, TCP, UDP, UDP, ICMP, *OTHER_PROTOCOLS]))
        flags = near("flags", lambda: "".join(pick(["S", "A", "SA", "F", "R", *FLAGS])))
        icmp = near("icmp", lambda: (self.random.randrange(256), self.random.randrange(16)))
        fragment = near("fragment", lambda: self.random.choices(["whole", "first", "middle", "last"], [17, 1, 1, 1])[0])
        if firewall.stateful:
            flags, fragment = flags if flags in FIRST_FLAGS else pick(FIRST_FLAGS), "whole"
            icmp = icmp if icmp in FIRST_ICMP[firewall.family] else pick(FIRST_ICMP[firewall.family])
        source, destination = (near(side, lambda: self.address(firewall.family)) for side in ("source", "destination"))
        packet = Packet(
            protocol,
            sport=near("sport", self.port),
            dport=near("dport", self.port),
            flags=flags,
            icmp=icmp,
            dscp=near("dscp", lambda: self.random.randrange(64)),
            ecn=self.random.randrange(4),
            length=near("length", lambda: pick([0, 0, 0, *LENGTHS])),
            more=fragment in ("first", "middle"),
            offset=self.random.randrange(16, 4096) if fragment in ("middle", "last") else 0,
        )
        return source, destination, fitting(packet, firewall.family)

    def port(self) -> int:
        return self.random.choice([*PORTS, *(self.random.randrange(65536) for _ in PORTS)])

    def address(self, family: int) -> str:
        while True:
            if family == 4:
                address = ipaddress.IPv4Address(self.random.getrandbits(32))
            else:
                address = ipaddress.IPv6Address(0x2 << 124 | self.random.getrandbits(124))
            if routable(address):
                return str(address)


def fitting(packet: Packet, family: int) -> Packet:
    """Without its length when it cannot have that: no header is cut."""
    fragment = packet.more or packet.offset
    header = 0 if packet.offset else HEADERS.get(packet.protocol, 0)
    smallest = (20 if family == 4 else 48 if fragment else 40) + header + TOKEN
    largest = 1480 if packet.more else 1500  # all but the last fragment are filled up to 8 octets
    return packet if smallest <= packet.length <= largest else Packet(**{**vars(packet), "length": 0})
