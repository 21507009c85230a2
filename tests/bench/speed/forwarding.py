"""Packets through a router that has the rules: how many a second.

A sender's interface leads to a router, whose default route leads to a receiver, all over veth. The sender, on one processor, hands
frames to its interface, and the kernel carries each through the router at once, within the same call: so what is measured is the time
of a packet from the sender to the end of its way, and the sender's own part is the same for all. The frames are made
before. What is counted is what the router's IP layer got, whether it forwarded or dropped it. All are held against a router with an
empty chain; those that are to be dropped also against one whose only rule drops everything, for a drop spares the rest of the way. No
connection tracking, no reverse path filter, neighbours set by hand; the receiver's interface hands its frames to nobody.

Each kind of packets is sent twice: a few different ones over and over, as of some flows, whose rules a processor keeps near at hand; and
many, evenly from all over the set, whose rules it has to fetch from memory again for every packet.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import statistics

import lab as net

from . import injector, traffic
from .routes import frr_text, nft_text
from .sets import RouteSet, make
from .timing import Failed, timed

FLOOD = "tests/bench/packet_flood"
FEW, MANY = 16, 1024  # different packets
ALTERNATIVES = {FEW: ("empty", "drop", "tree"), MANY: ("empty", "drop", "tree", "linear", "nft")}
ON_THE_WAY = 64  # received and not yet forwarded when the counters are read
NOBODY = "02:00:00:00:00:fe"


class Router:
    """With the hosts on both its sides."""

    def __init__(self, lab: net.Lab, name: str) -> None:
        self.sender, self.host, self.receiver = (lab.namespace(f"{name}-{part}") for part in ("s", "r", "d"))
        lab.link(self.host, "198.18.1.1/24", self.sender, "198.18.1.2/24")
        lab.link(self.host, "198.18.2.1/24", self.receiver, "198.18.2.2/24")
        self.host.run("ip", "route", "add", "default", "via", "198.18.2.2")
        self.host.run("ip", "neigh", "replace", "198.18.2.2", "lladdr", NOBODY, "dev", self.receiver.name, "nud", "permanent")
        for each in (self.sender, self.host, self.receiver):
            each.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")
        self.host.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done")
        self.frames = lab.directory / f"{name}.frames"
        self.addresses = tuple(mac(*end) for end in ((self.sender, self.host.name), (self.host, self.sender.name)))

    def flood(self, packets: list[traffic.Packet], seconds: float) -> dict[str, float]:
        self.frames.write_bytes(traffic.frames(packets, *self.addresses))
        snmp, dev = f"/proc/{self.host.holder.pid}/net/snmp", f"/proc/{self.receiver.holder.pid}/net/dev"
        rest = (snmp, dev, self.host.name, str(seconds), str(max(os.sched_getaffinity(0))))
        return json.loads(self.sender.run(net.BUILD / FLOOD, self.host.name, self.frames, *rest).stdout)


def mac(host: net.Namespace, interface: str) -> bytes:
    shown = json.loads(host.run("ip", "-j", "link", "show", interface).stdout)
    return bytes.fromhex(shown[0]["address"].replace(":", ""))


@dataclasses.dataclass
class Rates:
    """Packets a second of all repetitions, by alternative."""

    name: str
    size: int
    kind: str
    different: int  # packets
    forwarded: bool
    rates: dict[str, list[float]]

    def rate(self, what: str) -> float:
        return statistics.median(self.rates[what])

    def ratio(self, what: str, of: str = "empty") -> float:
        return self.rate(what) / self.rate(of)

    def document(self) -> dict[str, object]:
        return {
            "set": self.name, "size": self.size, "kind": self.kind, "different": self.different, "forwarded": self.forwarded,
            "packets_per_second": self.rates,
        }  # fmt: skip


def measure(name: str, size: int, repetitions: int, seconds: float) -> list[Rates]:
    chosen = make(name, size)
    with net.Lab() as lab:
        routers = {what: Router(lab, what) for what in ALTERNATIVES[MANY]}
        only_chain(routers["empty"])
        only_chain(routers["drop"], "-A FLOWSPEC -j DROP")
        load(lab.directory, chosen, routers)
        results = []
        for kind in traffic.KINDS:
            packets, passes = traffic.packets(chosen, kind, MANY), traffic.passes(chosen, kind)
            for different in (FEW, MANY):
                measured = Rates(name, size, kind, different, passes, {})
                for _ in range(repetitions):
                    for what in ALTERNATIVES[different]:
                        if what == "drop" and passes:
                            continue
                        got = routers[what].flood(packets[:different], seconds)
                        believe(f"{name}, {size} routes, {kind}, {what}", got, passes or what == "empty")
                        measured.rates.setdefault(what, []).append(got["received"] / got["seconds"])
                results.append(measured)
    return results


def only_chain(router: Router, rule: str = "") -> None:
    router.host.restore("\n".join(["*filter", ":FLOWSPEC - [0:0]", "-A FORWARD -j FLOWSPEC", rule, "COMMIT", ""]))


def load(directory: pathlib.Path, chosen: RouteSet, routers: dict[str, Router]) -> None:
    text, rules = directory / "routes.json", directory / "rules.nft"
    text.write_text(frr_text(chosen.routes))
    rules.write_text(nft_text(chosen.routes))
    for layout in injector.LAYOUTS:
        injector.sync(routers[layout].host, text, layout)
        if "conntrack" in routers[layout].host.save(table="filter"):
            raise Failed(f"{layout}: rules that ask for connection tracking")
    timed(routers["nft"].host, "nft", "-f", rules)


def believe(what: str, got: dict[str, float], passes: bool) -> None:
    """Failed when the packets had another fate than the routes say."""
    received, forwarded = int(got["received"]), int(got["forwarded"])
    if received == 0 or received > got["sent"] + ON_THE_WAY:
        raise Failed(f"{what}: {received} packets came of {got['sent']:.0f} that were sent")
    if passes and received - forwarded > ON_THE_WAY or not passes and forwarded > 0:
        raise Failed(f"{what}: {forwarded} of {received} packets were forwarded, and {'all' if passes else 'none'} should have been")
