"""What the conformance list stands on: sentences and the table made of them, and networks of BGP speakers around FRR."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence

import lab as net
from bgp_speaker import FLOWSPEC, UNICAST, Speaker
from conftest import make_segment
from flow_octets import DESTINATION, DISCARD, prefix
from packets import Packet, Sniffer, send

# The list


@dataclasses.dataclass(frozen=True)
class Sentence:
    """Of draft-loibl-bacher-idr-flowspec-clarification-00, and what FRR's part and our part of it are: what the test sees."""

    section: str
    text: str
    frr: str  # empty: it has none
    ours: str

    def row(self) -> str:
        return f"| {self.section} | {self.text} | {self.frr} | {self.ours} |\n"


def says(section: str, text: str, *, frr: str = "", ours: str = "") -> Callable[[Callable], Callable]:
    """Decorates the test of a sentence. `text` is the draft's, word for word; "..." stands for what is left out."""

    def mark(test: Callable) -> Callable:
        test.sentence = Sentence(section, text, frr, ours)
        return test

    return mark


def table(tests: Iterable[Callable]) -> str:
    heads = ("section", "the draft says", "FRR 8.4.4", "flowspec-injector and flowspec-fetcher")
    return f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n" + "".join(test.sentence.row() for test in tests)


# The network


def network_of(number: int) -> str:
    """Where packets of a test's route go; there may be several."""
    return f"10.77.{number}.0/24"


def to(number: int) -> bytes:
    return prefix(DESTINATION, network_of(number))


LEAF, ANNOUNCER, COLLECTOR = net.Peer("192.0.2.254", 65100), net.Peer("192.0.2.1", 65001), net.Peer("192.0.2.2", 65002)
RIVAL = net.Peer("192.0.2.3", 65003)  # announces unicast routes
FILTERED = net.Peer("192.0.2.4", 65004)
OTHERS = [net.Peer(f"192.0.2.{number}", 65000 + number) for number in (11, 12, 13)]  # whose sessions may end
LEAF_TO_BIRD, BIRD = net.Peer("198.51.100.1", 65100), net.Peer("198.51.100.2", 65200)
BIRD_BEYOND, BEYOND = net.Peer("203.0.113.1", 65200), net.Peer("203.0.113.2", 65300)

PAST_BIRD = 200  # the only network whose routes FRR sends to BIRD, which takes less than FRR
TO_BIRD = (f"ip prefix-list TO-BIRD permit {network_of(PAST_BIRD)}",
           "route-map TO-BIRD permit 10", "match ip address prefix-list TO-BIRD", "exit",
           "no route-map TO-BIRD optimization")  # before FRR 10.7 that finds no flowspec route in a prefix list
ELSEWHERE = 201  # the network whose routes FRR's route-map FILTER lets neither in nor out
FILTER = ("bgp extcommunity-list expanded REDIRECT permit FS:redirect", "bgp extcommunity-list expanded MARK permit FS:marking",
          f"ip prefix-list ELSEWHERE permit {network_of(ELSEWHERE)}",
          "route-map FILTER deny 10", "match extcommunity REDIRECT", "exit",
          "route-map FILTER deny 15", "match ip address prefix-list ELSEWHERE", "exit",
          "route-map FILTER permit 20", "match extcommunity MARK", "set extcommunity none", "exit", "route-map FILTER permit 30", "exit",
          "no route-map FILTER optimization")  # fmt: skip


def configure(frr: net.Frr, *commands: str) -> str:
    arguments = [word for command in ("configure terminal", *commands) for word in ("-c", command)]
    return frr.host.run("vtysh", "--pathspace", frr.pathspace, *arguments).stdout


def neighbors(peers: Sequence[net.Peer], family: str) -> list[str]:
    """The commands that give FRR these peers too, for one family."""
    commands = ["router bgp"]
    for peer in peers:
        settings = (f"remote-as {peer.asn}", "timers connect 1", "advertisement-interval 0")
        commands += [f"neighbor {peer.address} {setting}" for setting in settings]
    return [*commands, f"address-family ipv4 {family}", *(f"neighbor {peer.address} activate" for peer in peers)]


