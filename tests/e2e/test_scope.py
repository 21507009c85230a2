"""`--scope local`: a host carries the rules of its own prefixes and no others, whatever is announced."""

from __future__ import annotations

import pathlib
import re

import lab as net
import pytest
from conftest import Loop, Segment
from daemon import Daemon

SOMEWHERE = "172.16.0.0/12"  # nobody's here
LATER_NETWORK = "10.0.9"


def installed(host: net.Namespace, family: int = 4) -> int:
    """How many routes have rules: each has an id in the comments of its own."""
    return len(set(re.findall(r"flowspec ([0-9a-f]{16})", host.save(family, table="filter"))))


def drops(host: net.Namespace, destination: str) -> bool:
    return any(f"-d {destination} " in f"{line} " and "-j DROP" in line for line in host.save(table="filter").splitlines())


def of_others(count: int) -> list[tuple[str, str]]:
    """Matches that are not the leaf's business: between others, and to others whoever sends."""
    hosts = [f"{index // 250}.{index % 250 + 1}/32" for index in range(count)]
    return [(f"10.50.{host}", SOMEWHERE) if index % 2 else (f"10.60.{host}", "") for index, host in enumerate(hosts)]


def of_the_leaf() -> list[tuple[str, str]]:
    """Forty, to and from hosts of its two networks."""
    into = [(f"10.0.{1 + index % 2}.{index + 100}/32", SOMEWHERE) for index in range(20)]
    return into + [(SOMEWHERE, f"10.0.{1 + index % 2}.{index + 100}/32") for index in range(20)]


def bird_route(match: tuple[str, str], *actions: str) -> str:
    destination, source = match
    return net.route(f"dst {destination};" + (f" src {source};" if source else ""), *actions)


def frr_text(matches: list[tuple[str, str]]) -> str:
    """Discards as FRR prints them."""

    def text(destination: str, source: str) -> str:
        match = ",".join(f'"{key}":"{value}"' for key, value in (("to", destination), ("from", source)) if value)
        return f'[{{{match}}},{{"ecomlist":"FS:rate 0.000000"}},{{"time":"00:00:01"}}]\n'

    return "".join(text(*match) for match in matches)


DEFAULT = ("0.0.0.0/0", "0.0.0.0/0")


def test_of_ten_thousand_routes_forty_are_installed(loop: Loop) -> None:
    routes = [bird_route(match, net.DISCARD) for match in of_others(10_000)]
    routes[5000:5000] = [bird_route(match, net.DISCARD) for match in of_the_leaf()]
    loop.publish_routes(*routes, bird_route(DEFAULT, net.DISCARD))
    done = loop.sync("--scope", "local")
    assert installed(loop.leaf) == 41, done.stdout  # the forty and the default policy
    assert "left out: 10000 routes: not-local" in done.stdout
    assert all(drops(loop.leaf, match[0]) for match in of_the_leaf()[:20])
    # Nothing to do is nothing done.
    assert "left out: 10000 routes: not-local" in loop.plan("--scope", "local", "--exit-code").stdout


def test_what_lets_packets_out_stays_in_front_of_the_default_policy(segment: Segment) -> None:
    """The client's network is the leaf's own; 10.7.0.0/16 is behind the server."""
    segment.leaf.run("ip", "route", "add", "10.7.0.0/16", "via", segment.SERVER)
    segment.server.run("ip", "address", "add", "10.7.0.1/32", "dev", "lo")
    accepts = '[{"to":"10.7.0.0/16"},{"time":"00:00:01"}]\n[{"to":"10.8.0.0/16","from":"10.9.0.0/16"},{"time":"00:00:01"}]\n'
    segment.sync_text(accepts + frr_text([DEFAULT]), "--scope", "local", "--stateful", "never")
    assert installed(segment.leaf) == 2
    assert not segment.pings()
    server = (segment.client, segment.server, "10.7.0.1")
    assert net.datagram_arrives(*server, 4000)
    # Without a default policy nobody takes such packets: nothing has to be said of them.
    segment.sync_text(accepts, "--scope", "local")
    assert installed(segment.leaf) == 0
    assert net.datagram_arrives(*server, 4000)


def test_own_are_the_addresses_and_the_routes_to_links(segment: Segment) -> None:
    matches = [("10.0.1.99/32", ""), ("10.20.0.1/32", ""), ("10.30.0.1/32", ""), ("10.255.0.7/32", ""), ("10.40.0.1/32", "")]
    segment.leaf.run("ip", "route", "add", "10.20.0.0/16", "dev", "client")
    segment.leaf.run("ip", "route", "add", "10.30.0.0/16", "via", segment.CLIENT)
    segment.leaf.run("ip", "address", "add", "10.255.0.7/32", "dev", "lo")
    segment.sync_text(frr_text(matches), "--scope", "local")
    assert [drops(segment.leaf, to) for to, _ in matches] == [True, True, False, True, False]


