"""Round trip: random firewalls on one host, published, and enforced on another. Both kernels get the same packets."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import random
import time
from collections import Counter
from collections.abc import Iterator

import lab as net
import pytest
from awkward_firewall import INTERFACES, awkward
from firewall_packets import PacketMaker, Sent
from firewalls import Firewall, Generator
from packets import Sniffer, send
from speakers import FAMILIES

SEED = os.environ.get("FLOWSPEC_TEST_SEED", "1")
PACKETS, PACKETS_A_RULE = 300, 8  # for a firewall: one or the other, whichever are more
MOST_ROUTES = 3000
MOST_REFUSED = 4  # sets that take more routes than that
COMPONENTS = {
    *("destination", "source", "protocol", "port", "destination_port", "source_port"),
    *("icmp_type", "icmp_code", "tcp_flags", "packet_length", "dscp", "fragment"),
}
NO_RULES = "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"
STATELESS = ("--stateful", "never", "--conntrack", "off")
EXACT, WHEN_STATEFUL = "exact", "equivalent-when-stateful"


@dataclasses.dataclass(frozen=True)
class Shape:
    """Of a rule set: how many rules it has of each family, and how it is published."""

    ipv4: int
    ipv6: int = 0
    stateful: str = ""  # default-drop or always; empty: no rule asks for a connection's state
    options: tuple[str, ...] = ()

    @property
    def sizes(self) -> dict[int, int]:
        return {family: size for family, size in ((4, self.ipv4), (6, self.ipv6)) if size}


# The stateful ones come last: once a namespace has tracked connections, it may put fragments together.
SHAPES = (
    Shape(1),
    Shape(2, ipv6=1),
    Shape(3),
    Shape(5, options=("--frr", "10.7")),
    Shape(8, ipv6=20),
    Shape(12),
    Shape(20, options=("--optimize",)),
    Shape(30, ipv6=60),
    Shape(40),
    Shape(55, options=("--optimize", "--frr", "10.7")),
    Shape(70, ipv6=120, options=("--optimize",)),
    Shape(90),
    Shape(120, options=("--frr", "10.7")),
    Shape(160, ipv6=35),
    Shape(200),
    Shape(4, stateful="default-drop"),
    Shape(15, ipv6=10, stateful="always"),
    Shape(60, stateful="default-drop"),
    Shape(100, ipv6=45, stateful="default-drop"),
    Shape(180, stateful="always", options=("--optimize",)),
)


@dataclasses.dataclass
class Path:
    """A host that forwards whatever comes from a client to a server; what it answers itself goes back to the client."""

    host: net.Namespace
    client: net.Namespace
    server: net.Namespace

    @staticmethod
    def make(lab: net.Lab, name: str) -> Path:
        host, client, server = (lab.namespace(one) for one in (name, f"{name}-in", f"{name}-out"))
        for end in (host, client, server):  # an address can be used at once, and any source is believed
            end.run("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad")
            end.run("sh", "-c", "echo 0 | tee /proc/sys/net/ipv4/conf/*/rp_filter")
        host.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
        host.run("sh", "-c", "echo 0 >/proc/sys/net/netfilter/nf_conntrack_checksum")  # our packets have none
        for number, end in ((1, client), (2, server)):
            lab.link(host, f"198.18.{number}.1/24", end, f"198.18.{number}.2/24")
            host.run("ip", "address", "add", f"fd00:{number}::1/64", "dev", end.name)
            end.run("ip", "address", "add", f"fd00:{number}::2/64", "dev", host.name)
        for family, network in (("-4", "198.18.{}."), ("-6", "fd00:{}::")):
            to_client, to_server = f"{network.format(1)}2", f"{network.format(2)}2"
            client.run("ip", family, "route", "add", "default", "via", f"{network.format(1)}1")
            host.run("ip", family, "route", "add", "default", "via", to_client)
            host.run("ip", family, "route", "add", "default", "via", to_server, "table", "100")
            host.run("ip", family, "rule", "add", "iif", client.name, "lookup", "100")
            assert net.pings(host, to_client) and net.pings(host, to_server)  # the neighbours are known before the packets come
        return Path(host, client, server)

    def passed(self, packets: list[Sent], family: int) -> set[int]:
        """Which of the packets got through. All of them come to FORWARD: nothing before it drops any."""
        table = "*mangle\n-A FORWARD\nCOMMIT\n"  # it counts them
        self.host.run("iptables-legacy-restore" if family == 4 else "ip6tables-legacy-restore", input=table)
        with Sniffer(self.server) as server:
            send(self.client, ((to, one.octets(source, to, number), 1) for number, (source, to, one) in enumerate(packets)))
            count = f"\n[{len(packets)}:"
            net.wait_until(lambda: count in self.host.save(family, counters=True, table="mangle"), f"{count} packets in FORWARD")
            arrived = [number for number, _ in server.take(quiet=0.05)]
        assert len(arrived) == len(set(arrived)), "a packet came twice"
        return set(arrived)


@dataclasses.dataclass
class Outcome:
    """Of one family of a rule set."""

    grade: str
    rules: int
    routes: int
    packets: int
    passed: int
    differences: list[str]


@dataclasses.dataclass
class RoundTrip:
    """fw01 with rules and BIRD, svc01 with FRR and the injector."""

    fw01: Path
    svc01: Path
    bird: net.Bird
    frr: net.Frr

    def load(self, firewalls: dict[int, Firewall]) -> None:
        """The rules of fw01's kernel, of both families."""
        for family, restore in ((4, "iptables-legacy-restore"), (6, "ip6tables-legacy-restore")):
            self.fw01.host.run(restore, input=str(firewalls.get(family, NO_RULES)))

    def publish(self, *options: str) -> dict | None:
        """From fw01's kernel to FRR's table. The fetcher's report; none when it takes too many routes."""
        self.bird.configure("")  # so that what FRR counts afterwards is new
        self.arrived([])
        to_bird = ("--output", self.bird.routes_file, "--reload", "--birdc-socket", self.bird.control)
        done = self.fw01.host.run(net.FETCHER, "generate", "--json", *to_bird, *options, check=False)
        if done.returncode and "--max-routes allows more" in done.stderr:
            return None
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        self.arrived(report["entries"])
        return report

    def arrived(self, entries: list[dict]) -> None:
        """Returns once FRR counts so many routes of each family. The session must not go down over it."""
        for family in FAMILIES:
            count = sum(entry["family"] == family for entry in entries)

            def counted() -> bool:
                state = self.frr.peer_state(family)
                assert state.get("connectionsDropped", 0) == 0, f"the session went down on the way to {len(entries)} routes: {state}"
                return state.get("pfxRcd") == count

            net.wait_until(counted, f"{count} {family} routes in FRR")

    def injector(self, command: str, *arguments: str) -> dict:
        where = ("--pathspace", self.frr.pathspace)
        return json.loads(self.svc01.host.run(net.INJECTOR, command, "--json", *where, *arguments).stdout)