def start_frr(lab: net.Lab, leaf: net.Namespace, peers: Sequence[net.Peer]) -> tuple[net.Frr, net.Namespace]:
    """FRR on the leaf, with the announcer as its flowspec peer; and the host of the speakers beside it."""
    speakers = lab.namespace("speakers")
    lab.link(leaf, f"{LEAF.address}/24", speakers, f"{ANNOUNCER.address}/24")
    for peer in peers:
        speakers.run("ip", "address", "add", f"{peer.address}/24", "dev", leaf.name)
    frr = net.Frr(leaf, LEAF, ANNOUNCER)
    net.wait_until(lambda: frr.show("bgp summary json"), "bgpd")
    return frr, speakers


@dataclasses.dataclass
class Leaf:
    """FRR, the injector beside it, and a peer that announces."""

    leaf: net.Namespace
    frr: net.Frr
    speakers: net.Namespace
    announcer: Speaker

    def shown(self) -> dict[str, dict[str, str]]:
        """The components of each route, as FRR shows them, by the destination."""
        return {route[0]["to"]: {key: text for key, text in route[0].items() if key != "to"} for route in self.frr.routes()}

    def route_map_words(self, command: str) -> set[str]:
        """What FRR takes in a route-map after that command."""
        listed = configure(self.frr, "route-map ANY permit 10", f"{command} ?")
        return {line.split()[0] for line in listed.splitlines() if line.strip()}

    def injector(self, command: str, *arguments: str | pathlib.Path, **options: object) -> subprocess.CompletedProcess[str]:
        source = ("--routes", "-") if options.get("input") else ("--pathspace", self.frr.pathspace, "--source", "socket")
        return self.leaf.run(
            net.INJECTOR, command, *source, "--stateful", "never", "--conntrack", "off", "--hold-time", "0", "--settle", "0",
            "--state-dir", self.leaf.lab.directory / "state", *arguments, **options,
        )  # fmt: skip

    def plan(self, *arguments: str | pathlib.Path, input: str = "") -> dict:
        return json.loads(self.injector("plan", "--json", *arguments, input=input).stdout)

    def entries(self, *arguments: str | pathlib.Path, input: str = "") -> dict[str, dict]:
        """What the injector enforces, by the destination."""
        return {entry["match"]["destination"]: entry for entry in self.plan(*arguments, input=input)["entries"]}

    def left_out(self, *arguments: str | pathlib.Path) -> dict[str, str]:
        """Why the other routes are not enforced, by the destination."""
        plan = self.plan(*arguments)
        both = [*plan["rejected"], *plan.get("set_aside", [])]
        return {next(word for word in one["subject"].split() if "/" in word): one["reason"] for one in both}

    def sync(self, *arguments: str | pathlib.Path) -> None:
        self.injector("sync", *arguments)

    def enforced(self) -> set[str]:
        """The destinations of the rules in the kernel."""
        return {rule.split()[1] for rule in self.leaf.chain("FLOWSPEC") if rule.startswith("-d")}


