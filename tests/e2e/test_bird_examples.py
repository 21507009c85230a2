"""The examples of BIRD's own documentation (BIRD 2.0 User's Guide, "Static", "Flow specification"), through FRR."""

from __future__ import annotations

import json

import lab as net
import pytest
from conftest import Loop
from speakers import FAMILIES, Bird, Route
from test_interop import make_network

# What the guide gives as example, and what the injector must make of it: the match but for the destination, or the reason why
# not. A route each, since FRR takes no more than five values a component. The guide's prefixes with an offset are left out: FRR
# 8.4.4 takes them for malformed and resets the session.
IPV4 = {
    "proto 6;": {"protocol": "6"},
    "port 1..1023,1194,3306;": {"port": "1-1023,1194,3306"},
    "dport 49151;": {"destination_port": "49151"},
    "sport = 0;": {"source_port": "0"},
    "icmp type 3;": {"icmp_type": "3"},
    "icmp code 1;": {"icmp_code": "1"},
    "tcp flags 0x03/0x0f;": {"tcp_flags": "= 3,&∋ ! 12"},
    "length > 1500;": {"packet_length": "1501-65535"},
    "dscp 8..15;": {"dscp": "8-15"},
    "fragment is_fragment && !dont_fragment;": {"fragment": "= 2,&∋ ! 1"},
    # The whole example for IPv4, without the ports: those are eight values.
    "tcp flags 0x03/0x0f; length > 1024; dscp = 63; fragment dont_fragment, is_fragment || !first_fragment;": {
        "tcp_flags": "= 3,&∋ ! 12", "packet_length": "1025-65535", "dscp": "63", "fragment": "= 1,&= 2,|∋ ! 4",
    },
}  # fmt: skip
IPV6 = {
    "src fe80::/64;": {"source": "fe80::/64"},
    "next header 6;": {"protocol": "6"},
    # The whole example for IPv6, without the source, whose offset FRR misreads, and the label, whose != it does not take.
    "next header = 23; sport > 24 && < 30 || = 40 || = 50; dport = 50; tcp flags 0x03/0x0f && !0/0xff || 0x33/0x33; "
    "fragment !is_fragment || !first_fragment;": "never-matches",
    "sport > 24 && < 30 || = 40 || = 50; dport = 50; tcp flags 0x03/0x0f && !0/0xff || 0x33/0x33; "
    "fragment !is_fragment || !first_fragment;": {
        "source_port": "25-29,40,50", "destination_port": "50", "tcp_flags": "= 3,&∋ ! 12,&∋ 255,|= 51",
        "fragment": "∋ ! 2,|∋ ! 4",
    },
}  # fmt: skip


def test_each_example_is_enforced_as_it_says_or_refused_by_name(lab: net.Lab) -> None:
    host, own, peer = lab.namespace("speaker"), net.Peer("192.168.254.10", 65105), net.Peer("192.168.254.9", 65309)
    network = make_network(lab, host, own, peer)
    meant: dict[str, dict[str, str] | str] = {}
    routes = []
    for family, examples, prefix in (("ipv4", IPV4, "10.77.{}.0/24"), ("ipv6", IPV6, "2001:db8:77:{}::/64")):
        for number, (words, what) in enumerate(examples.items(), start=1):
            destination = prefix.format(number)
            routes.append(Route(family, destination, words, Bird.DISCARD))
            meant[destination] = {"destination": destination} | what if isinstance(what, dict) else what
    assert not any(Bird(host, peer, own).announce(routes))
    for family, examples in zip(FAMILIES, (IPV4, IPV6)):
        net.wait_until(lambda: network.frr.peer_state(family).get("pfxRcd") == len(examples), f"{family} routes in FRR")

    plan = json.loads(network.injector("plan", "--json"))
    made = {entry["match"]["destination"]: entry["match"] for entry in plan["entries"]}
    for rejected in plan["rejected"]:
        (destination,) = (name for name in meant if name in rejected["subject"])
        made[destination] = rejected["reason"]
    assert made == meant


@pytest.mark.parametrize(
    "example",
    [
        "dst 10.0.0.0/8; port > 24 && < 30 || 40..50,60..70,80 && >= 90; tcp flags 0x03/0x0f; length > 1024; dscp = 63; "
        "fragment dont_fragment, is_fragment || !first_fragment;",
        "dst 10.0.0.0/8; proto != 6;",  # as the guide has it for IPv6's next header and label
    ],
)
def test_what_frr_does_not_take_resets_the_session_and_changes_no_rule(loop: Loop, example: str) -> None:
    loop.publish_routes(net.route("dst 10.0.2.10/32; proto 6; dport 80;", net.DISCARD))
    loop.sync()
    before = loop.leaf.save(table="filter")
    loop.session_lasts = False
    loop.bird.configure(net.static(net.route("dst 10.0.2.10/32; proto 6; dport 80;", net.DISCARD), net.route(example, net.DISCARD)))
    net.wait_until(lambda: loop.frr.peer_state().get("connectionsDropped"), "the end of the session")
    net.wait_until(lambda: loop.frr.peer_state().get("state") != "Established", "a moment without a session")
    done = loop.sync(check=False)  # what is held, or that the session went or came while FRR was asked
    assert done.returncode in (0, 1) and loop.frr.peer.address in done.stderr, done
    assert loop.leaf.save(table="filter") == before
