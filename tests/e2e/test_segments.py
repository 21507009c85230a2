"""Segments: who receives a rule, by its route targets. Three leaves on live FRR hear one controller on BIRD."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Sequence

import lab as net
import pytest

FW_ASN, LEAF_ASN = 65309, 65105
BLUE, GREEN, OTHER = ("65000:101", "65000:102", "65000:999")
NAMES = {BLUE: "blue", GREEN: "green"}


def target(*route_targets: str) -> str:
    return " ".join(f"bgp_ext_community.add((rt, {text.replace(':', ', ')}));" for text in route_targets)


def drop(port: int, *route_targets: str) -> str:
    """No datagram to this port, for whoever imports one of the targets."""
    actions = [net.sequence(port), net.DISCARD] + ([target(*route_targets)] if route_targets else [])
    return net.route(f"dst 10.0.0.0/8; proto 17; dport {port};", *actions)


@dataclasses.dataclass
class Leaf:
    """A switch with an uplink, a blue server and a green one behind interfaces of their own."""

    host: net.Namespace
    frr: net.Frr
    uplink: net.Namespace
    servers: dict[str, net.Namespace]
    number: int
    directory: pathlib.Path

    def injector(self, command: str, *arguments: object, **options: object):
        state = ("--state-dir", self.directory / f"state{self.number}")
        return self.host.run(net.INJECTOR, command, "--pathspace", self.frr.pathspace, *map(str, (*arguments, *state)), **options)

    def address(self, colour: str) -> str:
        return f"10.{self.number}.{1 if colour == 'blue' else 2}.10"

    def reaches(self, colour: str, port: int) -> bool:
        """Whether a datagram from the uplink arrives at the server of that colour."""
        return net.datagram_arrives(self.uplink, self.servers[colour], self.address(colour), port)

    def crosses(self, source: str, to: str, port: int) -> bool:
        """Whether a datagram of one server arrives at the other."""
        return net.datagram_arrives(self.servers[source], self.servers[to], self.address(to), port)


@dataclasses.dataclass
class Fabric:
    controller: net.Namespace
    file: pathlib.Path
    control: pathlib.Path
    leaves: list[Leaf]

    def announce(self, *routes: str) -> None:
        """Every leaf's FRR has them afterwards."""
        self.file.write_text(net.static(*routes))
        said = self.controller.run("birdc", "-s", self.control, "configure").stdout
        assert "Reconfigur" in said, said
        for leaf in self.leaves:
            net.wait_until(lambda: leaf.frr.peer_state().get("pfxRcd") == len(routes), f"{len(routes)} routes at {leaf.host.name}")


def make_leaf(lab: net.Lab, controller: net.Namespace, number: int) -> Leaf:
    host, uplink = lab.namespace(f"leaf{number}"), lab.namespace(f"up{number}")
    lab.link(controller, f"192.168.254.{4 * number + 1}/30", host, f"192.168.254.{4 * number + 2}/30")
    lab.link(host, f"10.{number}.0.1/24", uplink, f"10.{number}.0.10/24")
    uplink.run("ip", "route", "add", "default", "via", f"10.{number}.0.1")
    servers = {}
    for place, colour in ((1, "blue"), (2, "green")):
        servers[colour] = lab.namespace(f"{colour}{number}")
        lab.link(host, f"10.{number}.{place}.1/24", servers[colour], f"10.{number}.{place}.10/24")
        servers[colour].run("ip", "route", "add", "default", "via", f"10.{number}.{place}.1")
    host.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    own, peer = net.Peer(f"192.168.254.{4 * number + 2}", LEAF_ASN + number), net.Peer(f"192.168.254.{4 * number + 1}", FW_ASN)
    return Leaf(host, net.Frr(host, own, peer), uplink, servers, number, lab.directory)


