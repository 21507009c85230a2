"""The BGP speakers of the interoperability test: each takes routes in its own words, and says which it does not take."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess

import lab as net

FAMILIES = ("ipv4", "ipv6")


@dataclasses.dataclass(frozen=True)
class Route:
    """One route in the words of one speaker."""

    family: str
    destination: str
    match: str  # the other components
    action: str


class Bird:
    """BIRD 2, with static routes."""

    DISCARD = net.DISCARD

    def __init__(self, host: net.Namespace, own: net.Peer, peer: net.Peer) -> None:
        self.bird = net.Bird(host, own, peer, FAMILIES)

    def announce(self, routes: list[Route]) -> list[str]:
        """What it said against each; empty when it took the route."""
        said = [self.objection(route) for route in routes]
        self.bird.configure(self.configuration([route for route, against in zip(routes, said) if not against]))
        return said

    def objection(self, route: Route) -> str:
        """Of its own parser."""
        file = self.bird.host.lab.directory / "one-route.conf"
        file.write_text(f"router id 192.0.2.1;\nflow4 table flowtab4;\nflow6 table flowtab6;\n{self.configuration([route])}")
        done = subprocess.run(["bird", "-p", "-c", file], capture_output=True, text=True, timeout=10)
        return done.stderr.strip() if done.returncode else ""

    @staticmethod
    def configuration(routes: list[Route]) -> str:
        text = ""
        for family in FAMILIES:
            kind = f"flow{family[-1]}"
            text += f"protocol static flowspec{family[-1]} {{\n  {kind} {{ table flowtab{family[-1]}; }};\n"
            for route in routes:
                if route.family == family:
                    text += f"  route {kind} {{ dst {route.destination}; {route.match} }} {{ {route.action} }};\n"
            text += "}\n"
        return text


class ExaBgp:
    """ExaBGP 4, through its API: a helper process writes commands, and is told `done` or `error` for each."""

    DISCARD = "discard;"

    def __init__(self, host: net.Namespace, own: net.Peer, peer: net.Peer) -> None:
        self.host, self.own, self.peer = host, own, peer
        self.commands, self.answers = host.lab.directory / "exabgp.commands", host.lab.directory / "exabgp.answers"

    def announce(self, routes: list[Route]) -> list[str]:
        self.commands.write_text("".join(self.command(route) for route in routes))
        self.start()
        net.wait_until(self.answers.exists, "ExaBGP's helper")
        net.wait_until(lambda: self.answers.read_text().count("\n") >= len(routes), "ExaBGP's answers")
        answers = self.answers.read_text().splitlines()
        assert set(answers) <= {"done", "error"}, answers
        return ["" if answer == "done" else answer for answer in answers]

    @staticmethod
    def command(route: Route) -> str:
        match = route.match
        if route.family == "ipv6":
            match = match.replace("protocol ", "next-header ").replace("dscp ", "traffic-class ")
        return f"announce flow route {{ match {{ destination {route.destination}; {match} }} then {{ {route.action} }} }}\n"

    def start(self) -> None:
        # The shell goes on: a helper whose output is closed has died, for ExaBGP.
        helper, file = self.host.lab.directory / "exabgp-helper.sh", self.host.lab.directory / "exabgp.conf"
        helper.write_text(f"cat '{self.commands}'\ncat >'{self.answers}'\n")
        file.write_text(f"""
process announcer {{ run /bin/sh {helper}; encoder text; }}
neighbor {self.peer.address} {{
  router-id {self.own.address}; local-address {self.own.address};
  local-as {self.own.asn}; peer-as {self.peer.asn};
  family {{ ipv4 flow; ipv6 flow; }}
  api {{ processes [ announcer ]; }}
}}
""")
        settings = ("daemon.user=root", "api.respawn=false", "api.cli=false", "log.destination=stdout")
        self.host.start("env", *(f"exabgp.{setting}" for setting in settings), "exabgp", file, log="exabgp.log")


class GoBgp:
    """GoBGP 3, through its command line tool."""

    DISCARD = "discard"
    PORT = "50051"  # of gRPC; the namespace is its own

    def __init__(self, host: net.Namespace, own: net.Peer, peer: net.Peer) -> None:
        self.host = host
        file = host.lab.directory / "gobgpd.toml"
        families = "".join(
            f'  [[neighbors.afi-safis]]\n    [neighbors.afi-safis.config]\n      afi-safi-name = "{family}-flowspec"\n'
            for family in FAMILIES
        )
        # It listens: FRR comes within a second, and GoBGP itself would begin after five.
        file.write_text(f"""
[global.config]
  as = {own.asn}
  router-id = "{own.address}"
  local-address-list = ["{own.address}"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{peer.address}"
    peer-as = {peer.asn}
{families}""")
        host.start("gobgpd", "-f", file, "--api-hosts", f"127.0.0.1:{self.PORT}", "--pprof-disable", log="gobgpd.log")
        net.wait_until(lambda: self.gobgp("neighbor").returncode == 0, "gobgpd")

    def gobgp(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.host.run("gobgp", "-p", self.PORT, *arguments, check=False)

    def announce(self, routes: list[Route]) -> list[str]:
        return [self.announce_one(route) for route in routes]

    def announce_one(self, route: Route) -> str:
        match, action = shlex.split(route.match), shlex.split(route.action)
        done = self.gobgp(
            "global", "rib", "add", "-a", f"{route.family}-flowspec",
            "match", "destination", route.destination, *match, "then", *action,
        )  # fmt: skip
        return (done.stdout + done.stderr).strip() or "refused" if done.returncode else ""


SPEAKERS = {"BIRD": Bird, "ExaBGP": ExaBgp, "GoBGP": GoBgp}