def test_the_list_is_instead_of_what_the_kernel_has(segment: Segment) -> None:
    matches = [("10.0.1.99/32", ""), ("10.0.2.99/32", ""), ("10.20.0.1/32", "")]
    segment.sync_text(frr_text(matches), "--scope", "local", "--scope-prefixes", "10.0.1.0/24,10.20.0.0/16")
    assert [drops(segment.leaf, to) for to, _ in matches] == [True, False, True]


def test_the_other_family_has_its_own(segment: Segment) -> None:
    routes = (
        '[{"to":"2001:db8:1::7/128/off 0"},{"ecomlist":"FS:rate 0.000000"},{"time":"00:00:01"}]\n'
        '[{"to":"2001:db8:2::7/128/off 0"},{"ecomlist":"FS:rate 0.000000"},{"time":"00:00:01"}]\n'
    )
    file = segment.leaf.lab.directory / "routes6"
    file.write_text(routes)
    segment.injector("sync", "--routes6", file, "--scope", "local")
    assert installed(segment.leaf, 6) == 0  # there are IPv4 addresses only
    segment.leaf.run("ip", "address", "add", "2001:db8:1::1/64", "dev", "client")
    segment.injector("sync", "--routes6", file, "--scope", "local")
    assert installed(segment.leaf, 6) == 1


@pytest.mark.parametrize("how", ["nothing was there", "rules are there"])
def test_a_machine_without_a_prefix_of_its_own_keeps_its_rules(segment: Segment, how: str) -> None:
    """More likely its interfaces are not up yet: to take all rules away would open it."""
    routes = frr_text([("10.0.1.99/32", ""), ("10.50.0.1/32", "")])
    if how == "rules are there":
        segment.sync_text(routes, "--scope", "local")
        assert installed(segment.leaf) == 1
    before = segment.leaf.save()
    for link in ("client", "server"):
        segment.leaf.run("ip", "address", "flush", "dev", link)
    done = segment.sync_text(routes, "--scope", "local", check=False)
    assert done.returncode == 1
    assert "this machine has no prefix of its own" in done.stderr
    assert segment.leaf.save() == before
    # Who says what is its own is believed.
    segment.sync_text(routes, "--scope", "local", "--scope-prefixes", "10.50.0.0/16")
    assert drops(segment.leaf, "10.50.0.1/32")


def test_addresses_are_followed(loop: Loop, tmp_path: pathlib.Path) -> None:
    """While FRR has nothing new to say, and with looks in full far apart."""
    here, there = f"{LATER_NETWORK}.7/32", "10.0.1.99/32"
    loop.publish_routes(bird_route((here, ""), net.DISCARD), bird_route((there, ""), net.DISCARD))
    daemon = Daemon(
        loop.leaf, tmp_path, "--pathspace", loop.frr.pathspace, "--scope", "local", "--interval", "0.2", "--full-interval", "3600"
    )
    assert not drops(loop.leaf, here) and drops(loop.leaf, there)
    for words in (("address", f"{LATER_NETWORK}.1/24"), ("route", f"{LATER_NETWORK}.0/24")):
        for verb, expected in (("add", True), ("delete", False)) * 2:
            loop.leaf.run("ip", words[0], verb, words[1], "dev", "client")
            net.wait_until(lambda: drops(loop.leaf, here) == expected, f"ip {words[0]} {verb} to be followed")
            assert drops(loop.leaf, there)
    # A route by a gateway takes the place of one to a link.
    for by, expected in (("dev client", True), (f"via {loop.CLIENT}", False)):
        loop.leaf.run("ip", "route", "replace", f"{LATER_NETWORK}.0/24", *by.split())
        net.wait_until(lambda: drops(loop.leaf, here) == expected, f"a route {by} to be followed")
    daemon.stop()


def test_a_daemon_whose_machine_loses_its_addresses_keeps_its_rules(segment: Segment, tmp_path: pathlib.Path) -> None:
    routes = tmp_path / "routes"
    routes.write_text(frr_text([("10.0.1.99/32", "")]))
    daemon = Daemon(segment.leaf, tmp_path / "daemon", "--routes", routes, "--scope", "local", "--interval", "3600")
    before = segment.leaf.save()
    assert installed(segment.leaf) == 1
    for link in ("client", "server"):
        segment.leaf.run("ip", "address", "flush", "dev", link)
    assert any("no prefix of its own" in str(event) for event in daemon.pass_now())
    assert segment.leaf.save() == before
    segment.leaf.run("ip", "address", "add", "10.0.2.1/24", "dev", "server")
    daemon.pass_now()
    assert installed(segment.leaf) == 0  # the route is another machine's now
    daemon.stop()