@pytest.fixture
def roundtrip(lab: net.Lab) -> Iterator[RoundTrip]:
    """Afterwards it is still the same session."""
    fw01, svc01 = Path.make(lab, "fw01"), Path.make(lab, "svc01")
    lab.link(fw01.host, "192.168.254.9/30", svc01.host, "192.168.254.10/30")
    own, peer = net.Peer("192.168.254.9", 65309), net.Peer("192.168.254.10", 65105)
    frr = net.Frr(svc01.host, peer, own, FAMILIES)
    made = RoundTrip(fw01, svc01, net.Bird(fw01.host, own, peer, FAMILIES), frr)
    net.wait_until(lambda: frr.peer_state().get("state") == "Established", "the session")
    yield made
    state = frr.peer_state()
    assert (state.get("state"), state.get("connectionsDropped")) == ("Established", 0), state


def test_what_is_published_decides_as_the_firewall_does(
    roundtrip: RoundTrip, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin, refused, outcomes = time.monotonic(), 0, []
    maker = PacketMaker(random.Random(f"packets {SEED}"))
    for number, shape in enumerate(SHAPES, 1):
        report = None
        while not report:
            firewalls = generated(shape, f"{SEED}-{number}-{refused}", tmp_path)
            report = published(roundtrip, firewalls, shape)
            refused += not report
            assert refused <= MOST_REFUSED, "too many rule sets take too many routes"
        for firewall in firewalls.values():
            outcomes.append(compared(roundtrip, firewall, maker, report))
            print(outcomes[-1])

    with capsys.disabled():
        print()
        for grade in (EXACT, WHEN_STATEFUL):
            print(summary(grade, [outcome for outcome in outcomes if outcome.grade == grade]))
        print(f"{len(SHAPES)} rule sets, {refused} more took too many routes; {time.monotonic() - begin:.0f} seconds")
    assert not [outcome.differences for outcome in outcomes if outcome.differences]
    assert len([outcome for outcome in outcomes if outcome.grade == WHEN_STATEFUL]) >= 4


def generated(shape: Shape, name: str, directory: pathlib.Path) -> dict[int, Firewall]:
    """By family. They are in the directory too, for whoever has to look into a difference."""
    firewalls = {}
    for family, size in shape.sizes.items():
        firewalls[family] = Generator(random.Random(f"{name}-{family}"), family, size, shape.stateful).firewall()
        (directory / f"{name}.v{family}").write_text(str(firewalls[family]))
    print(f"{name}: {shape}; the rules are in {directory}/{name}.v*")
    return firewalls


def published(roundtrip: RoundTrip, firewalls: dict[int, Firewall], shape: Shape) -> dict | None:
    """Loads and publishes them, and has svc01 enforce what FRR got. The fetcher's report; none when it takes too many routes."""
    roundtrip.load(firewalls)
    options = ("--max-routes", str(MOST_ROUTES), "--stateful", shape.stateful or "default-drop", *shape.options)
    report = roundtrip.publish(*options)
    if report:
        enforced = roundtrip.injector("sync", *(("--stateful", shape.stateful) if shape.stateful else STATELESS))
        reasons = {rejected["reason"] for rejected in enforced["rejected"]}
        # Where connections are tracked there are no fragments, and what is about them is left out.
        assert reasons <= ({"fragments-reassembled"} if shape.stateful else set()), enforced["rejected"]
    return report


def compared(roundtrip: RoundTrip, firewall: Firewall, maker: PacketMaker, report: dict) -> Outcome:
    """Sends packets through both kernels."""
    packets = maker.packets(firewall, max(PACKETS, PACKETS_A_RULE * len(firewall.rules)))
    family = f"ipv{firewall.family}"
    grades = {rule["grade"] for rule in report["rules"] if rule["family"] == family}
    assert WHEN_STATEFUL not in grades or firewall.stateful
    by_rules, by_routes = (path.passed(packets, firewall.family) for path in (roundtrip.fw01, roundtrip.svc01))
    return Outcome(
        grade=WHEN_STATEFUL if WHEN_STATEFUL in grades else EXACT,
        rules=len(firewall.rules),
        routes=sum(entry["family"] == family for entry in report["entries"]),
        packets=len(packets),
        passed=len(by_rules),
        differences=[
            f"{source} > {destination} {packet}: the rules {'accept' if number in by_rules else 'drop'} it, the routes do not"
            for number, (source, destination, packet) in enumerate(packets)
            if (number in by_rules) != (number in by_routes)
        ],
    )


def summary(grade: str, outcomes: list[Outcome]) -> str:
    sums = {name: sum(getattr(one, name) for one in outcomes) for name in ("rules", "routes", "packets", "passed")}
    differences = sum(len(one.differences) for one in outcomes)
    return (
        f"{grade}: {len(outcomes)} firewalls, {sums['rules']} rules, {sums['routes']} routes; "
        f"{sums['packets']} packets, {sums['passed']} passed; {differences} differences"
    )


def test_the_most_awkward_rules_do_not_end_the_session(roundtrip: RoundTrip) -> None:
    """The fixture looks whether the session is still the same; here: every route is in FRR, and the injector takes each."""
    roundtrip.load({family: awkward(random.Random(f"{SEED}-{family}"), family) for family in (4, 6)})
    report = roundtrip.publish("--frr", "10.7", "--optimize", *INTERFACES)
    assert report and not [rule for rule in report["rules"] if rule["grade"] == "unsupported"]
    matches = [entry["match"] for entry in report["entries"]]
    assert set().union(*matches) == COMPONENTS
    assert {9, 10} <= {len(match) for match in matches}  # neither ICMP nor, in IPv4, a kind of fragment goes with ports
    assert any(match.get("port", "").count(",") == match.get("source_port", "").count(",") == 4 for match in matches)

    plan = roundtrip.injector("plan", *STATELESS)
    assert plan["rejected"] == []
    assert brief(plan["entries"]) == brief(report["entries"])


def brief(entries: list[dict]) -> Counter[tuple[object, ...]]:
    """Of routes, what is the same text in both tools."""
    return Counter((entry["family"], entry.get("sequence"), entry["actions"]["text"]) for entry in entries)
