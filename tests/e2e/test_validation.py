"""RFC 8955 section 6 and RFC 9117, live: FRR's unicast routes decide which flowspec routes are installed, pass by pass."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator, Sequence

import lab as net
import pytest
from daemon import Daemon

LEAF = net.Peer("10.77.0.1", 65000)
# The default policy of the announcer's own network, and a route for a host in it.
HOST = "dst 10.1.1.10/32; proto 17;"
NETWORK = "10.1.0.0/16"


class Speaker:
    """BIRD with unicast and flowspec routes. The leaf's end of its cable is .1, its own .2."""

    def __init__(self, leaf: net.Namespace, name: str, network: str, asn: int) -> None:
        self.host = leaf.lab.namespace(name)
        self.peer = net.Peer(f"{network}.2", asn)
        leaf.lab.link(leaf, f"{network}.1/24", self.host, f"{self.peer.address}/24")
        directory = leaf.lab.directory
        self.file, self.routes, self.control = (directory / f"{name}.{end}" for end in ("conf", "routes", "ctl"))
        self.file.write_text(f"""
router id {self.peer.address};
protocol device {{ }}
flow4 table flowtab4;
include "{self.routes.name}";
protocol bgp leaf {{
  local {self.peer.address} as {asn};
  neighbor {network}.1 as {LEAF.asn};
  connect delay time 1; connect retry time 1; error wait time 1, 1;
  ipv4 {{ import none; export all; next hop self; }};
  flow4 {{ table flowtab4; import none; export all; }};
}}
""")
        self.routes.touch()
        self.start()

    def start(self) -> None:
        self.process = self.host.start(
            "bird", "-f", "-c", self.file, "-s", self.control, "-P", self.file.with_suffix(".pid"), log=f"{self.file.stem}.log"
        )
        net.wait_for_bird(self.host, self.control)

    def announce(self, unicast: Sequence[str] = (), flowspec: Sequence[str] = ()) -> None:
        """These and no others. A unicast route is a prefix, or "PREFIX AS AS" with ASes that seem to stand behind this one."""
        text = "protocol static unicast4 {\n  ipv4;\n"
        for route in unicast:
            prefix, *path = route.split()
            text += f"  route {prefix} blackhole {{ {' '.join(f'bgp_path.prepend({asn});' for asn in reversed(path))} }};\n"
        self.routes.write_text(text + "}\n" + net.static(*(net.route(match, net.DISCARD) for match in flowspec)))
        said = self.host.run("birdc", "-s", self.control, "configure").stdout
        assert "Reconfigured" in said or "Reconfiguration in progress" in said, said


