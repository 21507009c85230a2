"""The loop on live daemons: what BIRD announces is what the leaf does with packets."""

from __future__ import annotations

import random
import re
import socket

import lab as net
from conftest import Loop

DEFAULT_DROP = net.route("dst 0.0.0.0/0; src 0.0.0.0/0;", net.DISCARD)
WEB = "dst 10.0.2.10/32; proto 6; dport 80;"


def test_routes_without_a_sequence_number_stand_by_the_bytes_that_were_sent(loop: Loop) -> None:
    """RFC 8955 section 5.1: 91 1388 goes before 92 03ff, though 1024 is below 5000."""
    to_server = "dst 10.0.2.10/32; proto 17;"
    loop.publish_routes(net.route(f"{to_server} dport > 1023;", net.DISCARD), net.route(f"{to_server} dport = 5000;"))
    loop.sync()
    assert loop.datagram_arrives(5000) and not loop.datagram_arrives(5001)


def test_a_route_is_added_changed_and_withdrawn(loop: Loop) -> None:
    loop.publish_routes(DEFAULT_DROP)
    loop.sync()
    assert not loop.connects(80)

    loop.publish_routes(net.route(WEB), DEFAULT_DROP)
    loop.sync()
    assert loop.connects(80)

    loop.bird.configure(net.static(net.route(WEB, net.DISCARD), DEFAULT_DROP))
    net.wait_until(lambda: loop.frr.routes_text().count("FS:rate 0.000000") == 2, "the changed route")
    loop.sync()
    assert not loop.connects(80)

    loop.publish_routes(net.route(WEB), net.route("dst 10.0.2.10/32; proto 17; dport 53;"), DEFAULT_DROP)
    net.wait_until(lambda: loop.frr.routes_text().count("FS:rate 0.000000") == 1, "the changed route")
    loop.sync()
    assert loop.connects(80)

    loop.publish_routes(net.route("dst 10.0.2.10/32; proto 17; dport 53;"), DEFAULT_DROP)
    loop.sync()
    assert not loop.connects(80)
    assert loop.datagram_arrives(53)


def test_all_routes_withdrawn_by_a_live_controller_leave_no_rule(loop: Loop) -> None:
    loop.publish_routes(net.route(WEB, net.DISCARD))
    loop.sync()
    assert not loop.connects(80)
    loop.publish_routes()
    loop.sync()
    assert loop.leaf.chain("FLOWSPEC") == []
    assert loop.connects(80)


def test_three_hundred_rules_keep_their_order(loop: Loop) -> None:
    """Rules in an order that is far from the RFC's: every other one overrules half of those behind it."""
    shuffled = random.Random(300)
    ports = shuffled.sample(range(1024, 65536), 300)
    rules = [
        f"-s 10.{shuffled.randrange(256)}.{shuffled.randrange(256)}.0/24 -d 10.0.2.10/32 -p tcp -m tcp --dport {port}"
        f" -j {shuffled.choice(['ACCEPT', 'DROP'])}"
        for port in ports
    ]
    loop.firewall.restore(filter_table(rules, policy="DROP"))
    loop.publish(loop.fetch().stdout)
    assert loop.frr.peer_state()["pfxRcd"] == 301
    loop.sync("--layout", "linear")

    installed = loop.leaf.chain("FLOWSPEC")
    numbered = [rule for rule in installed if " seq " in rule]
    assert [int(re.search(r" seq (\d+)\"", rule)[1]) for rule in numbered] == list(range(1, 301))
    assert [without_comment(rule) for rule in numbered] == rules
    assert without_comment(installed[-1]) == "-j DROP"


def test_the_papers_carrier(loop: Loop) -> None:
    """Sequence numbers in the traffic-marking community, as far as FRR shows it: 0 to 255."""
    shuffled = random.Random(255)
    rules = [f"-s 10.9.{octet}.0/24 -j {shuffled.choice(['ACCEPT', 'DROP'])}" for octet in shuffled.sample(range(256), 255)]
    loop.firewall.restore(filter_table(rules, policy="ACCEPT"))
    published = loop.fetch("--sequence", "marking").stdout
    assert "rt, 65535" not in published
    loop.publish(published)
    loop.sync("--sequence", "marking", "--layout", "linear")
    numbered = [rule for rule in loop.leaf.chain("FLOWSPEC") if " seq " in rule]
    assert [without_comment(rule) for rule in numbered] == rules


def test_the_papers_carrier_is_refused_when_it_is_too_small(loop: Loop) -> None:
    loop.firewall.restore(filter_table([f"-s 10.9.{octet // 2}.{octet % 2 * 128}/25 -j DROP" for octet in range(300)]))
    done = loop.fetch("--sequence", "marking", check=False)
    assert done.returncode in (1, 2) and "route flow4" not in done.stdout
    assert "255" in done.stderr or "256" in done.stderr