@pytest.fixture(scope="module")
def fabric() -> Iterator[Fabric]:
    with net.Lab() as lab:
        controller = lab.namespace("firewall")
        leaves = [make_leaf(lab, controller, number) for number in (1, 2, 3)]
        file, control, main = (lab.directory / name for name in ("routes.conf", "bird.ctl", "bird.conf"))
        sessions = "".join(
            f"protocol bgp leaf{leaf.number} {{\n  local {leaf.frr.peer.address} as {FW_ASN};\n"
            f"  neighbor 192.168.254.{4 * leaf.number + 2} as {LEAF_ASN + leaf.number};\n"
            "  connect delay time 1; connect retry time 1; error wait time 1, 1;\n"
            "  flow4 { table flowtab4; import none; export all; };\n}\n"
            for leaf in leaves
        )
        main.write_text(f'router id 192.0.2.1;\nprotocol device {{ }}\nflow4 table flowtab4;\ninclude "{file.name}";\n{sessions}')
        file.touch()
        controller.start("bird", "-f", "-c", main, "-s", control, "-P", lab.directory / "bird.pid", log="bird.log")
        made = Fabric(controller, file, control, leaves)
        for leaf in leaves:
            net.wait_until(lambda: leaf.frr.peer_state().get("state") == "Established", f"the session of {leaf.host.name}")
        yield made


@pytest.fixture(autouse=True)
def no_rules(fabric: Fabric) -> Iterator[None]:
    yield
    for leaf in fabric.leaves:
        leaf.injector("flush")
        assert "FLOWSPEC" not in leaf.host.save()


def segments_file(leaf: Leaf, *segments: dict[str, object]) -> pathlib.Path:
    file = leaf.directory / f"segments{leaf.number}.json"
    file.write_text(json.dumps({"segments": segments}))
    return file


def segment(leaf: Leaf, route_target: str, *sides: str) -> dict[str, object]:
    """By the interface of its server: "in_interface", "out_interface" or both."""
    name = NAMES[route_target]
    parents = [{"chain": "FORWARD", side: f"{name}{leaf.number}"} for side in sides or ("out_interface",)]
    return {"name": name, "import": [route_target], "parents": parents}


def sync(leaf: Leaf, segments: Sequence[dict[str, object]], *arguments: object) -> None:
    leaf.injector("sync", "--segments", segments_file(leaf, *segments), "--stateful", "never", *arguments)


def ports(leaf: Leaf, chain: str) -> set[int]:
    """The destination ports of the rules in a chain."""
    return {int(rule.split("--dport ")[1].split()[0]) for rule in leaf.host.chain(chain) if "--dport" in rule}


def test_rules_reach_only_the_chains_of_their_segment(fabric: Fabric) -> None:
    """One leaf has a blue segment, one a green one, one both: three announcements, and each port is dropped where it should be."""
    fabric.announce(drop(1001, BLUE), drop(1002, GREEN), drop(1003, BLUE, GREEN), drop(1004, OTHER), drop(1005))
    first, second, both = fabric.leaves
    sync(first, [segment(first, BLUE)])
    sync(second, [segment(second, GREEN)])
    sync(both, [segment(both, BLUE), segment(both, GREEN)])

    blue, green, untargeted = {1001, 1003}, {1002, 1003}, {1004, 1005}
    assert ports(first, "FLOWSPEC-blue") == blue | {1002} | untargeted  # whose target is nobody's here is untargeted
    assert ports(second, "FLOWSPEC-green") == green | {1001} | untargeted
    assert ports(both, "FLOWSPEC-blue") == blue | untargeted
    assert ports(both, "FLOWSPEC-green") == green | untargeted
    assert both.host.chain("FORWARD") == ["-j FLOWSPEC"]

    verdicts = {(colour, port): both.reaches(colour, port) for colour in ("blue", "green") for port in range(1001, 1007)}
    dropped = {(colour, port) for (colour, port), arrived in verdicts.items() if not arrived}
    assert dropped == {("blue", port) for port in blue | untargeted} | {("green", port) for port in green | untargeted}


def test_routes_without_a_target_go_where_the_operator_says(fabric: Fabric) -> None:
    fabric.announce(drop(1001, BLUE), drop(1004, OTHER), drop(1005))
    *_, leaf = fabric.leaves
    both = [segment(leaf, BLUE), segment(leaf, GREEN)]
    sync(leaf, both, "--untargeted", "none")
    assert (ports(leaf, "FLOWSPEC-blue"), ports(leaf, "FLOWSPEC-green")) == ({1001}, set())
    assert [leaf.reaches("blue", port) for port in (1001, 1004, 1005)] == [False, True, True]

    sync(leaf, both, "--untargeted", "segment green")
    assert (ports(leaf, "FLOWSPEC-blue"), ports(leaf, "FLOWSPEC-green")) == ({1001}, {1004, 1005})
    assert [leaf.reaches("green", port) for port in (1001, 1004, 1005)] == [True, False, False]

    plan = leaf.injector("plan", "--segments", segments_file(leaf, *both), "--untargeted", "none", "--json")
    left_out = json.loads(plan.stdout)["set_aside"]
    assert [(route["reason"], "1004" in route["subject"] or "1005" in route["subject"]) for route in left_out] == [("no-segment", True)] * 2