class Leaf:
    """bgpd with a flowspec peer, and others for unicast only."""

    def __init__(self, host: net.Namespace) -> None:
        self.host = host
        self.announcer = Speaker(host, "announcer", "10.77.0", 65001)
        self.frr = net.Frr(host, LEAF, self.announcer.peer)
        net.wait_until(lambda: self.frr.peer_state().get("state") == "Established", "the session")

    def configure(self, *commands: str) -> None:
        lines = ("configure terminal", f"router bgp {LEAF.asn}", *commands)
        self.host.run("vtysh", "--pathspace", self.frr.pathspace, *(word for line in lines for word in ("-c", line)))

    def another(self, name: str, network: str, asn: int, flowspec: bool = False) -> Speaker:
        """A further peer, once its session is up."""
        speaker = Speaker(self.host, name, network, asn)
        address = speaker.peer.address
        neighbor = f"neighbor {address}"
        self.configure(f"{neighbor} remote-as {asn}", f"{neighbor} timers connect 1", f"{neighbor} advertisement-interval 0")
        if flowspec:
            self.configure("address-family ipv4 flowspec", f"{neighbor} activate", f"{neighbor} route-map NOTHING out")
        kind = "flowspec" if flowspec else "unicast"
        net.wait_until(lambda: self.peer(kind, speaker).get("state") == "Established", f"the session with {name}")
        return speaker

    def peer(self, kind: str, speaker: Speaker) -> dict[str, object]:
        """Its part of a summary; empty while bgpd does not answer."""
        try:
            return json.loads(self.frr.show(f"bgp ipv4 {kind} summary json"))["peers"][speaker.peer.address]
        except (ValueError, KeyError):
            return {}

    def best(self) -> dict[str, str]:
        """The peer of the best path, by prefix."""
        try:
            routes = json.loads(self.frr.show("bgp ipv4 unicast json"))["routes"]
        except ValueError:
            return {}
        return {prefix: path["peerId"] for prefix, paths in routes.items() for path in paths if path.get("bestpath")}

    def unicast_is(self, **peers: Speaker | None) -> None:
        """Waits until the best paths are those, by prefix: `unicast_is(**{"10.0.0.0/8": speaker})`."""
        wanted = {prefix: speaker.peer.address if speaker else None for prefix, speaker in peers.items()}
        net.wait_until(lambda: all(self.best().get(prefix) == peer for prefix, peer in wanted.items()), f"unicast {wanted}")

    def arrived(self, speaker: Speaker, routes: int) -> None:
        net.wait_until(lambda: self.peer("flowspec", speaker).get("pfxRcd") == routes, f"{routes} flowspec routes in FRR")

    def injector(self, *command: str, validate: str = "rfc8955", check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.host.run(
            net.INJECTOR, *command, "--validate", validate, "--pathspace", self.frr.pathspace,
            "--state-dir", self.host.lab.directory / "state", check=check,
        )  # fmt: skip

    def sync(self, validate: str = "rfc8955", check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.injector("sync", validate=validate, check=check)

    def set_aside(self, validate: str = "rfc8955") -> dict[str, str]:
        """Why, by route; all of them for the same reason."""
        aside = json.loads(self.injector("plan", "--json", validate=validate).stdout)["set_aside"]
        assert {route["reason"] for route in aside} <= {"not-feasible"}
        return {route["subject"]: route["detail"] for route in aside}

    def discards(self) -> list[str]:
        """The destinations that are discarded."""
        return [rule.split()[1] for rule in self.host.chain("FLOWSPEC") if rule.endswith("-j DROP") and rule.startswith("-d ")]


@pytest.fixture
def leaf(lab: net.Lab) -> Iterator[Leaf]:
    made = Leaf(lab.namespace("leaf"))
    made.announcer.announce([f"{NETWORK} 65077"], [HOST])
    made.arrived(made.announcer, 1)
    made.unicast_is(**{NETWORK: made.announcer})
    yield made


def test_the_unicast_route_moves_to_another_peer_and_returns(leaf: Leaf) -> None:
    other = leaf.another("other", "10.77.1", 65002)
    leaf.sync()
    assert leaf.discards() == ["10.1.1.10/32"]
    assert leaf.set_aside() == {}
    # A shorter AS path for the same prefix.
    other.announce([NETWORK])
    leaf.unicast_is(**{NETWORK: other})
    (detail,) = leaf.set_aside().values()
    assert other.peer.address in detail and NETWORK in detail
    leaf.sync()
    assert leaf.discards() == []
    other.announce()
    leaf.unicast_is(**{NETWORK: leaf.announcer})
    leaf.sync()
    assert leaf.discards() == ["10.1.1.10/32"]
    # A longer prefix around the destination.
    other.announce(["10.1.1.0/24"])
    leaf.unicast_is(**{"10.1.1.0/24": other})
    leaf.sync()
    assert leaf.discards() == []


def test_the_unicast_route_is_withdrawn(leaf: Leaf) -> None:
    leaf.sync()
    leaf.announcer.announce([], [HOST])
    leaf.unicast_is(**{NETWORK: None})
    (detail,) = leaf.set_aside().values()
    assert "no unicast route" in detail
    leaf.sync()
    assert leaf.discards() == []


def test_a_part_of_the_destination_is_anothers(leaf: Leaf) -> None:
    other = leaf.another("other", "10.77.1", 65002)
    leaf.announcer.announce([NETWORK], ["dst 10.1.0.0/16;"])
    leaf.sync()
    assert leaf.discards() == [NETWORK]
    other.announce(["10.1.128.0/24"])
    leaf.unicast_is(**{"10.1.128.0/24": other})
    (detail,) = leaf.set_aside().values()
    assert "10.1.128.0/24" in detail and "65002" in detail
    leaf.sync()
    assert leaf.discards() == []


def test_without_a_destination_nothing_is_feasible(leaf: Leaf) -> None:
    leaf.announcer.announce(["0.0.0.0/0", NETWORK], [HOST, "src 10.9.0.0/16;", "dst 0.0.0.0/0; src 0.0.0.0/0;"])
    leaf.arrived(leaf.announcer, 3)
    leaf.unicast_is(**{"0.0.0.0/0": leaf.announcer})
    ((subject, detail),) = leaf.set_aside().items()
    assert "10.9.0.0/16" in subject and "no destination" in detail


def test_two_peers_that_announce_are_too_many_and_the_rules_stay(leaf: Leaf) -> None:
    leaf.sync()
    other = leaf.another("other", "10.77.1", 65002, flowspec=True)
    leaf.sync()  # it has announced nothing yet
    other.announce(["10.2.0.0/16"], ["dst 10.2.0.0/16;"])
    leaf.arrived(other, 1)
    before = leaf.host.save()
    done = leaf.sync(check=False)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert all(word in done.stderr for word in (leaf.announcer.peer.address, other.peer.address, "10.4.4")), done
    assert leaf.host.save() == before
    other.announce(["10.2.0.0/16"])
    leaf.arrived(other, 0)
    leaf.sync()
    assert leaf.discards() == ["10.1.1.10/32"]


def test_routes_from_inside_the_as_are_refused(lab: net.Lab) -> None:
    leaf = Leaf(lab.namespace("leaf"))
    inside = leaf.another("inside", "10.77.1", LEAF.asn, flowspec=True)
    inside.announce([NETWORK], [HOST])
    leaf.arrived(inside, 1)
    for mode in ("rfc8955", "rfc9117"):
        done = leaf.sync(mode, check=False)
        assert done.returncode == 1 and "internal" in done.stderr, done
    assert leaf.host.chain("FLOWSPEC") == []


def test_the_as_is_enough_for_rfc9117(leaf: Leaf) -> None:
    """Another router of the announcer's AS has the better path."""
    twin = leaf.another("twin", "10.77.1", 65001)
    twin.announce([NETWORK])
    leaf.unicast_is(**{NETWORK: twin})
    assert len(leaf.set_aside()) == 1
    assert leaf.set_aside("rfc9117") == {}


def test_a_lost_session_changes_no_verdict(leaf: Leaf) -> None:
    other = leaf.another("other", "10.77.1", 65002)
    other.announce(["10.2.0.0/16"])
    leaf.announcer.announce([NETWORK], [HOST, "dst 10.2.1.1/32;"])
    leaf.arrived(leaf.announcer, 2)
    leaf.unicast_is(**{"10.2.0.0/16": other})
    leaf.sync()
    assert leaf.discards() == ["10.1.1.10/32"]
    net.stop(leaf.announcer.process)
    net.wait_until(lambda: leaf.frr.routes_text() == "", "FRR without flowspec routes")
    leaf.sync()
    assert leaf.discards() == ["10.1.1.10/32"]
    leaf.announcer.start()
    for _ in range(10):  # while it comes back
        leaf.sync(check=False)
        assert leaf.discards() == ["10.1.1.10/32"]
    leaf.arrived(leaf.announcer, 2)
    leaf.unicast_is(**{NETWORK: leaf.announcer})
    leaf.sync()
    assert leaf.discards() == ["10.1.1.10/32"]
    assert len(leaf.set_aside()) == 1


def test_run_notices_when_only_unicast_changes(leaf: Leaf) -> None:
    """A cheap look is enough: all flowspec routes would be read again only after an hour."""
    other = leaf.another("other", "10.77.1", 65002)
    daemon = Daemon(
        leaf.host, leaf.host.lab.directory / "run", "--pathspace", leaf.frr.pathspace, "--validate", "rfc8955",
        "--interval", "0.2", "--full-interval", "3600",
    )  # fmt: skip
    net.wait_until(lambda: leaf.discards() == ["10.1.1.10/32"], "the rule")
    for _ in range(2):
        other.announce([NETWORK])
        net.wait_until(lambda: leaf.discards() == [], "the rule to go")
        other.announce()
        net.wait_until(lambda: leaf.discards() == ["10.1.1.10/32"], "the rule to return")
    net.stop(daemon.process)
