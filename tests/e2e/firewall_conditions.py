"""Conditions of iptables rules, at random, and values of packets around each.

Addresses and ports are few, so that rules overlap. What multiplies routes is rare: a negated prefix, an address range.
"""

from __future__ import annotations

import ipaddress
import random

from packets import FLAGS, ICMP, TCP, UDP

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Near = dict[str, list]  # of a packet's property: values that a rule asks for, at the borders of that, and just outside
Condition = tuple[str, Near]  # in iptables notation, with that; it may be empty

FLAG_NAMES = {"F": "FIN", "S": "SYN", "R": "RST", "P": "PSH", "A": "ACK", "U": "URG"}
CLASSES = {"CS1": 8, "AF11": 10, "AF41": 34, "EF": 46}
PORTS = (0, 1, 22, 53, 80, 443, 1023, 1024, 8080, 65534, 65535)
LENGTHS = (60, 61, 100, 128, 576, 1000, 1499, 1500)
OTHER_PROTOCOLS = (2, 47, 50, 89, 103)


def routable(address: Address) -> bool:
    """Whether a packet from or to it is forwarded, and not the test network's own."""
    if address.version == 6:
        return address in ipaddress.ip_network("2000::/3")
    own = ("0.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3")
    return not any(address in ipaddress.ip_network(network) for network in own)


