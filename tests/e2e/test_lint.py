"""What `flowspec-fetcher lint` says of a route, held against BIRD's own parser and a session with FRR."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence

import lab as net
import pytest
from speakers import FAMILIES

# What lint says first of each route: the kind, or "" when it has nothing against it. A route has its own destination, unless it
# is written out.
IPV4 = {
    "proto 6;": "",
    "dport 1,2,3,4,5;": "",
    "sport 1..1023,1194,3306;": "",
    "dport = 80 || = 443 || >= 8000 && <= 8080;": "",
    "dport 80; dport 443;": "",
    "dport > 1023 && < 2048 || 53; length > 1500;": "",
    "icmp type 3; icmp code 1; dscp 8..15;": "",
    "tcp flags 0x03/0x0f, !0/0xff || 0x33/0x33; fragment dont_fragment, is_fragment || !first_fragment;": "",
    "dport 0..65535; port < 0;": "",
    "src 0.0.0.0/0;": "",
    "dport 90..80;": "misread",
    "dport > 5 && > 1000;": "misread",
    "length false 5;": "misread",
    "tcp flags 0/0;": "misread",
    "dport 80; proto 6; dport 443;": "misread",
    "{ }": "reset",
    "dport != 5;": "reset",
    "proto > 5 && != 17;": "reset",
    "length true 0;": "reset",
    "dport 1,2,3,4,5,6;": "reset",
    "dport 1; dport 2..3,4..5,6;": "reset",
    "dport 1..2,4..5,7..8;": "reset",
    "tcp flags 1/3,4/0xc,0x10/0x30;": "reset",
    "fragment !is_fragment || is_fragment || first_fragment || last_fragment || dont_fragment || !dont_fragment;": "reset",
    f"sport {','.join(map(str, range(1000, 1080)))};": "reset",  # 240 bytes and more, too
    "src 10.0.0.1/8;": "refused-by-bird",
    "src 10.0.0.0/33;": "refused-by-bird",
    "src 10.0.0.0;": "refused-by-bird",
    "src 2001:db8::/32;": "refused-by-bird",
    "dport = 80, 443;": "refused-by-bird",
    "dport > 5 && 80;": "refused-by-bird",
    "dport 65536;": "refused-by-bird",
    "dport true;": "refused-by-bird",
    "dscp 64;": "refused-by-bird",
    "proto tcp;": "refused-by-bird",
    "label 5;": "refused-by-bird",
    "tcp flags 3;": "refused-by-bird",
    "tcp flags !3/7;": "refused-by-bird",
    "tcp flags 0x1000/0x1000;": "refused-by-bird",
    "dport 80": "refused-by-bird",
    "; dport 80;": "refused-by-bird",
}  # fmt: skip
IPV6 = {
    "next header 6; label 5;": "",
    "src ::/0 offset 0; label 1..5,65535;": "",
    "fragment !last_fragment;": "",
    "label 0x12345;": "misread",
    "src 0:0:0:1::/64 offset 4;": "misread",
    "{ }": "reset",
    "label != 5;": "reset",
    "next header != 6;": "reset",
    "src 0:0:0:1::/64 offset 64;": "reset",
    "src ::1234:5678:9800:0/101 offset 64;": "reset",
    "src 2001:db8::/32 offset 8;": "reset",
    "src 2001:db8::/32 offset 33;": "refused-by-bird",
    "src 10.0.0.0/8;": "refused-by-bird",
    "label 5/5;": "refused-by-bird",
    "fragment dont_fragment;": "refused-by-bird",
}
ROUTES = {(family, words): kind for family, table in zip(FAMILIES, (IPV4, IPV6)) for words, kind in table.items()}


def flow(family: str, words: str, number: int) -> str:
    """A route with these words; the number makes its destination."""
    destination = f"10.77.{number}.0/24" if family == "ipv4" else f"2001:db8:77:{number}::/64"
    match = words if words.startswith("{") else f"{{ dst {destination}; {words} }}"
    return f"  route flow{family[-1]} {match} {{ {net.DISCARD} }};\n"


def configuration(routes: Sequence[tuple[str, str]]) -> str:
    """What BIRD includes behind its tables."""
    return "".join(
        f"protocol static flowspec{family[-1]} {{\n  flow{family[-1]} {{ table flowtab{family[-1]}; }};\n"
        + "".join(flow(*route, number) for number, route in enumerate(routes) if route[0] == family)
        + "}\n"
        for family in FAMILIES
    )


def lint(text: str) -> subprocess.CompletedProcess[str]:
    """A sanitizer that stops it is no finding."""
    done = subprocess.run([net.FETCHER, "lint", "--json", "-"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1) and "Sanitizer" not in done.stderr, done
    return done


def first_kind(text: str) -> str:
    done = lint(text)
    kinds = [finding["kind"] for finding in json.loads(done.stdout)["findings"]]
    assert done.returncode == bool(kinds)
    return kinds[0] if kinds else ""


def bird_takes(lab: net.Lab, text: str) -> bool:
    file = lab.directory / "one.conf"
    file.write_text(f"router id 192.0.2.1;\nflow4 table flowtab4;\nflow6 table flowtab6;\n{text}")
    return subprocess.run(["bird", "-p", "-c", file], capture_output=True, timeout=10).returncode == 0


@pytest.mark.parametrize("route", ROUTES)
def test_bird_refuses_what_lint_says_that_it_does(lab: net.Lab, route: tuple[str, str]) -> None:
    text = configuration([route])
    assert first_kind(text) == ROUTES[route]
    assert bird_takes(lab, text) == (ROUTES[route] != "refused-by-bird")


class Session:
    """BIRD and FRR, with nothing but a session."""

    def __init__(self, lab: net.Lab) -> None:
        firewall, self.leaf = lab.namespace("firewall"), lab.namespace("leaf")
        lab.link(firewall, "192.168.254.9/30", self.leaf, "192.168.254.10/30")
        fw01, svc01 = net.Peer("192.168.254.9", 65309), net.Peer("192.168.254.10", 65105)
        self.frr = net.Frr(self.leaf, svc01, fw01, FAMILIES)
        self.bird = net.Bird(firewall, fw01, svc01, FAMILIES)
        self.wait_for_it()

    def wait_for_it(self) -> None:
        net.wait_until(lambda: self.frr.peer_state().get("state") == "Established", "the session")

    def dropped(self) -> int:
        return self.frr.peer_state()["connectionsDropped"]

    def received(self) -> dict[str, object]:
        return {family: self.frr.peer_state(family).get("pfxRcd") for family in FAMILIES}


def test_frr_takes_what_lint_does_not_call_a_reset(lab: net.Lab) -> None:
    session = Session(lab)
    routes = [route for route, kind in ROUTES.items() if kind in ("", "misread")]
    session.bird.configure(configuration(routes))
    expected = {family: sum(of == family for of, _ in routes) for family in FAMILIES}
    net.wait_until(lambda: session.received() == expected, f"{expected} routes in FRR")
    assert session.dropped() == 0

    # What lint passes, the injector can read.
    options = ("--stateful", "never", "--conntrack", "off", "--pathspace", session.frr.pathspace)
    plan = json.loads(session.leaf.run(net.INJECTOR, "plan", "--json", *options).stdout)
    unreadable = set()
    for rejected in plan["rejected"]:
        if rejected["reason"] != "never-matches":
            number = re.search(r"77[.:](\d+)[.:]", rejected["subject"])
            assert number, rejected
            unreadable.add(routes[int(number[1])])
    assert unreadable == {("ipv4", "dport > 5 && > 1000;"), ("ipv6", "src 0:0:0:1::/64 offset 4;")}


def test_frr_resets_the_session_over_each_route_that_lint_says_it_does(lab: net.Lab) -> None:
    session = Session(lab)
    good = ("ipv4", "proto 6;")
    for route in (route for route, kind in ROUTES.items() if kind == "reset"):
        session.bird.configure(configuration([good]))
        session.wait_for_it()
        net.wait_until(lambda: session.received()["ipv4"] == 1, "the route without fault")
        before = session.dropped()
        session.bird.configure(configuration([good, route]))
        net.wait_until(lambda: session.dropped() > before, f"the end of the session over {route}")
    session.bird.configure(configuration([good]))
    session.wait_for_it()
    net.wait_until(lambda: session.received()["ipv4"] == 1, "the route without fault")


def test_what_the_fetcher_writes_has_no_findings() -> None:
    rules = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p tcp --dport 80 -j ACCEPT\n-A FORWARD -s 10.0.0.0/8 -j DROP\nCOMMIT\n"
    written = subprocess.run([net.FETCHER, "generate", "--rules", "-"], input=rules, capture_output=True, text=True, check=True)
    assert written.stdout.count("route flow4") == 3
    assert lint(written.stdout).returncode == 0
