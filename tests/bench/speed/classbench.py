"""Route sets like those of ClassBench: access lists, firewalls, IP chains.

After David E. Taylor and Jonathan S. Turner, "ClassBench: A Packet Classification Benchmark" (IEEE INFOCOM 2005; IEEE/ACM Transactions
on Networking 15(3), 2007), whose seeds describe twelve real filter sets by: the share of each protocol; for each protocol the
share of each pair of port classes (WC any, HI 1024 and up, LO below, AR another range, EM one port); the ports of AR and EM;
for each pair of classes the pairs of prefix lengths; and the shape of the prefix tries, level by level: how often a
node has one child, and else how uneven its two branches are (skew).

`acl` takes these figures from the published seed acl1, rounded. For `firewall` and `chains` the figures are ours, read off the
sets that others published as generated from the seeds fw1 and ipc1 (proportions to some percent): nearly every
firewall filter leaves one side open, half of them the source; nine in ten IP chain filters are pairs of networks without ports.
Filters have no actions there: here every second one discards, by lot. They come more specific ones first, as
ClassBench's do, and are numbered in this order. Where the trie has no more prefixes of a length, ClassBench smooths lengths; here
the lower bits are taken at random, beneath a prefix that the trie has.
"""

from __future__ import annotations

import dataclasses
import random

from .routes import GRE, ICMP, MULTICAST, NOT_ROUTED, TCP, UDP, Prefix, Range, Route, masked

ANY = (0, 65535)
HIGH = (1024, 65535)


@dataclasses.dataclass(frozen=True)
class Kind:
    """Filters of one protocol and pair of port classes. Ports: one of the list, or any."""

    weight: float
    protocol: int | None
    sports: tuple[Range, ...]
    dports: tuple[Range, ...]
    lengths: tuple[tuple[float, int, int], ...]  # weight, length of the source, of the destination


@dataclasses.dataclass(frozen=True)
class Trie:
    """A probability for each of four spans of 8 levels."""

    one_child: tuple[float, float, float, float]
    lighter: tuple[float, float, float, float]  # the share of the lighter of two branches


def ones(*ports: int) -> tuple[Range, ...]:
    return tuple((port, port) for port in ports)


# acl1: -prots, -dpem, -dpar, -wc_em, -wc_ar, -wc_wc, -sskew, -dskew
ACL_PORTS = ones(1521, 1521, 1521, 1526, 1221, 1433, 1525, 135, 14753, 1712, 1711, 1704, 1708, 5555, 6000, 20, 21, 1724, 5540, 5632, 443, 80)
ACL_RANGES = ((1600, 1649), (1300, 1349), (1300, 1350), (7500, 7599), (2200, 2210), (1025, 65535), (1700, 1750), (5001, 65535), (32200, 32207), (8000, 8100))
ACL_EXACT = ((0.847, 32, 32), (0.042, 32, 22), (0.028, 23, 32), (0.026, 31, 32), (0.017, 32, 31), (0.014, 30, 22), (0.012, 32, 30), (0.007, 31, 22))
ACL_ANY = (
    (0.489, 32, 32), (0.112, 32, 24), (0.099, 23, 32), (0.081, 32, 22), (0.054, 23, 16), (0.027, 31, 32), (0.018, 30, 32),
    (0.018, 30, 22), (0.009, 23, 31), (0.009, 31, 22), (0.009, 0, 8), (0.005, 0, 13), (0.005, 23, 4), (0.005, 23, 8), (0.005, 23, 24),
)  # fmt: skip
ACL = (
    Kind(0.085, None, (ANY,), (ANY,), ACL_ANY),
    Kind(0.031, ICMP, (ANY,), (ANY,), ACL_ANY),
    Kind(0.188, TCP, (ANY,), (ANY,), ACL_ANY),
    Kind(0.115, TCP, (ANY,), ACL_RANGES, ((0.953, 32, 32), (0.035, 31, 32), (0.012, 23, 32))),
    Kind(0.570, TCP, (ANY,), ACL_PORTS, ACL_EXACT),
    Kind(0.001, UDP, (ANY,), ACL_RANGES, ((1, 32, 32),)),
    Kind(0.010, UDP, (ANY,), ACL_PORTS, ACL_EXACT),
)
ACL_SOURCES = Trie((1.0, 1.0, 1.0, 0.35), (0.01, 0.01, 0.01, 0.57))
ACL_DESTINATIONS = Trie((0.35, 0.85, 0.92, 0.91), (0.3, 0.39, 0.4, 0.55))

FW_PORTS = ones(22, 25, 53, 80, 443, 110, 119, 123, 21, 69, 750, 544, 2105, 2401, 5999, 7648, 7649, 138, 37, 23)
FW_SOURCE_PORTS = ones(53, 123, 69, 67, 88, 161, 750, 7648)
FW_OUT = tuple((share, length, 0) for share, length in ((0.3, 32), (0.17, 31), (0.15, 30), (0.1, 29), (0.1, 28), (0.06, 27), (0.05, 26), (0.04, 24), (0.02, 21), (0.01, 13)))
FW_IN = tuple((share, 0, length) for share, length, _ in FW_OUT)
FW_OPEN = ((0.6, 0, 0), (0.15, 1, 0), (0.15, 0, 1), (0.1, 1, 1))
FIREWALL = (
    Kind(0.20, TCP, (ANY,), FW_PORTS, FW_IN),
    Kind(0.13, TCP, (HIGH,), (HIGH,), FW_IN),
    Kind(0.12, UDP, (ANY,), FW_PORTS, FW_IN),
    Kind(0.05, UDP, (HIGH,), FW_PORTS, FW_IN),
    Kind(0.05, UDP, (HIGH,), (HIGH,), FW_IN),
    Kind(0.11, UDP, FW_SOURCE_PORTS, (ANY,), FW_OUT),
    Kind(0.12, TCP, (ANY,), (ANY,), FW_OUT),
    Kind(0.08, GRE, (ANY,), (ANY,), FW_OUT),
    Kind(0.07, ICMP, (ANY,), (ANY,), FW_OUT),
    Kind(0.02, None, (ANY,), (ANY,), FW_OUT),
    Kind(0.03, TCP, (ANY,), FW_PORTS, FW_OPEN),
    Kind(0.02, UDP, (ANY,), FW_PORTS, FW_OPEN),
)