@dataclasses.dataclass
class Network(Leaf):
    """The leaf is between a client and a server, and others get what FRR sends on."""

    client: net.Namespace
    server: net.Namespace
    bird: net.Bird  # FRR's other neighbour, and one of BEYOND
    filtered: Speaker  # FRR has a route-map for what it announces, and for what it hears
    collector: Speaker  # hears FRR
    beyond: Speaker  # hears BIRD

    # Routes

    def announce(self, *routes: bytes, actions: Sequence[bytes] = (DISCARD,)) -> None:
        """Returns once FRR has them: when it has sent them on."""
        for route in routes:
            self.announcer.announce(route, *actions)
        self.collector.listen(lambda: set(routes) <= set(self.collector.flows), "the routes from FRR")

    def withdraw_all(self) -> None:
        others = self.filtered.announced or self.bird.routes_file.read_text()
        if others:
            self.bird.configure("")
        for speaker in (self.announcer, self.filtered):
            speaker.withdraw_all()
        for speaker in (self.filtered, self.collector, self.beyond):
            speaker.listen(lambda: not speaker.flows, "all routes withdrawn")
        if others:  # which the collector was not made to hear
            net.wait_until(lambda: not self.shown(), "all routes withdrawn")

    def catch_up(self, speaker: Speaker) -> None:
        """Until it has read all that was sent to it, and has no route."""
        self.announce(to(0))
        speaker.listen(lambda: to(0) in speaker.flows, "the route that FRR lets out")
        self.withdraw_all()

    def neighbor(self, peer: net.Peer) -> dict:
        """What FRR says of the session with a peer."""
        return json.loads(self.frr.show(f"bgp neighbors {peer.address} json"))[peer.address]

    def taken(self, peer: net.Peer) -> int:
        """How many routes FRR has taken from a peer."""
        return self.neighbor(peer)["addressFamilyInfo"]["ipv4Flowspec"]["acceptedPrefixCounter"]

    def refused(self, peer: net.Peer, nlri: bytes) -> tuple[int, ...]:
        """The code and subcode of the NOTIFICATION with which FRR answers the route."""
        speaker = Speaker(self.speakers, peer, LEAF)
        speaker.announce(nlri, DISCARD)
        return speaker.refused()

    # The fetcher

    def published(self, *rules: str, options: Sequence[str | pathlib.Path] = ()) -> str:
        """The routes that it makes of a FORWARD chain."""
        text = "".join(f"-A FORWARD {rule}\n" for rule in rules)
        saved = f"*filter\n:FORWARD ACCEPT [0:0]\n{text}COMMIT\n"
        return self.leaf.run(net.FETCHER, "generate", "--rules", "-", *options, input=saved).stdout

    def sent(self, text: str) -> set[str]:
        """The destinations that FRR has from BIRD when BIRD has these routes and no others."""
        self.bird.configure(text)
        routes = text.count("route flow4")
        # FRR counts what is withdrawn before its table is without it.
        net.wait_until(lambda: (self.taken(BIRD), len(self.shown())) == (routes, routes), f"{routes} routes, all from BIRD")
        return set(self.shown())

    def findings(self, match: str) -> str:
        """What `lint` says of one route in BIRD's configuration."""
        file = self.leaf.lab.directory / "linted.conf"
        file.write_text("router id 192.0.2.1;\nflow4 table flowtab4;\n" + net.static(net.route(match)))
        return self.leaf.run(net.FETCHER, "lint", file, check=False).stdout

    # Packets

    def fates(self, *sent: tuple[int, Packet]) -> list[int | None]:
        """Each packet goes to the destination of that number. The DSCP with which it arrives; none: it does not."""
        targets = [network_of(number).replace("0/24", "9") for number, _ in sent]
        with Sniffer(self.server) as sniffer:
            send(self.client, ((to, one.octets("10.0.1.10", to, at), 1) for at, (to, (_, one)) in enumerate(zip(targets, sent))))
            came = dict(sniffer.take(quiet=0.2))
        return [came.get(at) for at in range(len(sent))]

    def marks(self, *packets: Packet, number: int = 1) -> list[int | None]:
        return self.fates(*((number, packet) for packet in packets))

    def dropped(self, *packets: Packet, number: int = 1) -> list[bool]:
        return [mark is None for mark in self.marks(*packets, number=number)]

    def policy(self, *terms: dict) -> tuple[str, pathlib.Path]:
        """The option for a policy of these terms; what they do not decide is accepted."""
        file = self.leaf.lab.directory / "policy.json"
        named = [{"name": f"term-{number}", **term} for number, term in enumerate(terms, start=1)]
        file.write_text(json.dumps({"terms": named, "default": "accept"}))
        return "--policy", file


