"""Three BGP speakers, every component and action in their words: what the injector makes of each, and what packets do."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
from collections import defaultdict

import lab as net
import pytest
from interop_routes import ROWS, Cannot, Row, chosen
from packets import Packet, Sniffer, send
from speakers import FAMILIES, SPEAKERS

README = net.PROJECT / "README.md"
BEGIN, END = "<!-- interop table: written by tests/e2e/test_interop.py, FLOWSPEC_BLESS=1 -->\n", "<!-- end -->"
OPTIONS = ("--stateful", "never", "--conntrack", "off", "--redirect", "65000:100=0x10")

ALL = [(row, family) for row in ROWS for family in row.families]


@dataclasses.dataclass
class Seen:
    """What became of one row: with the speaker, in FRR, in the injector, and of its packets."""

    objection: str = ""
    shown: bool = False
    match: dict[str, str] | None = None
    action: str = ""
    reason: str = ""
    packets: list[tuple[Packet, str, str]] = dataclasses.field(default_factory=list)  # with what was meant, and what was seen

    @property
    def packets_right(self) -> bool:
        return all(meant == seen for _, meant, seen in self.packets)


@dataclasses.dataclass
class Network:
    """A client, a leaf with FRR and the injector, a server, and a host behind a redirect; beside the leaf a BGP speaker."""

    leaf: net.Namespace
    client: net.Namespace
    server: net.Namespace
    beyond: net.Namespace
    frr: net.Frr

    def injector(self, command: str, *arguments: str) -> str:
        return self.leaf.run(net.INJECTOR, command, "--pathspace", self.frr.pathspace, *OPTIONS, "--state-dir", self.leaf.lab.directory, *arguments).stdout

    def arrived(self, packets: list[tuple[str, str, Packet]]) -> list[list[tuple[str, int]]]:
        """For each packet, sent from a source to a destination, who got it and with which DSCP; once for each time."""
        with Sniffer(self.server) as server, Sniffer(self.beyond) as beyond:
            send(self.client, ((to, one.octets(source, to, number), one.times) for number, (source, to, one) in enumerate(packets)))
            came: list[list[tuple[str, int]]] = [[] for _ in packets]
            for host, sniffer in ((self.server, server), (self.beyond, beyond)):
                for number, dscp in sniffer.take(quiet=0.3):
                    came[number].append((host.name, dscp))
            return came


def make_network(lab: net.Lab, speaker: net.Namespace, own: net.Peer, peer: net.Peer) -> Network:
    leaf, client, server, beyond = (lab.namespace(name) for name in ("leaf", "client", "server", "beyond"))
    for host in (leaf, client, server, beyond):  # an address can be used at once
        host.run("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad")
    leaf.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
    for number, host in enumerate((client, server, beyond), start=1):
        lab.link(leaf, f"10.0.{number}.1/24", host, f"10.0.{number}.10/24")
        leaf.run("ip", "address", "add", f"2001:db8:{number}::1/64", "dev", host.name)
        host.run("ip", "address", "add", f"2001:db8:{number}::10/64", "dev", "leaf")
        host.run("ip", "route", "add", "default", "via", f"10.0.{number}.1")
        host.run("ip", "route", "add", "default", "via", f"2001:db8:{number}::1")
    leaf.run("ip", "route", "add", "10.77.0.0/16", "via", "10.0.2.10")
    leaf.run("ip", "route", "add", "2001:db8:77::/48", "via", "2001:db8:2::10")
    for family, gateway in (("-4", "10.0.3.10"), ("-6", "2001:db8:3::10")):  # where the mark leads to
        leaf.run("ip", family, "route", "add", "default", "via", gateway, "table", "100")
        leaf.run("ip", family, "rule", "add", "fwmark", "0x10", "lookup", "100")
    for host in (client, server, beyond):  # the neighbours are known before there are many packets
        assert net.pings(host, "10.0.1.1") and net.pings(host, "2001:db8:1::1"), host.name
    lab.link(speaker, f"{peer.address}/30", leaf, f"{own.address}/30")
    return Network(leaf, client, server, beyond, net.Frr(leaf, own, peer, FAMILIES))


@functools.cache
def observed(speaker: str) -> dict[tuple[str, str], Seen]:
    """What became of each row, by its name and family, in one network."""
    with net.Lab() as lab:
        host, own, peer = lab.namespace("speaker"), net.Peer("192.168.254.10", 65105), net.Peer("192.168.254.9", 65309)
        network = make_network(lab, host, own, peer)
        objections = SPEAKERS[speaker](host, peer, own).announce([row.route(speaker, family) for row, family in ALL])
        seen = {(row.name, family): Seen(objection) for (row, family), objection in zip(ALL, objections)}

        for family in FAMILIES:
            taken = sum(not one.objection for (_, of), one in seen.items() if of == family)
            net.wait_until(lambda: network.frr.peer_state(family).get("pfxRcd") == taken, f"{taken} {family} routes in FRR")
            shown = {route[0]["to"].removesuffix("/off 0") for route in network.frr.routes(family)}
            for row in (row for row, of in ALL if of == family):
                seen[row.name, family].shown = row.destination(family) in shown
        read_plan(json.loads(network.injector("plan", "--json")), seen)
        network.injector("sync")
        watch_packets(speaker, network, seen)
        assert network.frr.peer_state().get("connectionsDropped") == 0, "the session did not last"
        return seen


def read_plan(plan: dict, seen: dict[tuple[str, str], Seen]) -> None:
    """What the injector makes of each route."""
    by_destination = {row.destination(family): seen[row.name, family] for row, family in ALL}
    for entry in plan["entries"]:
        one = by_destination[entry["match"]["destination"]]
        one.match, one.action = entry["match"], entry["actions"]["text"]
    for rejected in plan["rejected"]:
        destination = re.search(r"[0-9a-f.:]+/[0-9]+", rejected["subject"])
        assert destination, rejected
        by_destination[destination[0]].reason = rejected["reason"]


def watch_packets(speaker: str, network: Network, seen: dict[tuple[str, str], Seen]) -> None:
    """Sends all packets of all rows that were announced, and notes what became of them."""
    sent = []
    for row, family in ALL:
        if seen[row.name, family].objection:
            continue
        for packets, meant in ((row.hits, row.hit), (row.misses, row.miss)):
            becomes = "passes" if chosen(row.refused, speaker, family) else meant
            sent += [(row, family, packet, becomes) for packet in chosen(packets, speaker, family)]
    sent.sort(key=lambda one: one[2].times)  # floods go last
    addresses = [(source_of(family, packet), row.host(family, packet), packet) for row, family, packet, _ in sent]
    for (row, family, packet, meant), came in zip(sent, network.arrived(addresses)):
        seen[row.name, family].packets.append((packet, meant, fate(packet, came)))


def source_of(family: str, packet: Packet) -> str:
    return f"10.0.1.{packet.source}" if family == "ipv4" else f"2001:db8:1::{packet.source:x}"


def fate(packet: Packet, came: list[tuple[str, int]]) -> str:
    """What became of a packet, in the words of `Row`."""
    if not came:
        return "dropped"
    if 2 * len(came) <= packet.times:
        return "limited"
    if len(came) != packet.times or len(set(came)) != 1:
        return f"came {len(came)} times: {set(came)}"
    (host, dscp), *_ = came
    if host == "beyond":
        return "redirected"
    return "passes" if dscp == packet.dscp else f"marked {dscp}"


def deviation(row: Row, speaker: str, family: str, seen: Seen) -> str:
    """How it differs from what was meant; empty when it does not."""
    if isinstance(row.words(speaker, family), Cannot):
        return "" if seen.objection else "announced after all"
    if seen.objection:
        return f"not announced: {seen.objection}"
    if not seen.shown:
        return "not in FRR"
    refused = chosen(row.refused, speaker, family)
    if seen.reason != refused:
        return f"refused ({seen.reason}) instead of {f'refused ({refused})' if refused else 'enforced'}"
    meant, action = row.meant(speaker, family), row.action
    if not refused and (seen.match, seen.action) != (meant, action):
        return f"taken as {seen.match}, {seen.action} instead of {meant}, {action}"
    return "; ".join(f"{packet} {fate} instead of {meant}" for packet, meant, fate in seen.packets if fate != meant)


def cell(row: Row, speaker: str, family: str) -> str:
    """One word of the table, from what was seen."""
    if family not in row.families:
        return ""
    seen = observed(speaker)[row.name, family]
    if seen.objection:
        return "cannot announce"
    if seen.reason:
        return f"refused ({seen.reason})"
    return chosen(row.garbled, speaker, family) or ("enforced" if seen.match and seen.packets_right else "wrong")


def table() -> str:
    """Markdown: the forms of a component that come to the same share a line."""
    columns = [(speaker, family) for family in FAMILIES for speaker in SPEAKERS]
    forms: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in ROWS:
        forms[row.component, *(cell(row, *column) for column in columns)].append(row.form)
    names = [f"{speaker}, {'IPv' + family[-1]}" for speaker, family in columns]
    lines = [("component", "form", *names), ("---",) * (len(columns) + 2)]
    lines += [(component, "; ".join(forms[component, *cells]), *cells) for component, *cells in forms]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_what_a_speaker_announces_is_what_is_enforced(speaker: str) -> None:
    seen = observed(speaker)
    deviations = {(row.name, family): deviation(row, speaker, family, seen[row.name, family]) for row, family in ALL}
    assert not (wrong := [f"{family} {name}: {why}" for (name, family), why in deviations.items() if why]), "\n".join(wrong)


def test_the_table_in_the_readme_says_what_was_seen() -> None:
    before, begin, rest = README.read_text().partition(BEGIN)
    written, end, after = rest.partition(END)
    assert begin and end, "README.md has no place for the table"
    if os.environ.get("FLOWSPEC_BLESS"):
        README.write_text(before + begin + table() + end + after)
    else:
        assert written == table(), "FLOWSPEC_BLESS=1 writes it anew"