IPC_PORTS = ones(53, 80, 25, 22, 69, 135, 137, 139, 514, 524, 1433, 1646, 5500, 5550, 9003)
IPC_PAIRS = (
    (0.30, 32, 32), (0.08, 28, 28), (0.06, 27, 27), (0.06, 26, 26), (0.08, 25, 25), (0.09, 24, 24), (0.06, 23, 25), (0.05, 25, 23),
    (0.05, 23, 24), (0.05, 23, 23), (0.04, 22, 24), (0.03, 17, 24), (0.02, 26, 16), (0.02, 16, 25), (0.01, 24, 17),
)  # fmt: skip
IPC_HALF_OPEN = ((0.3, 24, 0), (0.2, 32, 0), (0.1, 23, 0), (0.1, 22, 1), (0.2, 0, 32), (0.1, 0, 24))
CHAINS = (
    Kind(0.78, None, (ANY,), (ANY,), IPC_PAIRS),
    Kind(0.07, TCP, (ANY,), IPC_PORTS, IPC_HALF_OPEN),
    Kind(0.07, UDP, (ANY,), IPC_PORTS, IPC_HALF_OPEN),
    Kind(0.02, UDP, ones(53, 1433), (ANY,), IPC_HALF_OPEN),
    Kind(0.02, UDP, (ANY,), (HIGH,), IPC_HALF_OPEN),
    Kind(0.03, TCP, (ANY,), (ANY,), IPC_PAIRS),
    Kind(0.01, GRE, (ANY,), (ANY,), IPC_PAIRS),
)
NETWORKS = Trie((0.3, 0.7, 0.8, 0.75), (0.3, 0.4, 0.4, 0.45))


def acl(count: int) -> list[Route]:
    return Generator(11, ACL, ACL_SOURCES, ACL_DESTINATIONS).routes(count)


def firewall(count: int) -> list[Route]:
    return Generator(12, FIREWALL, NETWORKS, NETWORKS).routes(count)


def chains(count: int) -> list[Route]:
    return Generator(13, CHAINS, NETWORKS, NETWORKS).routes(count)


class Generator:
    def __init__(self, seed: int, kinds: tuple[Kind, ...], sources: Trie, destinations: Trie) -> None:
        self.choose, self.seed, self.kinds = random.Random(seed), seed, kinds
        self.sources, self.destinations = sources, destinations

    def routes(self, count: int) -> list[Route]:
        found: dict[tuple[object, ...], Route] = {}
        weights = [kind.weight for kind in self.kinds]
        missed = 0
        while len(found) < count:
            (kind,) = self.choose.choices(self.kinds, weights)
            # After some draws that there were before, it smooths.
            route = self.route(kind, smooth=missed > 0)
            if route.match() in found:
                missed = min(missed + 1, 50)
                continue
            missed = max(missed - 1, 0)
            found[route.match()] = route
        ordered = sorted(found.values(), key=specificity)
        return [dataclasses.replace(route, sequence=number) for number, route in enumerate(ordered)]

    def route(self, kind: Kind, smooth: bool) -> Route:
        (_, source, destination), = self.choose.choices(kind.lengths, [each[0] for each in kind.lengths])
        sport, dport = self.choose.choice(kind.sports), self.choose.choice(kind.dports)
        return Route(
            self.prefix(self.destinations, "to", destination, smooth), self.prefix(self.sources, "from", source, smooth), kind.protocol,
            None if sport == ANY else sport, None if dport == ANY else dport, discard=self.choose.random() < 0.5,
        )  # fmt: skip

    def prefix(self, trie: Trie, side: str, length: int, smooth: bool) -> Prefix | None:
        """Walks down the trie, which is not kept: a node's children follow from its own bits."""
        if length == 0:
            return None
        walked = self.choose.randint(8, 32) if smooth else 32
        address = self.seed << 1 | (side == "to")  # a trie of its own for each; what stands above the prefix is cut off
        for level in range(min(walked, length)):
            span, one, first = level // 8, *node(address, level)
            uneven = one >= trie.one_child[span] and self.choose.random() < trie.lighter[span]
            address = (address << 1 | first) ^ uneven
        rest = max(0, length - walked)
        address = address << rest | self.choose.getrandbits(rest)
        return routable((address << (32 - length)) & 0xFFFFFFFF, length)


def node(address: int, level: int) -> tuple[float, int]:
    """What is random about a node, always the same for it: a number below 1, and a bit."""
    mixed = (address * 0x9E3779B97F4A7C15 + level * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return (mixed >> 40) / (1 << 24), mixed >> 33 & 1


def routable(address: int, length: int) -> Prefix:
    """The prefix, moved to where packets may come from and go to."""
    if address >= MULTICAST:
        address -= 96 << 24
    if length >= 8:
        top = address >> 24
        if top in NOT_ROUTED:
            address += (1 if top == 0 else -1) << 24
    return masked(address, length)


def specificity(route: Route) -> tuple[int, int, bool, bool]:
    lengths = (route.destination or (0, 0))[1] + (route.source or (0, 0))[1]
    return -lengths, -(route.destination or (0, 0))[1], route.dport is None and route.sport is None, route.protocol is None