def test_numbered_routes_come_first_then_the_rfcs_order_then_the_default(loop: Loop) -> None:
    """Without numbers, the longer destination goes first; the default policy is last though 0.0.0.0/0 sorts elsewhere."""
    loop.publish_routes(
        DEFAULT_DROP,
        net.route("dst 10.0.2.0/24; proto 17;", net.DISCARD),
        net.route("dst 10.0.2.10/32; proto 17; dport 53;"),
        net.route("proto 17; dport 54;"),
        net.route("src 10.0.1.10/32; proto 17; dport 55;", net.sequence(20)),
        net.route("src 10.0.1.0/24; dst 10.0.2.0/24; proto 17; dport 55;", net.sequence(10), net.DISCARD),
    )
    loop.sync("--stateful", "never")
    assert [without_comment(rule) for rule in loop.leaf.chain("FLOWSPEC")] == [
        "-s 10.0.1.0/24 -d 10.0.2.0/24 -p udp -m udp --dport 55 -j DROP",
        "-s 10.0.1.10/32 -p udp -m udp --dport 55 -j ACCEPT",
        "-d 10.0.2.10/32 -p udp -m udp --dport 53 -j ACCEPT",
        "-d 10.0.2.0/24 -p udp -j DROP",
        "-p udp -m udp --dport 54 -j ACCEPT",
        "-j DROP",
    ]
    assert [loop.datagram_arrives(port) for port in (53, 54, 55)] == [True, False, False]


def test_replies_pass_under_a_default_drop_and_new_connections_the_other_way_do_not(loop: Loop) -> None:
    loop.publish_routes(net.route(WEB, net.sequence(1)), DEFAULT_DROP)
    loop.sync()
    with loop.server.socket(socket.SOCK_STREAM, 80) as listener, loop.client.socket(socket.SOCK_STREAM) as client:
        listener.listen()
        client.connect((loop.SERVER, 80))
        served, peer = listener.accept()
        with served:
            served.sendall(b"from the server")
            assert client.recv(64) == b"from the server"
            assert not loop.connects_back(peer[1] ^ 1)
            assert not loop.connects_back(80)
            assert not loop.pings_back()
    assert not loop.datagram_arrives(80)


def test_stateful_never_lets_no_reply_through(loop: Loop) -> None:
    loop.publish_routes(net.route(WEB, net.sequence(1)), DEFAULT_DROP)
    loop.sync("--stateful", "never")
    assert not loop.connects(80)
    assert "conntrack" not in loop.leaf.save()


def test_an_explicit_drop_cuts_a_running_connection(loop: Loop) -> None:
    """The stateful accept stands before the default drop only."""
    loop.publish_routes(net.route(WEB, net.sequence(2)), DEFAULT_DROP)
    loop.sync()
    with loop.server.socket(socket.SOCK_STREAM, 80) as listener, loop.client.socket(socket.SOCK_STREAM) as client:
        listener.listen()
        client.connect((loop.SERVER, 80))
        served, _ = listener.accept()
        with served:
            served.settimeout(1)
            client.sendall(b"one")
            assert served.recv(64) == b"one"

            loop.publish_routes(
                net.route("src 10.0.1.10/32;", net.sequence(1), net.DISCARD), net.route(WEB, net.sequence(2)), DEFAULT_DROP
            )
            loop.sync()
            client.sendall(b"two")
            assert not net.succeeds(lambda: served.recv(64))


def test_a_rate_limits_and_lets_through_what_is_below_it(loop: Loop) -> None:
    """A flood of 200 kB against 20 kB/s, counted on the other side; then, at rest, a datagram passes."""
    loop.publish_routes(net.route("dst 10.0.2.10/32; proto 17; dport 9;", net.rate(20000)))
    loop.sync()
    with loop.server.socket(socket.SOCK_DGRAM, 9) as receiver, loop.client.socket(socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(bytes(972), (loop.SERVER, 9))  # 1000 bytes with its headers
        received = 0
        while net.succeeds(lambda: receiver.recv(2000)):
            received += 1
    assert 1 <= received <= 100
    assert loop.datagram_arrives(10)
    assert loop.datagram_arrives(9)


def test_icmp_type_and_code(loop: Loop) -> None:
    loop.publish_routes(net.route("proto 1; icmp type 8; icmp code 0; dst 10.0.2.10/32;"), DEFAULT_DROP)
    loop.sync()
    assert loop.pings()
    assert not loop.pings_back()


def filter_table(rules: list[str], policy: str = "ACCEPT") -> str:
    body = "".join(f"-A FORWARD {rule}\n" for rule in rules)
    return f"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD {policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n{body}COMMIT\n"


def without_comment(rule: str) -> str:
    return re.sub(r'-m comment --comment "[^"]*" ', "", rule)
