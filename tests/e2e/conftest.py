"""What the live tests share: the network of the paper in small, and a clean end whatever happens."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence

import lab as net
import pytest


def pytest_configure(config: pytest.Config) -> None:
    """A signal ends the run as Ctrl-C does: what is up is taken down."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    if os.geteuid() != 0:
        pytest.exit("the live tests make network namespaces: run them as root", returncode=1)
    for tool in (net.INJECTOR, net.FETCHER):
        if not tool.exists():
            pytest.exit(f"{tool} is not there: build it first, or name the build in FLOWSPEC_BUILD", returncode=1)


@pytest.fixture
def lab() -> Iterator[net.Lab]:
    with net.Lab() as made:
        yield made


@dataclasses.dataclass
class Segment:
    """A leaf switch that forwards between a client and a server. No daemons."""

    leaf: net.Namespace
    client: net.Namespace
    server: net.Namespace
    CLIENT = "10.0.1.10"
    SERVER = "10.0.2.10"

    def injector(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return self.leaf.run(net.INJECTOR, *map(str, arguments), *self.state(arguments), **options)

    def state(self, arguments: Sequence[object]) -> tuple[object, ...]:
        """The state lives and ends with the lab, unless the test says where."""
        kept = any(str(argument).startswith("--state-dir") for argument in arguments)
        return () if kept or not arguments else ("--state-dir", self.leaf.lab.directory / "state")

    def fetch(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return self.leaf.run(net.FETCHER, "generate", *map(str, arguments), **options)

    def sync_text(self, routes: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        """`sync` with what FRR would have printed. Nothing at all has to come from a file: a pipe that failed is empty too."""
        source = "-" if routes else "/dev/null"
        return self.injector("sync", "--routes", source, *arguments, input=routes, **options)

    # From the client to the server, unless it says back.

    def connects(self, port: int) -> bool:
        return net.connects(self.client, self.server, self.SERVER, port)

    def connects_back(self, port: int) -> bool:
        return net.connects(self.server, self.client, self.CLIENT, port)

    def datagram_arrives(self, port: int) -> bool:
        return net.datagram_arrives(self.client, self.server, self.SERVER, port)

    def pings(self) -> bool:
        return net.pings(self.client, self.SERVER)

    def pings_back(self) -> bool:
        return net.pings(self.server, self.CLIENT)


@dataclasses.dataclass
class Loop(Segment):
    """A segment whose leaf runs FRR, with a session to a firewall host that runs BIRD."""

    firewall: net.Namespace
    bird: net.Bird
    frr: net.Frr
    session_lasts: bool = True  # the test does nothing to the session, and nobody else may

    def publish(self, text: str) -> None:
        """BIRD takes the text; returns once FRR shows as many routes as it has."""
        self.bird.configure(text)
        self.arrived(text.count("route flow4"))

    def publish_routes(self, *routes: str) -> None:
        self.publish(net.static(*routes))

    def arrived(self, routes: int) -> None:
        # FRR counts what is withdrawn before its table is without it.
        net.wait_until(lambda: self.frr.peer_state().get("pfxRcd") == routes == len(self.frr.routes()), f"{routes} routes in FRR")

    def fetch(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return self.firewall.run(net.FETCHER, "generate", *map(str, arguments), **options)

    def sync(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return self.injector("sync", "--pathspace", self.frr.pathspace, *arguments, **options)

    def plan(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return self.injector("plan", "--pathspace", self.frr.pathspace, *arguments, **options)


@pytest.fixture
def segment(lab: net.Lab) -> Segment:
    return Segment(*make_segment(lab))


def make_segment(lab: net.Lab) -> tuple[net.Namespace, net.Namespace, net.Namespace]:
    leaf, client, server = (lab.namespace(name) for name in ("leaf", "client", "server"))
    for host, network in ((client, "10.0.1"), (server, "10.0.2")):
        lab.link(leaf, f"{network}.1/24", host, f"{network}.10/24")
        host.run("ip", "route", "add", "default", "via", f"{network}.1")
    leaf.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    return leaf, client, server


@pytest.fixture
def loop(lab: net.Lab) -> Iterator[Loop]:
    """The loop with its session up. Afterwards it must still be the same session, unless the test says otherwise."""
    made = make_loop(lab)
    yield made
    if made.session_lasts:
        state = made.frr.peer_state()
        assert (state.get("state"), state.get("connectionsDropped")) == ("Established", 0), state


def make_loop(lab: net.Lab) -> Loop:
    leaf, client, server = make_segment(lab)
    firewall = lab.namespace("firewall")
    lab.link(firewall, "192.168.254.9/30", leaf, "192.168.254.10/30")
    fw01, svc01 = net.Peer("192.168.254.9", 65309), net.Peer("192.168.254.10", 65105)
    frr = net.Frr(leaf, svc01, fw01)
    made = Loop(leaf, client, server, firewall, net.Bird(firewall, fw01, svc01), frr)
    net.wait_until(lambda: frr.peer_state().get("state") == "Established", "the session")
    return made