@contextlib.contextmanager
def make_network() -> Iterator[Network]:
    with net.Lab() as lab:
        leaf, client, server = make_segment(lab)
        leaf.run("ip", "route", "add", "10.77.0.0/16", "via", "10.0.2.10")
        frr, speakers = start_frr(lab, leaf, [COLLECTOR, FILTERED, *OTHERS])
        beside = lab.namespace("bird")
        lab.link(leaf, f"{LEAF_TO_BIRD.address}/30", beside, f"{BIRD.address}/30")
        lab.link(beside, f"{BIRD_BEYOND.address}/30", speakers, f"{BEYOND.address}/30")
        bird = net.Bird(beside, BIRD, LEAF_TO_BIRD)
        bird.file.write_text(bird.file.read_text().replace("import none", "import all") + f"""
protocol bgp beyond {{
  local {BIRD_BEYOND.address} as {BIRD_BEYOND.asn};
  neighbor {BEYOND.address} as {BEYOND.asn};
  passive on;
  flow4 {{ table flowtab4; import none; export all; }};
}}
""")
        bird.configure("")
        configure(frr, *FILTER, *TO_BIRD, *neighbors([COLLECTOR, FILTERED, *OTHERS, BIRD], "flowspec"),
                  f"neighbor {FILTERED.address} route-map FILTER in", f"neighbor {FILTERED.address} route-map FILTER out",
                  f"neighbor {BIRD.address} route-map TO-BIRD out")  # fmt: skip
        assert net.pings(client, "10.0.2.10")  # the neighbours are known before there are packets
        announcer, filtered, collector = (Speaker(speakers, peer, LEAF) for peer in (ANNOUNCER, FILTERED, COLLECTOR))
        made = Network(leaf, frr, speakers, announcer, client, server, bird, filtered, collector, Speaker(speakers, BEYOND, BIRD_BEYOND))
        net.wait_until(lambda: "Established" in beside.run("birdc", "-s", bird.control, "show", "protocols", "leaf").stdout, "BIRD")
        yield made


@dataclasses.dataclass
class Unicast(Leaf):
    """The announcer is FRR's only flowspec peer, so that what FRR shows is the announcer's; both tell it of unicast routes."""

    rival: Speaker

    def best(self, network: str) -> str:
        """The peer of the best unicast route of just this prefix; empty when there is none."""
        paths = json.loads(self.frr.show(f"bgp ipv4 unicast {network} json")).get("paths", [])
        return next((path["peer"]["peerId"] for path in paths if path.get("bestpath", {}).get("overall")), "")

    def announce(self, *routes: bytes) -> None:
        for route in routes:
            self.announcer.announce(route, DISCARD)
        net.wait_until(lambda: len(self.shown()) == len(self.announcer.announced), "the routes")

    def withdraw_all(self) -> None:
        for speaker in (self.announcer, self.rival):
            speaker.withdraw_all()
        net.wait_until(lambda: not self.shown() and not json.loads(self.frr.show("bgp ipv4 unicast json"))["routes"], "all withdrawn")

    def becomes_best(self, network: str, peer: net.Peer | None) -> None:
        net.wait_until(lambda: self.best(network) == (peer.address if peer else ""), f"the best route of {network}")


@contextlib.contextmanager
def make_unicast() -> Iterator[Unicast]:
    with net.Lab() as lab:
        frr, speakers = start_frr(lab, lab.namespace("leaf"), [RIVAL])
        configure(frr, *neighbors([RIVAL], "unicast"))
        announcer, rival = Speaker(speakers, ANNOUNCER, LEAF, (UNICAST, FLOWSPEC)), Speaker(speakers, RIVAL, LEAF, (UNICAST,))
        yield Unicast(frr.host, frr, speakers, announcer, rival)