def test_packets_of_no_segment_see_only_what_is_for_all(fabric: Fabric) -> None:
    fabric.announce(drop(1001, BLUE), drop(1005))
    leaf = fabric.leaves[0]
    sync(leaf, [segment(leaf, BLUE)])
    assert [leaf.reaches("green", port) for port in (1001, 1005)] == [True, False]


def test_what_one_tenant_opens_stays_closed_at_the_other(fabric: Fabric) -> None:
    """Blue accepts a port that green drops. A packet from blue to green is in both segments: green's drop holds."""
    accept = net.route("dst 10.0.0.0/8; proto 17; dport 1001;", net.sequence(1), target(BLUE))
    # The same packets by another match: BGP keeps one route for a match.
    refuse = net.route("dst 10.0.0.0/8; proto 17; dport 1001; sport 0..65535;", net.sequence(2), net.DISCARD, target(GREEN))
    fabric.announce(accept, refuse)
    *_, leaf = fabric.leaves
    sides = ("in_interface", "out_interface")
    sync(leaf, [segment(leaf, BLUE, *sides), segment(leaf, GREEN, *sides)])
    assert not leaf.crosses("blue", "green", 1001)
    assert leaf.crosses("blue", "green", 1002)
    assert leaf.reaches("blue", 1001)
    assert not leaf.reaches("green", 1001)


def test_a_second_pass_has_nothing_to_do(fabric: Fabric) -> None:
    fabric.announce(drop(1001, BLUE), drop(1002, GREEN), drop(1005))
    *_, leaf = fabric.leaves
    sides = ("in_interface", "out_interface")
    for segments in ([segment(leaf, BLUE)], [segment(leaf, BLUE, *sides), segment(leaf, GREEN, *sides)]):
        sync(leaf, segments)
        file = segments_file(leaf, *segments)
        leaf.injector("plan", "--exit-code", "--segments", file, "--stateful", "never")


def test_segments_that_make_no_sense_are_refused(fabric: Fabric) -> None:
    leaf = fabric.leaves[0]
    before = leaf.host.save()
    file = segments_file(leaf, segment(leaf, BLUE), {**segment(leaf, GREEN), "name": "blue"})
    for command in ("check", "sync"):
        done = leaf.injector(command, "--segments", file, check=False)
        assert done.returncode == 2 and str(file) in done.stderr and "/segments/1/name" in done.stderr
    assert leaf.host.save() == before


def test_explain_answers_for_the_segments_of_the_packet(fabric: Fabric) -> None:
    """By its interfaces: the rules named are those of its own chains, and every segment that it is in has a say."""
    fabric.announce(drop(1001, BLUE), drop(1003, BLUE, GREEN), drop(1005))
    *_, leaf = fabric.leaves
    file = segments_file(leaf, segment(leaf, BLUE), segment(leaf, GREEN))

    def explain(port: int, out: str, *arguments: str, check: bool = True):
        packet = ("--src", "192.0.2.7", "--dst", "10.3.1.10", "--proto", "udp", "--sport", "4000", "--dport", str(port))
        interfaces = ("--in-interface", leaf.uplink.name, *(("--out-interface", out) if out else ()))
        return leaf.injector("explain", "--segments", file, *packet, *interfaces, *arguments, check=check)

    blue = json.loads(explain(1003, "blue3", "--json").stdout)
    assert (blue["segment"], blue["verdict"]) == ("blue", "discard")
    assert {rule["chain"] for rule in blue["rules"]} == {"FLOWSPEC-blue"}
    assert "no entry matches" in explain(1001, "green3").stdout
    assert "dropped by entry" in explain(1005, leaf.uplink.name).stdout  # of no segment
    unsaid = explain(1001, "", check=False)
    assert unsaid.returncode == 2 and "--out-interface" in unsaid.stderr
