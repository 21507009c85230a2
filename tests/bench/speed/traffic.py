"""Packets for a route set: which route decides each, and their bytes on the wire."""

from __future__ import annotations

import collections
import itertools
import random
import struct
from collections.abc import Iterator

from .routes import ICMP, TCP, UDP, Packet, Prefix, Route, is_routed
from .sets import RouteSet

KINDS = ("hit", "miss", "default")
TRIES = 200  # draws for each packet that is wanted


class Decision:
    """The first route that matches a packet: the routes by the lengths of their prefixes, as in tuple space search."""

    def __init__(self, routes: list[Route]) -> None:
        self.tables: dict[tuple[int, int], dict[tuple[int, int], list[tuple[int, Route]]]] = {}
        for place, route in enumerate(routes):
            to, come = route.destination or (0, 0), route.source or (0, 0)
            table = self.tables.setdefault((to[1], come[1]), collections.defaultdict(list))
            table[to[0] >> (32 - to[1]), come[0] >> (32 - come[1])].append((place, route))

    def of(self, packet: Packet) -> Route | None:
        best: tuple[int, Route] | None = None
        for (to, come), table in self.tables.items():
            for place, route in table.get((packet.destination >> (32 - to), packet.source >> (32 - come)), ()):
                if (best is None or place < best[0]) and route.has(packet):
                    best = place, route
        return best[1] if best else None


def packets(chosen: RouteSet, kind: str, count: int) -> list[Packet]:
    """`hit`: for routes that lie evenly all over the set, which decide them. `miss`: addresses of such routes, and yet no route decides
    them but the default policy, where there is one. `default`: the same for addresses of anywhere."""
    choose, decision = random.Random(21), Decision(chosen.routes)
    wanted = (lambda route: route not in (None, chosen.default)) if kind == "hit" else (lambda route: route in (None, chosen.default))
    found: list[Packet] = []
    for packet in itertools.islice(candidates(chosen, kind, choose, count), count * TRIES):
        decided = decision.of(packet)
        if wanted(decided) and (kind != "hit" or decided.discard != chosen.hits_pass):
            found.append(packet)
            if len(found) == count:
                choose.shuffle(found)
                return found
    raise ValueError(f"{chosen.name}: only {len(found)} packets of {count} of the kind {kind}")


def passes(chosen: RouteSet, kind: str) -> bool:
    """Whether packets of this kind are forwarded."""
    if kind == "hit":
        return chosen.hits_pass
    return chosen.default is None or not chosen.default.discard


def candidates(chosen: RouteSet, kind: str, choose: random.Random, count: int) -> Iterator[Packet]:
    specific = [route for route in chosen.routes if route != chosen.default]
    step = max(1, len(specific) // count)
    for turn in itertools.count():
        if kind == "default":
            yield Packet(address(choose, None), address(choose, None), choose.choice((TCP, UDP)), port(choose), port(choose))
            continue
        route = specific[(turn * step + turn // count) % len(specific)]
        packet = matching(choose, route)
        yield packet if kind == "hit" else beside(choose, packet)


def beside(choose: random.Random, packet: Packet) -> Packet:
    """Something else about the packet: its ports and protocol, its source, or the lower half of an address."""
    what = choose.randrange(3)
    if what == 0:
        return Packet(packet.destination, packet.source, choose.choice((TCP, UDP)), port(choose), port(choose))
    if what == 1:
        return Packet(packet.destination, address(choose, None), packet.protocol, packet.sport, packet.dport)
    return Packet(address(choose, (packet.destination & ~0xFF, 24)), packet.source, packet.protocol, packet.sport, packet.dport)


def matching(choose: random.Random, route: Route) -> Packet:
    sport, dport = choose.randint(*(route.sport or (1, 65535))), choose.randint(*(route.dport or (1, 65535)))
    return Packet(address(choose, route.destination), address(choose, route.source), route.protocol or TCP, sport, dport)


def address(choose: random.Random, prefix: Prefix | None) -> int:
    while True:
        first, length = prefix or (0, 0)
        drawn = first + choose.randrange(1 << (32 - length))
        if is_routed(drawn):
            return drawn


def port(choose: random.Random) -> int:
    return choose.randint(1, 65535)


def frames(chosen: list[Packet], source: bytes, destination: bytes) -> bytes:
    """Ethernet frames of 60 bytes, one after another."""
    return b"".join(frame(packet, source, destination) for packet in chosen)


def frame(packet: Packet, source: bytes, destination: bytes) -> bytes:
    header = struct.pack(">BBHHHBBHII", 0x45, 0, 46, 0, 0x4000, 64, packet.protocol, 0, packet.source, packet.destination)
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    header = header[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + header[12:]
    return destination + source + b"\x08\x00" + header + payload(packet)


def payload(packet: Packet) -> bytes:
    """26 bytes: the upper layer's header without its checksum, at which nobody looks who forwards."""
    if packet.protocol == TCP:
        upper = struct.pack(">HHIIHHHH", packet.sport, packet.dport, 0, 0, 5 << 12 | 2, 1024, 0, 0)
    elif packet.protocol == UDP:
        upper = struct.pack(">HHHH", packet.sport, packet.dport, 26, 0)
    elif packet.protocol == ICMP:
        upper = struct.pack(">BBHI", 8, 0, 0, 0)
    else:
        upper = b""
    return upper + bytes(26 - len(upper))
