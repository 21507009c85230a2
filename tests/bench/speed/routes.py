"""Routes, and what FRR, BIRD and nft call them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

TCP, UDP, ICMP, GRE = 6, 17, 1, 47

NOT_ROUTED = (0, 127, 198)  # first octets: this network, loopback, and where the benchmark has its own links
MULTICAST = 224 << 24  # and what is beyond

Prefix = tuple[int, int]  # address and length
Range = tuple[int, int]  # first and last


@dataclasses.dataclass(frozen=True)
class Packet:
    destination: int
    source: int
    protocol: int
    sport: int
    dport: int


@dataclasses.dataclass(frozen=True)
class Route:
    """What is None is not asked for. Ports go with TCP or UDP."""

    destination: Prefix | None = None
    source: Prefix | None = None
    protocol: int | None = None
    sport: Range | None = None
    dport: Range | None = None
    discard: bool = True
    sequence: int | None = None

    def match(self) -> tuple[object, ...]:
        return self.destination, self.source, self.protocol, self.sport, self.dport

    def has(self, packet: Packet) -> bool:
        return (
            within(packet.destination, self.destination)
            and within(packet.source, self.source)
            and self.protocol in (None, packet.protocol)
            and (self.sport is None or self.sport[0] <= packet.sport <= self.sport[1])
            and (self.dport is None or self.dport[0] <= packet.dport <= self.dport[1])
        )


DEFAULT = Route((0, 0), (0, 0))  # the paper's default policy: it is always last


def within(address: int, prefix: Prefix | None) -> bool:
    return prefix is None or (address ^ prefix[0]) >> (32 - prefix[1]) == 0


def is_routed(address: int) -> bool:
    return address < MULTICAST and address >> 24 not in NOT_ROUTED


def masked(address: int, length: int) -> Prefix:
    return address >> (32 - length) << (32 - length), length


def dotted(address: int) -> str:
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def words(prefix: Prefix) -> str:
    return f"{dotted(prefix[0])}/{prefix[1]}"


def frr_text(routes: Iterable[Route]) -> str:
    """As FRR 8.4 prints them for `show bgp ipv4 flowspec detail json`; sequence numbers in the route target 65535:N."""
    return "".join(map(frr_route, routes))


def frr_route(route: Route) -> str:
    parts = []
    for key, prefix in (("to", route.destination), ("from", route.source)):
        if prefix is not None:
            parts.append(f'"{key}":"{words(prefix)}"')
    if route.protocol is not None:
        parts.append(f'"proto":"= {route.protocol} "')
    for key, ports in (("dstp", route.dport), ("srcp", route.sport)):
        if ports is not None:
            parts.append(f'"{key}":"{frr_range(ports)}"')
    communities = [] if route.sequence is None else [f"65535:{route.sequence}"]
    communities += ["FS:rate 0.000000"] if route.discard else []
    match, sorted_by_bytes = ",\n    ".join(parts), " ".join(communities)
    extended = f'  {{\n    "ecomlist":"{sorted_by_bytes}"\n  }},\n' if communities else ""
    return f'[\n  {{\n    {match}\n  }},\n{extended}  {{\n    "time":"00:10:00"\n  }}\n]\n'


def frr_range(ports: Range) -> str:
    first, last = ports
    if first == last:
        return f"= {first} "
    if last == 65535:
        return f"> {first - 1} "
    return f"< {last + 1} " if first == 0 else f">= {first} , <= {last} "


def bird_route(route: Route) -> str:
    """In the words of a static flow4 protocol."""
    parts = [f"dst {words(route.destination)};"] if route.destination else []
    parts += [f"src {words(route.source)};"] if route.source else []
    parts += [f"proto = {route.protocol};"] if route.protocol is not None else []
    parts += [f"{key} {first}..{last};" for key, (first, last) in ports_of(route)]
    said = ["bgp_ext_community.add((generic, 0x80060000, 0x0));"] if route.discard else []
    said += [] if route.sequence is None else [f"bgp_ext_community.add((rt, 65535, {route.sequence}));"]
    return f"  route flow4 {{ {' '.join(parts)} }} {{ {' '.join(said)} }};"


def nft_text(routes: Iterable[Route]) -> str:
    """One rule a route, in a chain of the forward hook."""
    rules = "\n".join(f"    {nft_rule(route)}" for route in routes)
    return f"table ip bench {{\n  chain forward {{\n    type filter hook forward priority 0; policy accept;\n{rules}\n  }}\n}}\n"


def nft_rule(route: Route) -> str:
    parts = [f"ip daddr {words(route.destination)}"] if route.destination and route.destination[1] else []
    parts += [f"ip saddr {words(route.source)}"] if route.source and route.source[1] else []
    parts += [f"meta l4proto {route.protocol}"] if route.protocol is not None else []
    parts += [f"th {key} {first}-{last}" if first != last else f"th {key} {first}" for key, (first, last) in ports_of(route)]
    return " ".join([*parts, "drop" if route.discard else "accept"])


def ports_of(route: Route) -> list[tuple[str, Range]]:
    return [(key, ports) for key, ports in (("dport", route.dport), ("sport", route.sport)) if ports is not None]