class Conditions:
    """Of the rules of one firewall. The more rules it has, the narrower each is: else most would have no packets left."""

    def __init__(self, source: random.Random, family: int, rules: int, fragments: bool) -> None:
        self.random, self.family, self.fragments = source, family, fragments
        self.bits = 32 if family == 4 else 128
        self.hosts = [self.host() for _ in range(max(6, rules // 3))]
        self.percent_wide = min(40, 300 // rules)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def some(self) -> list[Condition]:
        """For one rule; that on the protocol comes first."""
        result = self.transport() if self.chance(75) else []
        if not result or not self.chance(self.percent_wide):
            result.append(self.address())
        if self.chance(30):
            result.append(self.address())
        for percent, condition in ((8, self.length), (8, self.dscp), (6, self.tos), (5 * self.fragments, self.fragment)):
            if self.chance(percent):
                result.append(condition())
        if self.chance(10):
            result.append((f'-m comment --comment "number {self.random.randrange(100)}"', {}))
        return without_repetitions(result)

    def few(self) -> list[Condition]:
        """For a rule that calls a chain: none, one or two."""
        choices = [[], [self.address()], [self.protocol()], [self.protocol(), self.address()]]
        return self.random.choice(choices)

    def one_host(self) -> list[Condition]:
        return [("-p udp", {"protocol": [UDP]}), self.prefix_of("destination", self.network([self.bits]))]

    def transport(self) -> list[Condition]:
        protocol = self.protocol()
        result = [protocol]
        match protocol[0]:
            case "-p tcp":
                choices = [[], [self.ports("tcp")], [self.multiport()], [self.ports("tcp"), self.multiport()], [self.flags()]]
            case "-p udp":
                choices = [[], [self.ports("udp")], [self.multiport()], [self.ports("udp"), self.multiport()]]
            case "-p icmp" | "-p icmpv6":
                choices = [[], [self.icmp()], [self.icmp()]]
            case _:
                choices = [[]]
        return result + self.random.choice(choices)

    def protocol(self) -> Condition:
        if self.chance(5):
            return "! -p tcp", {"protocol": [TCP, UDP, ICMP, 47]}
        icmp = ("icmp" if self.family == 4 else "icmpv6", ICMP)
        number = self.random.choice(OTHER_PROTOCOLS)
        name, number = self.random.choices([("tcp", TCP), ("udp", UDP), icmp, (str(number), number)], [4, 3, 2, 1])[0]
        return f"-p {name}", {"protocol": [number] * 9 + [TCP]}

    def host(self) -> Address:
        pick = self.random.choice
        if self.family == 4:
            return ipaddress.ip_address(f"{pick(['10.0', '10.1', '172.16'])}.{pick([0, 1, 255])}.{self.random.randrange(256)}")
        return ipaddress.ip_address(f"2001:db8:{pick([0, 1, 0xFFFF]):x}:{pick([0, 1]):x}::{self.random.randrange(1, 65536):x}")

    def network(self, lengths: list[int]) -> Network:
        return ipaddress.ip_network((int(self.random.choice(self.hosts)), self.random.choice(lengths)), strict=False)

    def address(self) -> Condition:
        side = self.random.choice(["source", "destination"])
        if self.chance(6):
            return self.address_range(side)
        wide = self.chance(self.percent_wide)
        negated = wide and self.chance(10)
        if self.family == 4:
            lengths = [4, 8, 13] if negated else [0, 7, 8, 16] if wide else [20, 23, 24, 25, 28, 30, 31, 32, 32, 32]
        else:
            lengths = [16, 24] if negated else [0, 31, 32, 48] if wide else [63, 64, 64, 65, 96, 120, 127, 128, 128, 128]
        words, near = self.prefix_of(side, self.network(lengths))
        return ("! " if negated else "") + words, near

    def prefix_of(self, side: str, network: Network) -> Condition:
        return f"-{side[0]} {network}", {side: self.addresses_near(int(network[0]), int(network[-1]))}

    def address_range(self, side: str) -> Condition:
        first = int(self.random.choice(self.hosts))
        last = first + self.random.choice([0, 1, 6, 100])
        kind = ipaddress.IPv4Address if self.family == 4 else ipaddress.IPv6Address
        negated = "! " if self.chance(5) else ""
        words = f"-m iprange {negated}--{'src' if side == 'source' else 'dst'}-range {kind(first)}-{kind(last)}"
        return words, {side: self.addresses_near(first, last)}

    def addresses_near(self, first: int, last: int) -> list[str]:
        kind = ipaddress.IPv4Address if self.family == 4 else ipaddress.IPv6Address
        inside = [first, last, (first + last) // 2, self.random.randint(first, last)]
        values = [*inside, *inside, first - 1, last + 1]
        return [str(kind(value)) for value in values if 0 <= value < 2**self.bits and routable(kind(value))]

    def port_range(self) -> tuple[str, list[int]]:
        first = self.random.choice([*PORTS, *PORTS, self.random.randrange(65536)])
        last = first if self.chance(50) else min(first + self.random.choice([1, 9, 100, 20000]), 65535)
        inside = [first, last, self.random.randint(first, last)]
        values = [port for port in (*inside, *inside, first - 1, last + 1) if 0 <= port < 65536]
        return (str(first) if first == last else f"{first}:{last}"), values

    def ports(self, protocol: str) -> Condition:
        words, near = f"-m {protocol}", {}
        for option in self.random.choice([["sport"], ["dport"], ["dport"], ["sport", "dport"]]):
            ports, near[option] = self.port_range()
            words += f"{' !' if self.chance(10) else ''} --{option} {ports}"
        return words, near

    def multiport(self) -> Condition:
        side = self.random.choice(["sports", "dports", "dports", "ports"])
        slots, listed, near = self.random.choice([1, 3, 5, 15]), [], []
        while slots > 0:
            ports, values = self.port_range()
            slots -= 2 if ":" in ports else 1
            if slots >= 0:
                listed.append(ports)
                near += values
        listed = listed or ["80"]
        negated = "! " if self.chance(10) else ""
        sides = {"sports": ["sport"], "dports": ["dport"], "ports": ["sport", "dport"]}[side]
        return f"-m multiport {negated}--{side} {','.join(listed)}", {name: list(near) for name in sides}

    def flags(self) -> Condition:
        negated = "! " if self.chance(20) else ""
        if self.chance(50):
            return f"-m tcp {negated}--syn", {"flags": ["S", "SP", "SE", "SA", "A", "", "FSRA"]}
        mask = self.random.sample(sorted(FLAG_NAMES), self.random.randint(1, 6))
        wanted = [letter for letter in mask if self.chance(50)]
        beside = self.random.choice(sorted(FLAGS))
        near = ["".join(wanted), "".join({*wanted, beside}), "".join({*wanted} ^ {mask[0]}), "".join(mask)]
        names = [",".join(FLAG_NAMES[letter] for letter in some) or "NONE" for some in (mask, wanted)]
        return f"-m tcp {negated}--tcp-flags {names[0]} {names[1]}", {"flags": near}

    def icmp(self) -> Condition:
        option = "-m icmp{} --icmp-type" if self.family == 4 else "-m icmp6{} --icmpv6-type"
        option = option.format(" !" if self.chance(15) else "")
        if self.family == 4 and "!" not in option and self.chance(10):
            return f"{option} any", {"icmp": [(0, 0), (8, 0), (255, 255)]}
        kinds = (0, 3, 5, 8, 11, 13) if self.family == 4 else (1, 2, 3, 128, 129, 139)
        kind, code = self.random.choice(kinds), self.random.randrange(5)
        words = f"{option} {kind}/{code}" if self.chance(50) else f"{option} {kind}"
        return words, {"icmp": [(kind, code), (kind, code), (kind, code + 1), (kind, 0), (kind + 1, code)]}

    def length(self) -> Condition:
        first, last = sorted(self.random.choices(LENGTHS, k=2))
        lengths = str(first) if first == last else f"{first}:{last}"
        near = [length for length in (first - 1, first, first, last, last, last + 1) if length <= 1500]
        return f"-m length {'! ' if self.chance(20) else ''}--length {lengths}", {"length": near}

    def dscp(self) -> Condition:
        negated = "! " if self.chance(20) else ""
        name, value = self.random.choice(sorted(CLASSES.items()))
        if self.chance(50):
            return f"-m dscp {negated}--dscp-class {name}", {"dscp": [value, value, 0, value ^ 1]}
        value = self.random.randrange(64)
        return f"-m dscp {negated}--dscp {value:#x}", {"dscp": [value, value, 0, value ^ 32]}

    def tos(self) -> Condition:
        """Without the two bits of ECN, for which flowspec has no component."""
        mask = self.random.choice([0xFC, 0xE0, 0x1C, self.random.randrange(1, 64) << 2])
        value = self.random.randrange(256) & mask
        negated = "! " if self.chance(20) else ""
        near = [value >> 2, (value | ~mask & 0xFF) >> 2, (value ^ mask & -mask) >> 2]
        return f"-m tos {negated}--tos {value:#x}/{mask:#x}", {"dscp": near}

    def fragment(self) -> Condition:
        if self.family == 4:
            return self.random.choice(["-f", "! -f"]), {"fragment": ["whole", "first", "middle", "last"]}
        first = self.random.choice(["", " --fragfirst"])
        return f"-m frag --fragmore{first}", {"fragment": ["first", "middle", "last"]}


def without_repetitions(conditions: list[Condition]) -> list[Condition]:
    """iptables takes an option once."""
    kept: dict[str, Condition] = {}
    for condition in conditions:
        words = condition[0].removeprefix("! ").split()
        kept.setdefault(" ".join(words[:2]) if condition[0].startswith("-m") else "".join(words[:1]), condition)
    return list(kept.values())
