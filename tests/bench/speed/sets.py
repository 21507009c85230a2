"""The route sets, each the same at every run. `make` knows them by name."""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Callable

from . import classbench
from .routes import DEFAULT, TCP, Route, masked

TENANTS = 500
BENEATH = 10 << 24  # 10.0.0.0/8


@dataclasses.dataclass(frozen=True)
class RouteSet:
    name: str
    routes: list[Route]
    hits_pass: bool  # which routes the packets of "hit" are for: those that accept, or those that discard
    default: Route | None  # the last of the routes, if it is the default policy


def destinations(count: int) -> list[Route]:
    """Hosts under attack: a /32, TCP, a port, each discarded. The hosts are spread over 64 networks of 16 bits."""
    choose = random.Random(1)
    hosts = choose.sample(range(64 << 16), count)
    return [Route(((20 << 24) + host, 32), None, TCP, None, (443, 443)) for host in hosts]


def attackers(count: int) -> list[Route]:
    """One destination and as many sources as there are routes: the list of those who take part in an attack."""
    choose = random.Random(2)
    victim = (192 << 24 | 2 << 8 | 1, 32)
    return [Route(victim, (address, 32)) for address in choose.sample(range(16 << 24, 96 << 24), count)]


def segments(count: int) -> list[Route]:
    """The paper's default deny: 500 tenants of three tiers. Clients may reach the tenant's web hosts, those its application hosts,
    those its databases; whatever else the default policy discards, which comes last."""
    routes: list[Route] = []
    for number in range(count):
        tenant, host = number % TENANTS, number // TENANTS
        network = BENEATH + (tenant << 14)  # a /18 each: /20 for clients and for each tier
        tier = host % 3
        source = masked(network + (tier << 12), 20)
        destination = network + (tier + 1 << 12) + host // 3 + 1
        port = (443, 8080, 5432)[tier]
        routes.append(Route((destination, 32), source, TCP, None, (port, port), discard=False, sequence=number))
    return routes


SETS: dict[str, Callable[[int], RouteSet]] = {
    "destinations": lambda count: RouteSet("destinations", destinations(count), False, None),
    "attackers": lambda count: RouteSet("attackers", attackers(count), False, None),
    "acl": lambda count: RouteSet("acl", classbench.acl(count), True, None),
    "firewall": lambda count: with_default("firewall", classbench.firewall(count - 1)),
    "chains": lambda count: RouteSet("chains", classbench.chains(count), True, None),
    "segments": lambda count: with_default("segments", segments(count - 1)),
}


def with_default(name: str, routes: list[Route]) -> RouteSet:
    default = dataclasses.replace(DEFAULT, sequence=len(routes))
    return RouteSet(name, [*routes, default], True, default)


@functools.lru_cache(maxsize=1)  # passes and packets ask for the same, one after the other
def make(name: str, count: int) -> RouteSet:
    """ValueError when two routes have the same match: FRR would have shown one."""
    made = SETS[name](count)
    if len(made.routes) != count or len({route.match() for route in made.routes}) != count:
        raise ValueError(f"{name}: not {count} routes of which each is another")
    return made
